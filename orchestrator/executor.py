"""Runs a plan as dataflow: each step starts as soon as what it refers to is there.

Steps never raise: a step that fails is reported as failed, the steps that need it as skipped,
and the rest go on.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import logging
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import to_json

from model_servers.contracts import DeadlineExceeded, SwitchboardError
from model_servers.spans import note, span
from orchestrator.plan import Plan, Ref, Step
from orchestrator.shapes import fields, shape
from orchestrator.turn import ErrorReport, Event, StepChanged, StepProgress, StepReport
from tools.artifacts import Artifact, Provenance, ToolStore
from tools.coercions import coerce
from tools.contracts import InvalidInput, Kind, RunContext, Tool, ToolError, ToolEvent, ToolResult
from tools.registry import Registry

log = logging.getLogger(__name__)

ATTEMPTS = 2
"""Times a step is tried when its error may pass by itself."""
BACKOFF_S = 0.3

Needs = Mapping[str, StepReport]
StepWork = Callable[[], Awaitable[StepReport]]
Launch = Callable[[Step, StepWork], Awaitable[StepReport]]
"""How a step is run: plainly, or as a durable task of LangGraph. What it waits for is part of its
work, so all steps are launched in the plan's order, before and after a crash."""


class ToolFault(ToolError):
    """A tool broke in a way it did not foresee: a bug, not the caller's fault."""

    code = "tool_fault"
    http_status = 500


