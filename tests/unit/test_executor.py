from __future__ import annotations

import asyncio
from typing import ClassVar

import pytest

from orchestrator.executor import InputValue, execute
from orchestrator.plan import Plan, Step
from orchestrator.turn import Event, StepChanged, StepProgress
from tools.artifacts import Artifact, Provenance
from tools.contracts import (
    RunContext,
    TextSlot,
    Tool,
    ToolArgs,
    ToolData,
    ToolEvent,
    ToolResult,
)
from tools.registry import Registry

from .small_tools import Failing, SummarizeText, context, registry

TEXT = {"text": InputValue(kind="text", text="Maria met Chen")}


def plan(*steps: tuple[str, str, dict[str, object]]) -> Plan:
    return Plan.model_validate(
        {"steps": [{"id": i, "tool": tool, "args": args} for i, tool, args in steps]}
    )


async def test_each_result_stands_under_its_own_step() -> None:
    made = plan(
        ("s1", "translate_text", {"text": "input:text", "target_language": "fr"}),
        ("s2", "translate_text", {"text": "input:text", "target_language": "pt"}),
        ("s3", "extract_entities", {"text": "input:text"}),
        ("s4", "summarize_text", {"text": ["s1", "s2"]}),
        ("s5", "summarize_text", {"text": "s3"}),
    )
    reports = await execute(made, TEXT, registry(), context())
    results = {report.id: report.result for report in reports}
    assert [report.id for report in reports] == ["s1", "s2", "s3", "s4", "s5"]
    assert results["s1"] == {"text": "fr:Maria met Chen"}
    assert results["s2"] == {"text": "pt:Maria met Chen"}
    assert results["s4"] == {"text": "sum(fr:Maria met Chen\n\npt:Maria met Chen)"}
    assert results["s5"] is not None
    assert "Maria" in results["s5"]["text"]


async def test_a_failure_skips_what_needs_it_and_nothing_else() -> None:
    made = plan(
        ("s1", "fail", {"text": "input:text"}),
        ("s2", "summarize_text", {"text": "s1"}),
        ("s3", "summarize_text", {"text": "s2"}),
        ("s4", "summarize_text", {"text": "input:text"}),
    )
    reports = await execute(made, TEXT, registry(), context())
    assert [report.status for report in reports] == ["failed", "skipped", "skipped", "ok"]
    assert reports[0].error is not None
    assert reports[0].error.code == "invalid_input"


async def test_a_bug_in_a_tool_is_reported_without_its_details() -> None:
    made = plan(("s1", "fail", {"text": "input:text", "how": "bug"}))
    (report,) = await execute(made, TEXT, registry(), context())
    assert report.error is not None
    assert report.error.code == "tool_fault"
    assert "secret" not in report.error.message


async def test_what_may_pass_is_tried_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.executor.BACKOFF_S", 0.0)
    tools = registry()
    made = plan(("s1", "fail", {"text": "input:text", "how": "flaky"}))
    (report,) = await execute(made, TEXT, tools, context())
    assert report.status == "ok"
    failing = tools["fail"]
    assert isinstance(failing, Failing)
    assert failing.calls == 2


async def test_a_step_that_hangs_ends_at_the_deadline() -> None:
    made = plan(
        ("s1", "fail", {"text": "input:text", "how": "hang"}),
        ("s2", "summarize_text", {"text": "input:text"}),
    )
    hung, well = await execute(made, TEXT, registry(), context(seconds=0.2))
    assert hung.error is not None
    assert hung.error.code == "deadline_exceeded"
    assert well.status == "ok"


async def test_cancelling_stops_the_steps_that_run() -> None:
    running = asyncio.Event()

    def emit(event: Event) -> None:
        if isinstance(event, StepChanged) and event.step.status == "running":
            running.set()

    made = plan(("s1", "fail", {"text": "input:text", "how": "hang"}))
    work = asyncio.create_task(execute(made, TEXT, registry(), context(), emit=emit))
    await running.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("step:")]


class Save(Tool):
    name = "save_text"
    description = "Keeps a text as a file."
    examples = ("save this",)
    outputs: ClassVar = {"document": "document"}

    class Args(ToolArgs):
        text: TextSlot

    class Result(ToolData):
        document: Artifact

    async def __call__(self, args: Args, ctx: RunContext) -> ToolResult:
        kept = ctx.artifacts.put(args.text.encode(), name="text.txt", origin="tool")
        return ToolResult(self.Result(document=kept), (kept,))


