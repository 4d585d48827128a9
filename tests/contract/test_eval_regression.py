"""What `switchboard eval run routing --baseline` says of a tool that says no more what it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from model_servers.contracts import ChatMessage, ChatReply, Usage
from orchestrator.cli import app
from orchestrator.settings import get_settings
from tests.unit.small_tools import FakeChat
from tools.translate_text import TranslateText

pytestmark = pytest.mark.models


class PlansNothing(FakeChat):
    """Always the same plan, so that what differs is the router's doing."""

    async def complete(
        self,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int,
        schema: Mapping[str, Any] | None = None,
        temperature: float = 0.0,
        timeout_s: float = 120.0,
    ) -> ChatReply:
        return ChatReply('{"steps": []}', "stop", Usage(1, 1, 1))


@pytest.fixture(autouse=True)
def command(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    point = EntryPoint("eval", "evals.eval_commands:app", "switchboard.commands")
    monkeypatch.setattr("orchestrator.cli._points", lambda: {"eval": point})
    monkeypatch.setenv("SWITCHBOARD_LLM_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("SWITCHBOARD_LLM_MODEL", "none")
    monkeypatch.setattr("model_servers.chat.LiteLLMChat", lambda _: PlansNothing())
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def eval_run(out: Path, *words: str | Path) -> Result:
    return CliRunner().invoke(app, ["eval", "run", "routing", "--out", str(out), *map(str, words)])


def test_an_emptied_description_is_a_regression_and_another_seed_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    baseline = tmp_path / "baseline"
    assert eval_run(baseline).exit_code == 0
    same = eval_run(tmp_path / "same", "--seed", "1", "--baseline", baseline)
    assert same.exit_code == 0, same.stderr
    monkeypatch.setattr(TranslateText, "description", "")
    worse = eval_run(tmp_path / "worse", "--baseline", baseline)
    assert worse.exit_code == 1
    assert "routing: node_f1 went from" in worse.stderr
    assert "routing: node_f1/translate_text went from" in worse.stderr
    assert "routing: node_f1/detect_objects" not in worse.stderr
