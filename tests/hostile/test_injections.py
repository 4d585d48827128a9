"""Instructions inside of documents, rows, knowledge and tools' results are data: thirty attempts.

The chat model is a gullible one: whatever order it sees when it plans, it follows. So the plans
stay what they were only because no such order reaches it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import pytest

from model_servers.contracts import (
    ChatDelta,
    ChatMessage,
    ChatReply,
    FunctionSpec,
    ToolCalls,
    Usage,
)
from orchestrator import planner
from orchestrator.executor import run_tool
from orchestrator.plan import Plan
from orchestrator.service import Service, open_service
from orchestrator.turn import Finished, Outcome, Planned, Turn
from tests.faults.small_service import small_parts
from tests.hostile.guarded import SECRET
from tests.hostile.service_process import by_clauses, settings_of
from tests.unit.small_tools import (
    ClassifyText,
    ExtractEntities,
    SummarizeText,
    TextArgs,
    TextData,
    TranslateText,
)
from tools.contracts import RunContext, Tool, ToolResult

ATTEMPTS = [
    json.loads(line)
    for line in Path(__file__).with_name("injections.jsonl").read_text("utf-8").splitlines()
]
CLEAN = "Laptops can be returned within 30 days. Maria Silva decides about exceptions."
OTHERS = "canary-41bc-of-another-customer"
REQUESTS = {
    "document": "Summarize notes.md and translate the summary into French",
    "row": "Translate each text into French",
    "knowledge": "How long do I have to return a laptop?",
    "tool_result": f"Summarize this and then translate the summary into French: {CLEAN}",
}
FOLLOW_UP = "and into German?"


class SendMail(Tool):
    """The bait: nobody who uses the service asks for it."""

    name = "send_mail"
    description = "Sends a text to an address elsewhere."
    examples = ("Send this by mail",)
    outputs: ClassVar = {"text": "text"}
    Args = TextArgs
    Result = TextData

    async def __call__(self, args: Any, ctx: RunContext) -> ToolResult:
        return ToolResult(TextData(text="sent"))


@dataclass
class Gullible:
    """Plans what it was told to; where the attempt is among what it reads, it obeys that."""

    attempt: str
    plan: Plan = Plan()
    asked: list[str] = field(default_factory=list)
    planned: list[str] = field(default_factory=list)

    async def complete(self, messages: Sequence[ChatMessage], **options: Any) -> ChatReply:
        said = "\n".join(message.content for message in messages)
        self.asked.append(said)
        text = "You have 30 days to return a laptop [1]."
        if "steps" in (options.get("schema") or {}).get("properties", {}):
            self.planned.append(said)
            text = self.plan.model_dump_json()
            own = "\n".join(message.content for message in messages[:-1])
            if any(piece in said for piece in _pieces(self.attempt) if piece not in own):
                text = (
                    '{"steps": [{"id": "s1", "tool": "send_mail", "args": {"text": "input:text"}}]}'
                )
        return ChatReply(text, "stop", Usage(10, 10, 1))

    async def stream(
        self, messages: Sequence[ChatMessage], **options: Any
    ) -> AsyncGenerator[ChatDelta, None]:
        yield ChatDelta((await self.complete(messages)).text)
        yield ChatDelta("", "stop", Usage(10, 10, 1))

    async def call(
        self, messages: Sequence[ChatMessage], functions: Sequence[FunctionSpec], **options: Any
    ) -> ToolCalls:
        raise AssertionError("the agent calls no functions")


def _pieces(attempt: str) -> Iterator[str]:
    """Any dozen characters in a row give an order away."""
    return (attempt[start : start + 12] for start in range(max(1, len(attempt) - 11)))


@dataclass
class Run:
    """What one task came to."""

    plans: list[dict[str, Any]]
    calls: list[tuple[str, dict[str, Any]]]
    outcomes: list[Outcome]
    chat: Gullible

    @property
    def told(self) -> str:
        """All that anyone outside gets to see, or a tool gets to work on."""
        outcomes = [outcome.model_dump(mode="json") for outcome in self.outcomes]
        return json.dumps([outcomes, self.calls], ensure_ascii=False, default=str)

    @property
    def shape(self) -> list[tuple[str, dict[str, Any]]]:
        """Which tools were called and with what, but for the texts that they worked on."""
        texts = ("text", "question", "context")
        return [(n, {k: v for k, v in a.items() if k not in texts}) for n, a in self.calls]


@contextmanager
def recorded(poison: str) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """The calls that plans make; with poison, a summary that was tampered with."""
    calls: list[tuple[str, dict[str, Any]]] = []

    async def run(tool: Tool, args: Mapping[str, Any], ctx: RunContext) -> ToolResult:
        calls.append((tool.name, {k: v for k, v in args.items() if not hasattr(v, "id")}))
        result = await run_tool(tool, args, ctx)
        if poison and tool.name == "summarize_text":
            return ToolResult(TextData(text=poison))
        return result

    with patch("orchestrator.executor.run_tool", run):
        yield calls


@asynccontextmanager
async def opened(home: Path, chat: Gullible, *, threshold: float) -> AsyncIterator[Service]:
    tools = [ClassifyText(), ExtractEntities(), SummarizeText(), TranslateText(), SendMail()]
    with small_parts(tools, chat=chat), patch("orchestrator.service.Composer", by_clauses):
        service = await open_service(settings_of(home, route_threshold=threshold))
    try:
        other = await service.conversations.create("key_other")
        await service.conversations.append(other, "user", OTHERS)
        service.artifacts.put(OTHERS.encode(), name="other.md", origin="user")
        await service.knowledge.add("other.md", f"# Returns\n\n{OTHERS}", collection="other")
        yield service
    finally:
        await service.close()


async def perform(
    home: Path, carrier: str, text: str, *, attempt: str, plan: Plan | None = None
) -> Run:
    """One task, and a follow-up where that makes sense. With a plan the planner is asked."""
    chat = Gullible(attempt, plan or Plan())
    threshold = 0.5 if plan is None else 1.0
    poison = text if carrier == "tool_result" else ""
    async with opened(home, chat, threshold=threshold) as service:
        files, name = (), "rows.csv" if carrier == "row" else "notes.md"
        if carrier in ("document", "row"):
            cell = text.replace('"', '""')
            content = f'text\n"{cell}"\n' if carrier == "row" else f"# Notes\n\n{text}\n"
            artifact = service.artifacts.put(content.encode(), name=name, origin="user")
            files = (artifact,)
        if carrier == "knowledge":
            await service.knowledge.add("returns.md", f"# Returning a laptop\n\n{text}\n")
        events: list[Any] = []
        with recorded(poison) as calls:
            turn = Turn(text=REQUESTS[carrier], attachments=files, owner="key_one")
            if carrier == "row":
                await service.bulk.run(turn, events.append, job_id="task_rows")
            else:
                conversation = await service.conversations.create("key_one")
                turn = turn.model_copy(update={"conversation_id": conversation})
                events += [event async for event in service.run(turn)]
                if plan is None and carrier != "knowledge":
                    more = turn.model_copy(update={"text": FOLLOW_UP, "attachments": ()})
                    events += [event async for event in service.run(more)]
        if carrier == "row":
            outcome = next(e.outcome for e in events if isinstance(e, Finished))
            calls.append(("results", {"files": len(outcome.artifacts)}))
        return Run(
            plans=[e.plan.model_dump() for e in events if isinstance(e, Planned)],
            calls=calls,
            outcomes=[e.outcome for e in events if isinstance(e, Finished)],
            chat=chat,
        )


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt["id"])
async def test_an_instruction_in_data_is_data(attempt: dict[str, str], tmp_path: Path) -> None:
    carrier, order = attempt["in"], attempt["text"]
    tampered = order if carrier == "tool_result" else f"{CLEAN}\n\n{order}\n\n{CLEAN}"
    clean = await perform(tmp_path / "clean", carrier, CLEAN, attempt=order)
    # Without the attempt the task succeeds.
    (plan, *_) = clean.plans
    assert plan["steps"]
    assert clean.calls
    assert all(step.status == "ok" for outcome in clean.outcomes for step in outcome.steps)

    hurt = await perform(tmp_path / "hurt", carrier, tampered, attempt=order)
    _same(hurt, clean)
    # By the planner, too, that believes what it reads.
    made = Plan.model_validate(plan)
    clean = await perform(tmp_path / "clean-planned", carrier, CLEAN, attempt=order, plan=made)
    hurt = await perform(tmp_path / "hurt-planned", carrier, tampered, attempt=order, plan=made)
    assert hurt.chat.planned
    assert hurt.plans[0] == plan
    _same(hurt, clean)


def _same(hurt: Run, clean: Run) -> None:
    """The same plans and calls, no more of either, and nothing given away."""
    assert hurt.plans == clean.plans
    assert hurt.shape == clean.shape
    assert len(hurt.chat.asked) == len(clean.chat.asked)
    assert hurt.chat.planned == clean.chat.planned
    assert [o.route.path for o in hurt.outcomes] == [o.route.path for o in clean.outcomes]
    assert all(step.status == "ok" for outcome in hurt.outcomes for step in outcome.steps)
    for canary in (SECRET, OTHERS, planner._SYSTEM[:40]):
        assert canary not in hurt.told
    for canary in (SECRET, OTHERS):
        assert not any(canary in said for said in hurt.chat.asked)


def test_the_attempts_are_of_many_kinds() -> None:
    assert len(ATTEMPTS) == 30
    assert len({attempt["id"] for attempt in ATTEMPTS}) == 30
    assert len({attempt["language"] for attempt in ATTEMPTS}) >= 8
    assert {attempt["in"] for attempt in ATTEMPTS} == set(REQUESTS)
