"""Looks at the picture that a question points at, or at the thing in it that was just found."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from orchestrator.clauses import points
from orchestrator.plan import Plan, Step
from tools.contracts import Kind, Tool
from tools.object_names import asked_for
from tools.registry import Registry

LOOKER = "describe_image"
SUBJECT = "subject"
"""The slot for what the "this" of a question is, and the looker's port that tells it."""

_OF_A_THING = re.compile(
    r"\b(?:its|breeds?|species|razas?|especies?|races?|espèces?|rassen?|seine|raças?|espécies?"
    r"|(?:what|which) (?:make|model))\b"
    r"|它的|品种|种类|犬種|品種|種類|سلالة|سلالته|نوعه|فصيلته|नस्ल|प्रजाति",
    re.IGNORECASE,
)
"""What is asked of a thing and never of a whole picture."""


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


def cut_out(tool: Tool, before: Sequence[Step], registry: Registry) -> str | None:
    """What was cut out before, where a picture is looked up: three of four people who want both
    want it to be looked up without what is around it."""
    if "items" not in tool.outputs.values():
        return None
    made = (f"{step.id}.cutout" for step in before if "cutout" in registry[step.tool].outputs)
    return next(made, None)


def found_thing(tool: Tool, words: str, before: Sequence[Step], registry: Registry) -> str | None:
    """The boxes of the step before, where a wish is about the one thing that they are of: "find
    the dog and tell me its breed". None where it may be about the picture.

    Args:
        tool: what the wish wants.
        words: how it is said.
        before: the steps so far.
    """
    if not before or tool.outputs[next(iter(tool.outputs))] != "labels":
        return None
    last = before[-1]
    outputs = registry[last.tool].outputs
    if outputs[next(iter(outputs))] != "boxes":
        return None
    sought = asked_for(str(last.args.get("question", ""))).known
    named = _OF_A_THING.search(words) or asked_for(words).known == sought
    return last.id if len(sought) == 1 and named else None
