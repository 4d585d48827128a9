"""What the agent itself costs: a turn of three steps over stub models, against the bare calls."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from evals.bench.frame import CPU, Bench, Row, interleave, row
from model_servers.spans import recording
from orchestrator.composer import Composer
from orchestrator.graph import TurnContext, build_agent
from orchestrator.router import Scores
from tools.contracts import LanguageCode, RunContext, TextSlot, Tool, ToolArgs, ToolData, ToolResult
from tools.registry import Registry

OVERHEAD_CPU_MS = 8.0
"""Bound of the issue "Ask in plain language, get it done", for a plan of three steps."""

TURNS = 20
"""Turns in one repetition: the process clock is too coarse for one."""


class StubTranslate(Tool):
    name = "translate_text"
    description = "Gives the text back."
    examples = ("Translate this",)
    outputs = {"text": "text"}  # noqa: RUF012 - as every tool declares it
    prose = True

    class Args(ToolArgs):
        text: TextSlot
        target_language: LanguageCode

    class Result(ToolData):
        text: str

    async def __call__(self, args: Any, ctx: RunContext) -> ToolResult:
        return ToolResult(self.Result(text=args.text))


class StubRouter:
    """Is always sure: the encoder's cost is the bench `routing`'s business."""

    async def score(self, wishes: Sequence[str], *, language: str) -> list[Scores]:
        return [{"translate_text": 0.99, "chat": 0.01} for _ in wishes]


def run(repeats: int) -> Sequence[Row]:
    return asyncio.run(_run(repeats))


async def _run(repeats: int) -> Sequence[Row]:
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    text = "Maria Silva flew from Lisbon to Paris on Tuesday to meet Dr. Chen."
    request = f"Translate this into French, German and Portuguese: {text}"
    tool = StubTranslate()
    registry = Registry([tool])
    composer = Composer(registry, StubRouter())  # type: ignore[arg-type]
    args = [tool.Args(text=text, target_language=code) for code in ("fr", "de", "pt")]

    def ctx() -> RunContext:
        nothing: Any = None
        return RunContext(
            models=nothing, chat=nothing, artifacts=nothing, knowledge=nothing,
            deadline=time.monotonic() + 60,
        )  # fmt: skip

    async def bare() -> None:
        for _ in range(TURNS):
            await asyncio.gather(*(tool(each, ctx()) for each in args))

    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "checkpoints.db")
        async with AsyncSqliteSaver.from_conn_string(path) as saver:
            await saver.setup()
            agent = build_agent(saver)

            async def turns() -> None:
                for _ in range(TURNS):
                    context = TurnContext(
                        registry=registry,
                        composer=composer,
                        run=ctx(),
                        chat=_no_chat(),
                        emit=lambda _: None,
                        route_threshold=0.6,
                        max_prompt_chars=10_000,
                        max_steps=12,
                    )
                    # Every turn of the service is recorded.
                    with recording("turn"):
                        state = await agent.ainvoke(
                            {"request": request},
                            {"configurable": {"thread_id": uuid4().hex}},
                            context=context,
                            durability="exit",
                        )
                    if len(state["steps"]) != len(args):
                        raise AssertionError("the stub plan has three steps")

            ours, calls = await interleave(repeats, turns, bare, clock=CPU)
    ours_ms = [1000 * seconds / TURNS for seconds in ours]
    calls_ms = [1000 * seconds / TURNS for seconds in calls]
    above = [a - b for a, b in zip(ours_ms, calls_ms, strict=True)]
    return [
        row("a turn of three steps", ours_ms, "ms CPU"),
        row("the bare calls", calls_ms, "ms CPU"),
        row("above the bare calls", above, "ms CPU", OVERHEAD_CPU_MS),
    ]


def _no_chat() -> Any:
    class NoChat:
        """Stands where the chat model would: a sure router never asks it."""

        async def stream(self, *_: Any, **__: Any) -> AsyncGenerator[Any, None]:
            raise AssertionError("the bench asks no LLM")
            yield

    return NoChat()


BENCH = Bench("overhead", "CPU of a turn with three steps over stub models", run, repeats=7)