class InputValue(BaseModel):
    """A named input of a plan: text as it stands, or a file."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    text: str | None = None
    artifact: Artifact | None = None

    @property
    def value(self) -> str | Artifact:
        found = self.text if self.artifact is None else self.artifact
        assert found is not None
        return found


def _ignore(*_: object) -> None:
    return None


async def _call(_: Step, work: StepWork) -> StepReport:
    return await work()


async def execute(
    plan: Plan,
    inputs: Mapping[str, InputValue],
    registry: Registry,
    ctx: RunContext,
    *,
    emit: Callable[[Event], None] = _ignore,
    write: Callable[[str, str], None] = _ignore,
    launch: Launch = _call,
) -> tuple[StepReport, ...]:
    """Run a checked plan; one report a step, in the plan's order.

    `emit` is told of each step's start, progress and end; `write` gets a step's id and each piece
    of the text that it is making. Cancelling the call cancels every step that is running.

    A call that the plan makes twice, of the same tool with the same bound arguments, is made
    once, and both steps report what it gave: a planner that repeats itself costs nothing more.
    """
    counted = Counter(step.tool for step in plan.steps)
    repeated = frozenset(tool for tool, times in counted.items() if times > 1)
    run = _Run(inputs, registry, ctx, emit, write, repeated)
    wanted = plan.needs(registry)
    started: dict[str, asyncio.Task[StepReport]] = {}

    async def when_ready(step: Step) -> StepReport:
        return await run.step(step, {id_: await started[id_] for id_ in sorted(wanted[step.id])})

    async def launched(step: Step) -> StepReport:
        report = await launch(step, functools.partial(when_ready, step))
        emit(StepChanged(step=report))
        return report

    try:
        async with asyncio.TaskGroup() as group:
            for step in plan.steps:
                started[step.id] = group.create_task(launched(step), name=f"step:{step.id}")
    except ExceptionGroup as failures:
        # No step raises: what holds their results did, and one reason is enough.
        raise failures.exceptions[0] from None
    return tuple(started[step.id].result() for step in plan.steps)


async def run_tool(tool: Tool, args: Mapping[str, Any], ctx: RunContext) -> ToolResult:
    """Validate the arguments and call the tool.

    Raises InvalidInput for bad arguments, ToolFault for what the tool did not foresee: one tool's
    bug takes down neither the plan nor the service, and its text stays in the log.
    """
    try:
        checked = tool.Args.model_validate(args)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "arguments"
        raise InvalidInput(f"{tool.name}: {where}: {first['msg']}.", param=where) from None
    note(args=fields(checked))
    try:
        result = await tool(checked, ctx)
    except (SwitchboardError, TimeoutError):
        raise
    except Exception as error:
        log.exception("tool %s broke", tool.name)
        raise ToolFault(
            f"{tool.name} broke while working on this; the service's log has the details."
        ) from error
    note(result=fields(result.data))
    if result.artifacts:
        note(artifacts=[shape(made) for made in result.artifacts[:8]])
    return result


@dataclass(frozen=True, slots=True)
class _Run:
    """What the steps of one plan share."""

    inputs: Mapping[str, InputValue]
    registry: Registry
    ctx: RunContext
    emit: Callable[[Event], None]
    write: Callable[[str, str], None]
    repeated: frozenset[str]
    """Tools of more than one step: only their calls can be the same."""
    calls: dict[str, asyncio.Future[ToolResult]] = field(default_factory=dict)

    async def step(self, step: Step, needs: Needs) -> StepReport:
        with span("step", id=step.id, tool=step.tool) as made:
            report = await self._done(step, needs)
            made.note(status=report.status)
            made.error = report.error.code if report.error is not None else None
            return report

    async def _done(self, step: Step, needs: Needs) -> StepReport:
        failed = [id_ for id_, report in needs.items() if report.status != "ok"]
        begun = time.monotonic()
        if failed:
            report = _report(step, "skipped", begun, error=_needs_failed(failed))
        else:
            self.emit(StepChanged(step=_report(step, "running", begun)))
            try:
                result = await self._attempt(step, needs)
            except SwitchboardError as error:
                told = ErrorReport(code=error.code, message=error.message)
                report = _report(step, "failed", begun, error=told)
            else:
                data = result.data.model_dump(mode="json")
                report = _report(step, "ok", begun, result=data, artifacts=result.artifacts)
        return report

    async def _attempt(self, step: Step, needs: Needs) -> ToolResult:
        """Call the tool, once more where the error may pass and nothing was shown yet."""
        tool = self.registry[step.tool]
        wrote = False

        def piece(text: str) -> None:
            nonlocal wrote
            wrote = True
            self.write(step.id, text)

        reached = 0.0

        def progress(fraction: float) -> None:
            nonlocal reached
            reached = fraction
            self.emit(StepProgress(id=step.id, fraction=fraction))

        def tell(seen: ToolEvent) -> None:
            self.emit(StepProgress(id=step.id, fraction=reached, seen=seen))

        ctx = dataclasses.replace(
            self.ctx,
            write=piece,
            progress=progress,
            tell=tell,
            artifacts=ToolStore(self.ctx.artifacts, Provenance(tool=tool.name, step=step.id)),
        )
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with asyncio.timeout(ctx.remaining_s()):
                    args, crops = await self._bind(step, needs, tool)
                    result = await self._call(tool, args, ctx)
                    return dataclasses.replace(result, artifacts=(*crops, *result.artifacts))
            except TimeoutError:
                raise DeadlineExceeded(
                    f"{tool.name} did not finish in the time for this request."
                ) from None
            except DeadlineExceeded:
                raise
            except SwitchboardError as error:
                if wrote or not error.retryable or error.retried or attempt == ATTEMPTS:
                    raise
                note(attempts=attempt + 1, retried_after=error.code)
            pause_s = BACKOFF_S * (1 + random.random())  # noqa: S311 - jitter, not a secret
            await asyncio.sleep(min(pause_s, ctx.remaining_s()))
        raise AssertionError("the last attempt returns or raises")

    async def _call(self, tool: Tool, args: dict[str, Any], ctx: RunContext) -> ToolResult:
        """Run the tool, or share what the same call gives; one that may pass is made again."""
        if tool.name not in self.repeated:
            return await run_tool(tool, args, ctx)
        key = tool.name + to_json(sorted(args.items()), inf_nan_mode="constants").decode()
        made = self.calls.get(key)
        if made is not None and not _may_pass(made):
            note(shared=True)
            return await asyncio.shield(made)
        made = self.calls[key] = asyncio.get_running_loop().create_future()
        try:
            result = await run_tool(tool, args, ctx)
        except BaseException as error:
            # Whoever shares the call has the same deadline, but was not cancelled.
            late = DeadlineExceeded(f"{tool.name} did not finish in the time for this request.")
            made.set_exception(error if isinstance(error, SwitchboardError) else late)
            made.exception()  # seen, also where nobody shares it
            raise
        made.set_result(result)
        return result

    async def _bind(
        self, step: Step, needs: Needs, tool: Tool
    ) -> tuple[dict[str, Any], list[Artifact]]:
        """The arguments with every reference replaced by its data, turned to the slot's kind.

        And what was cut out of pictures for it: it tells which of several things is meant.
        """
        args: dict[str, Any] = dict(step.args)
        crops: list[Artifact] = []
        slots = tool.slots()
        for name, refs in step.refs(slots).items():
            given = [self._resolve(ref, needs) for ref in refs]
            turned = [f"{kind} → {slots[name]}" for _, kind, _ in given if kind != slots[name]]
            if turned:
                note(coercions=turned)
            values = [
                await coerce(value, kind, slots[name], self.ctx.artifacts, beside=beside)
                for value, kind, beside in given
            ]
            crops += [
                value for value, (_, kind, _) in zip(values, given, strict=True) if kind == "boxes"
            ]
            args[name] = values[0] if len(values) == 1 else "\n\n".join(map(str, values))
        return args, crops

    def _resolve(self, ref: Ref, needs: Needs) -> tuple[Any, Kind, Mapping[str, Any] | None]:
        """What is referred to, its kind, and the whole result that it is part of."""
        if ref.is_input:
            found = self.inputs[ref.name]
            return found.value, found.kind, None
        report = needs[ref.name]
        outputs = self.registry[report.tool].outputs
        port = ref.port or next(iter(outputs))
        assert report.result is not None
        return report.result[port], outputs[port], report.result


def _may_pass(made: asyncio.Future[ToolResult]) -> bool:
    """Whether a call has failed in a way that is worth another try."""
    error = made.exception() if made.done() else None
    return isinstance(error, SwitchboardError) and error.retryable


def _report(step: Step, status: Any, begun: float, **more: Any) -> StepReport:
    seconds = round(time.monotonic() - begun, 4)
    return StepReport(id=step.id, tool=step.tool, status=status, seconds=seconds, **more)


def _needs_failed(failed: list[str]) -> ErrorReport:
    return ErrorReport(
        code="dependency_failed", message=f"It needs {', '.join(failed)}, which failed."
    )
