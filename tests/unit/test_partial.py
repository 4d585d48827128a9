"""What is kept, and shown, of a turn that broke off."""

from __future__ import annotations

from datetime import UTC, datetime

from model_servers.contracts import ModelUnavailable, Usage
from orchestrator.conversations import StoredMessage
from orchestrator.page.turns import stored
from orchestrator.partial import Told
from orchestrator.plan import Plan, Step
from orchestrator.turn import (
    Event,
    Outcome,
    Planned,
    Routed,
    RouteReport,
    StepChanged,
    StepReport,
    TextDelta,
)

ROUTE = RouteReport(path="router", confidence=0.9)
PLAN = Plan(steps=(Step(id="s1", tool="shout"), Step(id="s2", tool="shout")))
GONE = ModelUnavailable("The answer <b>broke off</b>; try again.")


def broken_off(*events: Event) -> Outcome | None:
    passed: list[Event] = []
    told = Told(passed.append)
    for event in events:
        told(event)
    assert passed == list(events)
    return told.broken_off("turn_1", "conv_1", GONE, usage=Usage(7, 3, 1), seconds=1.5)


def shown(outcome: Outcome) -> list[str]:
    kept = StoredMessage(
        id="msg_1",
        role="assistant",
        content=outcome.answer,
        outcome=outcome.model_dump(mode="json"),
        created_at=datetime.now(UTC),
    )
    bubbles = stored([kept], lambda _: None)
    return [bubble["metadata"].get("title", "") + bubble["content"] for bubble in bubbles]


def test_nothing_is_kept_of_a_request_that_was_refused() -> None:
    assert broken_off() is None


def test_the_part_and_the_steps_that_ended_are_kept_with_the_reason() -> None:
    outcome = broken_off(
        Routed(route=ROUTE),
        Planned(plan=PLAN),
        *(StepChanged(step=StepReport(id=i, tool="shout", status="running")) for i in ("s1", "s2")),
        StepChanged(step=StepReport(id="s1", tool="shout", status="ok", result={"text": "A"})),
        TextDelta(text="The answer "),
        TextDelta(text="is forty"),
    )
    assert outcome is not None
    assert outcome.answer == "The answer is forty"
    assert [(step.id, step.status) for step in outcome.steps] == [("s1", "ok")]
    assert outcome.error is not None
    assert outcome.error.code == "model_unavailable"
    assert outcome.usage.total_tokens == 10
    work, _, _, part, label = shown(outcome)
    assert "Not finished" in work
    assert "is forty" in part
    assert "&lt;b&gt;broke off" in label


def test_where_there_is_no_part_only_the_reason_is_shown() -> None:
    outcome = broken_off(Routed(route=ROUTE), Planned(plan=Plan()))
    assert outcome is not None
    work, label = shown(outcome)
    assert "Not finished" in work
    assert "broke off" in label
