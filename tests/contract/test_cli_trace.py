"""`switchboard trace` as a person and a script see it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from orchestrator.cli import app
from orchestrator.commands.trace import tree_of
from orchestrator.settings import get_settings
from orchestrator.trace import Trace, TracedSpan
from tests.faults.small_service import plan_of, small_parts


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("SWITCHBOARD_HOME", str(tmp_path / "home"))
    get_settings.cache_clear()
    with small_parts():
        yield tmp_path / "home"
    get_settings.cache_clear()


def run(*args: str) -> Result:
    return CliRunner().invoke(app, list(args), prog_name="switchboard")


def drawn(trace: Trace) -> str:
    console = Console(width=160, highlight=False)
    with console.capture() as capture:
        console.print(tree_of(trace))
    return capture.get()


def test_what_was_asked_is_shown_as_a_tree(home: Path) -> None:
    asked = run("ask", "--json", plan_of(("tens", {"text": "1 2"}), ("shout", {"text": "s1"})))
    assert asked.exit_code == 0, asked.stderr
    outcome = json.loads(asked.stdout)
    shown = run("trace", outcome["id"])
    assert shown.exit_code == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert outcome["id"] in lines[0]
    for words in (("route",), ("step", "s1", "tens"), ("model", "tens", "items=2"), ("step", "s2")):
        assert [line for line in lines if all(word in line for word in words)], words
    assert "10 20" not in shown.stdout, "no words"

    assert run("trace", "last").stdout == shown.stdout
    listed = run("trace").stdout.splitlines()
    assert len(listed) == 1
    assert listed[0].startswith(outcome["id"])
    as_json = json.loads(run("trace", "last", "--json").stdout)
    assert as_json["id"] == outcome["id"]
    assert Trace.model_validate(as_json).spans
    # A command's service logs to a file of its home, as JSON.
    log = [json.loads(line) for line in (home / "switchboard.log").read_text().splitlines()]
    assert outcome["id"] in [line.get("trace_id") for line in log]


@pytest.mark.parametrize(("args", "said"), [(["last"], "no trace yet"), (["turn_1"], "no such")])
def test_what_is_not_there_is_one_line(home: Path, args: list[str], said: str) -> None:
    result = run("trace", *args)
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert said in line


def span(name: str, start: float, took: float, *below: TracedSpan, **about: Any) -> TracedSpan:
    error = about.pop("error", None)
    return TracedSpan(
        name=name, start_ms=start, duration_ms=took, error=error, attributes=about, spans=below
    )


def test_a_tree_tells_when_how_long_and_what(home: Path) -> None:
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    text = {"chars": 1234, "bytes": 1300, "mark": "0a"}
    model = span(
        "model", 50, 900, model="minilm", version="all-minilm-l6-v2 0123456789ab", items=3,
        batch_size=8,
    )  # fmt: skip
    step = span("step", 50, 950, model, id="s1", tool="shout", args={"text": text}, status="ok")
    failed = span("step", 1000, 1000, id="s2", tool="tens", error="item_error")
    trace = Trace(
        id="turn_1", kind="turn", begun_at=begun, duration_ms=2000, spans=(step, failed),
        attributes={"path": "router", "steps": {"ok": 1, "failed": 1}, "attachments": []},
        dropped_spans=7,
    )  # fmt: skip
    lines = drawn(trace).splitlines()
    assert lines[0].startswith("████████████   2.00 s turn turn_1 router")
    assert "steps={ok: 1, failed: 1}" in lines[0]
    assert "attachments" not in lines[0]
    assert "step s1 shout" in lines[1]
    assert "args={text: 1,234 chars}" in lines[1]
    assert "950.0 ms" in lines[1]
    assert "all-minilm-l6-v2 0123456789ab" in lines[2]
    assert "batch_size=8" in lines[2]
    assert "item_error" in lines[3]
    assert "7 more are not kept" in lines[-1]
    # Second half of the time, second half of the bar.
    assert "      ██████   1.00 s" in lines[3]


def test_what_a_model_or_tool_is_called_steers_no_terminal() -> None:
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    evil = span("step", 0, 1, id="s1", tool="\x1b[2Jx", note="[red]not markup[/red]\x07")
    shown = drawn(Trace(id="t", kind="turn", begun_at=begun, duration_ms=1, spans=(evil,)))
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "[red]not markup[/red]" in shown