async def test_a_file_tells_which_tool_made_it_in_which_step() -> None:
    made = plan(
        ("s1", "save_text", {"text": "input:text"}),
        ("s2", "summarize_text", {"text": "input:text"}),
        ("s3", "save_text", {"text": "s2"}),
    )
    reports = await execute(made, TEXT, Registry([Save(), SummarizeText()]), context())
    sources = [artifact.provenance for report in reports for artifact in report.artifacts]
    assert sources == [Provenance(tool="save_text", step=step) for step in ("s1", "s3")]


async def test_a_file_is_read_for_a_text_slot() -> None:
    ctx = context()
    letter = ctx.artifacts.put(b"Dear Ms Brown", name="letter.txt", origin="user")
    inputs = {"letter.txt": InputValue(kind="document", artifact=letter)}
    made = plan(("s1", "summarize_text", {"text": "input:letter.txt"}))
    (report,) = await execute(made, inputs, registry(), ctx)
    assert report.result == {"text": "sum(Dear Ms Brown)"}


class Watch(Tool):
    name = "watch_text"
    description = "Tells what it sees on the way."
    examples = ("watch this",)
    outputs: ClassVar = {"text": "text"}

    class Args(ToolArgs):
        text: TextSlot

    class Result(ToolData):
        text: str

    async def __call__(self, args: Args, ctx: RunContext) -> ToolResult:
        ctx.tell(ToolEvent(time_s=0.0, kind="shot", what="shot 1"))
        ctx.progress(0.5)
        ctx.tell(ToolEvent(time_s=1.5, kind="entry", what="person #1"))
        return ToolResult(self.Result(text=args.text))


async def test_what_a_tool_sees_on_the_way_is_told_with_its_progress() -> None:
    events: list[Event] = []
    made = plan(("s1", "watch_text", {"text": "input:text"}))
    await execute(made, TEXT, Registry([Watch()]), context(), emit=events.append)
    told = [event for event in events if isinstance(event, StepProgress)]
    assert [(event.id, event.fraction, event.seen and event.seen.what) for event in told] == [
        ("s1", 0.0, "shot 1"),
        ("s1", 0.5, None),
        ("s1", 0.5, "person #1"),
    ]


def test_a_step_refers_by_strings() -> None:
    step = Step(id="s2", tool="summarize_text", args={"text": ["s1.text", "input:a b.md"]})
    refs = step.refs({"text": "text"})["text"]
    assert [(ref.name, ref.port, ref.is_input) for ref in refs] == [
        ("s1", "text", False),
        ("a b.md", None, True),
    ]


async def test_the_same_call_is_made_once_and_shared() -> None:
    tools = registry()
    failing = tools["fail"]
    assert isinstance(failing, Failing)
    made = plan(
        ("s1", "fail", {"text": "input:text", "how": "flaky"}),
        ("s2", "fail", {"how": "flaky", "text": "input:text"}),
        ("s3", "summarize_text", {"text": "s1"}),
        ("s4", "summarize_text", {"text": "s2"}),
        ("s5", "fail", {"text": "s1", "how": "flaky"}),
    )
    reports = await execute(made, TEXT, tools, context())
    assert [report.status for report in reports] == ["ok"] * 5
    assert reports[1].result == reports[0].result == {"text": "worked"}
    # Once for nothing, once for s1 and s2 together, once for s5, whose text is another.
    assert failing.calls == 3


async def test_a_failure_is_shared_too_and_told_of_each_step() -> None:
    tools = registry()
    failing = tools["fail"]
    assert isinstance(failing, Failing)
    made = plan(*((f"s{n}", "fail", {"text": "input:text"}) for n in (1, 2, 3)))
    reports = await execute(made, TEXT, tools, context())
    assert [report.error and report.error.code for report in reports] == ["invalid_input"] * 3
    assert failing.calls == 1


async def test_who_shares_a_call_that_is_late_is_late_too() -> None:
    made = plan(*((f"s{n}", "fail", {"text": "input:text", "how": "hang"}) for n in (1, 2)))
    reports = await execute(made, TEXT, registry(), context(seconds=0.1))
    assert [report.error and report.error.code for report in reports] == ["deadline_exceeded"] * 2


async def test_cancelling_cancels_a_shared_call() -> None:
    begun = asyncio.Event()

    def emit(event: Event) -> None:
        if isinstance(event, StepChanged) and event.step.id == "s2":
            asyncio.get_running_loop().call_soon(begun.set)

    made = plan(*((f"s{n}", "fail", {"text": "input:text", "how": "hang"}) for n in (1, 2)))
    running = asyncio.create_task(execute(made, TEXT, registry(), context(), emit=emit))
    async with asyncio.timeout(5):
        await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
