"""Whether a plan takes as long as its longest chain: whole turns over steps that only wait.

The uneven diamond is where supersteps lose: a graph that runs in rounds starts the long step after
the short one only when the long one beside it is done, too.

    s1 ─┬─ s2 short ── s3 long ──┬─ s6
        └─ s4 long ─── s5 short ─┘
"""

from __future__ import annotations

import asyncio
import operator
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypedDict
from uuid import uuid4

from evals.bench.frame import Bench, Row, interleave, ratio_row, row
from orchestrator.plan import Plan, Step
from tools.contracts import RunContext, TextSlot, Tool, ToolArgs, ToolData, ToolResult
from tools.registry import Registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CRITICAL_PATH_RATIO = 1.05
SUPERSTEPS_RATIO = 0.75
"""Bounds of the issue "Ask in plain language, get it done"."""

SHORT_S, LONG_S = 0.2, 1.0


class Wait(Tool):
    """Stands in for a model: takes its time and gives its text back."""

    name = "wait"
    description = "Waits, and gives the text back."
    examples = ("Wait a second",)
    outputs = {"text": "text"}  # noqa: RUF012 - as every tool declares it

    class Args(ToolArgs):
        text: TextSlot
        seconds: float
        step: str
        """Which step it is: the same call in two steps would be made once."""

    class Result(ToolData):
        text: str

    async def __call__(self, args: Any, ctx: RunContext) -> ToolResult:
        await asyncio.sleep(args.seconds)
        return ToolResult(self.Result(text=args.text))


@dataclass(frozen=True, slots=True)
class Shape:
    """Steps by id: how long each takes, and which it waits for."""

    name: str
    seconds: Mapping[str, float]
    needs: Mapping[str, tuple[str, ...]]

    def critical_path_s(self) -> float:
        """The time of the longest chain: nothing can be faster."""
        ends: dict[str, float] = {}
        for step, seconds in self.seconds.items():
            ends[step] = seconds + max((ends[need] for need in self.needs.get(step, ())), default=0)
        return max(ends.values())

    def plan(self) -> Plan:
        return Plan(
            steps=tuple(
                Step(
                    id=step,
                    tool=Wait.name,
                    args={
                        "text": list(self.needs.get(step, ("input:text",))),
                        "seconds": seconds,
                        "step": step,
                    },
                )
                for step, seconds in self.seconds.items()
            )
        )


CHAIN = Shape("chain", {"s1": 0.2, "s2": 0.4, "s3": 0.2}, {"s2": ("s1",), "s3": ("s2",)})
FAN_OUT = Shape(
    "fan-out",
    {"s1": SHORT_S} | {f"s{n}": 0.1 * n for n in range(2, 8)},
    {f"s{n}": ("s1",) for n in range(2, 8)},
)
DIAMOND = Shape(
    "uneven diamond",
    {"s1": SHORT_S, "s2": SHORT_S, "s3": LONG_S, "s4": LONG_S, "s5": SHORT_S, "s6": SHORT_S},
    {"s2": ("s1",), "s3": ("s2",), "s4": ("s1",), "s5": ("s4",), "s6": ("s3", "s5")},
)


@dataclass(frozen=True, slots=True)
class GivenPlan:
    """Stands where the composer does: it is sure of the one plan."""

    plan: Plan

    async def compose(self, request: str, *_: Any, **__: Any) -> Any:
        from orchestrator.draft import Draft

        return Draft(self.plan, 1.0, 0.0, request, ())


@asynccontextmanager
async def agent_turns() -> AsyncIterator[Callable[[Shape], Callable[[], Awaitable[None]]]]:
    """Makes whole turns of the agent, checkpoints on disk included, from shapes."""
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    from orchestrator.graph import TurnContext, build_agent

    registry = Registry([Wait()])
    nothing: Any = None
    with tempfile.TemporaryDirectory() as folder:
        database = str(Path(folder) / "checkpoints.db")
        async with AsyncSqliteSaver.from_conn_string(database) as saver:
            await saver.setup()
            agent = build_agent(saver)

            def turn_of(shape: Shape) -> Callable[[], Awaitable[None]]:
                composer: Any = GivenPlan(shape.plan().check(registry, {"text": "text"}))

                async def turn() -> None:
                    context = TurnContext(
                        registry=registry,
                        composer=composer,
                        run=RunContext(
                            models=nothing,
                            chat=nothing,
                            artifacts=nothing,
                            knowledge=nothing,
                            deadline=time.monotonic() + 60,
                        ),
                        chat=nothing,
                        emit=lambda _: None,
                        route_threshold=0.6,
                        max_prompt_chars=10_000,
                        max_steps=12,
                    )
                    state = await agent.ainvoke(
                        {"request": "wait"},
                        {"configurable": {"thread_id": uuid4().hex}},
                        context=context,
                        durability="exit",
                    )
                    done = [step["id"] for step in state["steps"] if step["status"] == "ok"]
                    if sorted(done) != sorted(shape.seconds):
                        raise AssertionError(f"of {shape.name} only {done} were done")

                return turn

            yield turn_of


def supersteps(shape: Shape) -> Callable[[], Awaitable[None]]:
    """The same steps as the nodes of a plain StateGraph, which runs them in rounds."""
    from langgraph.graph import END, START, StateGraph

    class State(TypedDict):
        done: Annotated[list[str], operator.add]

    graph: Any = StateGraph(State)

    def node(step: str, seconds: float) -> Callable[[State], Awaitable[State]]:
        async def wait(_: State) -> State:
            await asyncio.sleep(seconds)
            return {"done": [step]}

        return wait

    for step, seconds in shape.seconds.items():
        graph.add_node(step, node(step, seconds))
    for step in shape.seconds:
        needs = shape.needs.get(step, ())
        graph.add_edge(list(needs) if len(needs) > 1 else needs[0] if needs else START, step)
    needed = {need for needs in shape.needs.values() for need in needs}
    for step in shape.seconds:
        if step not in needed:
            graph.add_edge(step, END)
    compiled = graph.compile()

    async def run_once() -> None:
        state = await compiled.ainvoke({"done": []})
        if sorted(state["done"]) != sorted(shape.seconds):
            raise AssertionError(f"of {shape.name} only {state['done']} were done")

    return run_once


def run(repeats: int) -> Sequence[Row]:
    return asyncio.run(_run(repeats))


async def _run(repeats: int) -> Sequence[Row]:
    rows: list[Row] = []
    async with agent_turns() as turn_of:
        for shape in (CHAIN, FAN_OUT):
            (taken,) = await interleave(repeats, turn_of(shape))
            rows += _against_critical_path(shape, taken)
        ours, rounds = await interleave(repeats, turn_of(DIAMOND), supersteps(DIAMOND))
    rows += _against_critical_path(DIAMOND, ours)
    rows.append(row(f"{DIAMOND.name}, plain StateGraph", rounds, "s"))
    name = f"{DIAMOND.name} over plain StateGraph"
    return [*rows, ratio_row(name, ours, rounds, SUPERSTEPS_RATIO)]


def _against_critical_path(shape: Shape, taken: Sequence[float]) -> list[Row]:
    longest_s = shape.critical_path_s()
    return [
        row(shape.name, taken, "s"),
        ratio_row(
            f"{shape.name} over its critical path of {longest_s:.1f} s",
            taken,
            [longest_s] * len(taken),
            CRITICAL_PATH_RATIO,
        ),
    ]


BENCH = Bench("dataflow", "whole turns over steps that wait, against their critical path", run)
