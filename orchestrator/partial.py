"""What was told of a turn before it broke off, so that it can be kept with the reason."""

from __future__ import annotations

from collections.abc import Callable

from model_servers.contracts import SwitchboardError, Usage
from orchestrator.plan import Plan
from orchestrator.responder import citations
from orchestrator.turn import (
    ErrorReport,
    Event,
    Outcome,
    Planned,
    Routed,
    RouteReport,
    StepChanged,
    StepReport,
    TextDelta,
    UsageReport,
)


class Told:
    """Passes a turn's events on, and remembers what they said."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self._route: RouteReport | None = None
        self._plan = Plan()
        self._steps: dict[str, StepReport] = {}
        self._pieces: list[str] = []

    def __call__(self, event: Event) -> None:
        match event:
            case TextDelta(text=piece):
                self._pieces.append(piece)
            case StepChanged(step=step) if step.status != "running":
                self._steps[step.id] = step
            case Planned(plan=plan):
                self._plan = plan
            case Routed(route=route):
                self._route = route
        self._emit(event)

    def broken_off(
        self,
        turn_id: str,
        conversation_id: str | None,
        error: SwitchboardError,
        *,
        usage: Usage,
        seconds: float,
    ) -> Outcome | None:
        """The part that there is, labelled with the error; None where there is none."""
        if self._route is None:
            return None
        done = (self._steps.get(step.id) for step in self._plan.steps)
        steps = tuple(report for report in done if report is not None)
        return Outcome(
            id=turn_id,
            conversation_id=conversation_id,
            answer="".join(self._pieces),
            plan=self._plan,
            steps=steps,
            artifacts=tuple(artifact for step in steps for artifact in step.artifacts),
            citations=citations(steps),
            route=self._route,
            error=ErrorReport(code=error.code, message=error.message),
            usage=usage_report(usage),
            seconds=round(seconds, 4),
        )


def usage_report(usage: Usage) -> UsageReport:
    return UsageReport(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        total_tokens=usage.prompt_tokens + usage.completion_tokens,
        llm_calls=usage.llm_calls,
    )
