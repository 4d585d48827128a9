"""Looks at the picture that a question points at, before the question is answered."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.clauses import points
from orchestrator.plan import Plan, Step
from tools.contracts import Kind
from tools.registry import Registry

LOOKER = "describe_image"
SUBJECT = "subject"
"""The slot for what the "this" of a question is, and the looker's port that tells it."""


def with_look(plan: Plan, kinds: Mapping[str, Kind], registry: Registry) -> Plan:
    """The plan, with a look at the one picture that came along where its only step is a question
    that points at something ("Can I send this back?"), and takes nothing else.

    Args:
        kinds: the inputs by name and kind.
    """
    pictures = [name for name, kind in kinds.items() if kind == "image"]
    if len(plan.steps) != 1 or len(pictures) != 1 or LOOKER not in registry:
        return plan
    (step,) = plan.steps
    slots = registry[step.tool].slots()
    if SUBJECT not in slots or step.refs(slots) or not points(str(step.args.get("question", ""))):
        return plan
    look = Step(id="s1", tool=LOOKER, args={"image": f"input:{pictures[0]}"})
    return Plan(
        steps=(look, Step(id="s2", tool=step.tool, args={**step.args, SUBJECT: f"s1.{SUBJECT}"}))
    )
