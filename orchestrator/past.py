"""What a turn has to know of its conversation. Pure: stored messages go in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from orchestrator.conversations import StoredMessage
from orchestrator.followups import Antecedent, antecedent_of
from orchestrator.handoffs import is_unsure
from orchestrator.plan import Plan
from orchestrator.turn import Message, Outcome


@dataclass(frozen=True, slots=True)
class Past:
    """What came before a turn.

    Attributes:
        messages: what was said, oldest first.
        last_plan: of the last answer.
        antecedent: what the last answer that took a tool was asked; None where that was no question
            and no wish in words.
        attachments: the files of the last request that had some, as JSON.
        ends_unsure: whether the last thing said was an answer of low confidence.
    """

    messages: tuple[Message, ...] = ()
    last_plan: Plan = Plan()
    antecedent: Antecedent | None = None
    attachments: list[dict[str, Any]] = field(default_factory=list)
    ends_unsure: bool = False


def past_of(stored: Sequence[StoredMessage]) -> Past:
    """The past of a conversation's next turn, from its messages, oldest first."""
    return Past(
        _messages(stored),
        _last_plan(stored),
        _antecedent(stored),
        _last_files(stored),
        _ends_unsure(stored),
    )


def _messages(stored: Sequence[StoredMessage]) -> tuple[Message, ...]:
    """The conversation as said; a question that leant on another one as it was understood."""
    messages: list[Message] = []
    for number, message in enumerate(stored):
        content = message.content
        reply = stored[number + 1].outcome if number + 1 < len(stored) else None
        if message.role == "user" and reply is not None:
            outcome = Outcome.model_validate(reply) if "route" in reply else None
            asked = outcome is not None and any("question" in s.args for s in outcome.plan.steps)
            if outcome is not None and asked and outcome.route.resolved_request:
                content = outcome.route.resolved_request
        if content:
            # What a person said for the service was said for the agent, too.
            role: Literal["user", "assistant"] = "user" if message.role == "user" else "assistant"
            messages.append(Message(role=role, content=content))
    return tuple(messages)


def _last_plan(stored: Sequence[StoredMessage]) -> Plan:
    for message in reversed(stored):
        if message.role == "assistant" and message.outcome:
            return Plan.model_validate(message.outcome.get("plan") or {})
    return Plan()


def _antecedent(stored: Sequence[StoredMessage]) -> Antecedent | None:
    for message in reversed(stored):
        if message.role == "assistant" and message.outcome:
            plan = Plan.model_validate(message.outcome.get("plan") or {})
            if plan.steps:
                return antecedent_of(plan)
    return None


def _last_files(stored: Sequence[StoredMessage]) -> list[dict[str, Any]]:
    for message in reversed(stored):
        if message.role == "user" and message.outcome and message.outcome.get("attachments"):
            return list(message.outcome["attachments"])
    return []


def _ends_unsure(stored: Sequence[StoredMessage]) -> bool:
    """Whether the last thing said was an answer of low confidence."""
    if not stored or stored[-1].role != "assistant" or "route" not in (stored[-1].outcome or {}):
        return False
    last = Outcome.model_validate(stored[-1].outcome)
    return last.error is None and last.handoff is None and is_unsure(last.route, last.steps)
