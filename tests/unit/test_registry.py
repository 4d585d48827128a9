"""Which tools are taken in, and among which the agent chooses."""

from __future__ import annotations

import pytest

from orchestrator.router import training_examples
from tools.registry import Registry, RegistryError

from .small_tools import ExtractEntities, Failing


class Hidden(ExtractEntities):
    name = "hidden"
    description = " "


def test_a_tool_without_a_description_is_called_by_name_alone() -> None:
    registry = Registry([Hidden(), Failing()])
    assert registry["hidden"].name == "hidden"
    assert [tool.name for tool in registry.offered()] == ["fail"]
    assert "hidden" not in {e.label for e in training_examples(registry.offered())}


def test_a_tool_that_is_half_made_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Hidden, "description", None)
    with pytest.raises(RegistryError, match="Hidden has no description"):
        Registry([Hidden()])
    monkeypatch.setattr(Hidden, "description", "")
    monkeypatch.setattr(Hidden, "examples", ())
    with pytest.raises(RegistryError, match="Hidden has no examples"):
        Registry([Hidden()])
