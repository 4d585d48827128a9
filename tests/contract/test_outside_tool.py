"""A tool from outside the package: the file that CONTRIBUTING shows, found, routed to, run."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from orchestrator.executor import InputValue, execute
from orchestrator.planner import make_plan, plan_schema
from orchestrator.settings import Settings
from tests.contract.real_composer import real_composer
from tests.unit.small_tools import FakeChat, context
from tools.registry import ENTRY_POINTS, RegistryError, load_registry

pytestmark = pytest.mark.models


@pytest.fixture
def outside_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CONTRIBUTING's tool as an installed distribution of its own."""
    text = Path("CONTRIBUTING.md").read_text("utf-8")
    code = re.search(r"```python\n(# count_words\.py\n.*?)```", text, re.DOTALL)
    assert code is not None
    assert len(code[1].splitlines()) < 30
    (tmp_path / "count_words.py").write_text(code[1], "utf-8")
    info = tmp_path / "count_words-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: count-words\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[{ENTRY_POINTS}]\ncount_words = count_words:CountWords\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("count_words", None)


@pytest.mark.usefixtures("outside_package")
async def test_one_file_is_a_tool() -> None:
    registry = load_registry()
    assert "count_words" in registry
    async with real_composer() as real:
        draft = await real.composer.compose(
            "How many words does this have, and translate it into French: The parcel came.",
            {},
            language="en",
        )
    assert [step.tool for step in draft.plan.steps] == ["count_words", "translate_text"]
    assert draft.confidence >= Settings().route_threshold

    chosen = '{"steps":[{"id":"s1","tool":"count_words","args":{"text":"input:text"}}]}'
    chat = FakeChat(chosen)
    plan = await make_plan(
        "length?", [registry["count_words"]], {"text": "text"}, registry, chat, timeout_s=5
    )
    assert "count_words" in chat.asked[0][-1].content
    assert plan_schema([registry["count_words"]], {"text": "text"}) == chat.schemas[0]
    inputs = {"text": InputValue(kind="text", text="The parcel came.")}
    (report,) = await execute(plan, inputs, registry, context())
    assert report.result == {"text": "3 words"}


@pytest.mark.usefixtures("outside_package")
def test_a_name_that_is_taken_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import count_words

    monkeypatch.setattr(count_words.CountWords, "name", "translate_text")
    with pytest.raises(RegistryError, match="Two tools are called 'translate_text'"):
        load_registry()
