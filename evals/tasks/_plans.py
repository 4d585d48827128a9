"""What the routing tasks share: the agent's plan, in the form of their golds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from evals.metrics.plans import HANDOFF
from evals.task import Prediction, Sample, Way

_STEP = re.compile(r"(s[1-9]\d?)(?:\.[a-z_]+)?")


async def planned(sample: Sample, way: Way) -> Prediction:
    """The plan for `{"request", "attachments"}`, by names and kinds alone.

    Its value is {"steps": [{"id", "tool", "args", "after"}], "path", "llm_calls"}.
    """
    attachments: Any = sample.inputs.get("attachments") or ()
    outcome = await way.ask(str(sample.inputs["request"]), plan_only=True, attachments=attachments)
    if outcome["error"] is not None:
        told = outcome["error"]
        return Prediction(error=f"{told['code']}: {told['message']}")
    route, steps = outcome["route"], outcome["plan"]["steps"]
    if outcome["handoff"] is not None:
        reason = outcome["handoff"]["reason"]
        steps = [{"id": "s1", "tool": HANDOFF, "args": {"reason": reason}}]
    ids = [step["id"] for step in steps]
    value = {
        "steps": [{**step, "after": _before(step["args"], ids)} for step in steps],
        "path": route["path"],
        "llm_calls": outcome["usage"]["llm_calls"],
    }
    return Prediction(value=value, details={"route": route})


def one_step(tool: str | None) -> dict[str, Any]:
    """The plan of one tool without arguments, or of none."""
    return {"steps": [{"id": "s1", "tool": tool, "args": {}, "after": []}] if tool else []}


def _before(args: Mapping[str, Any], ids: list[str]) -> list[str]:
    named = {match[1] for text in _strings(args) if (match := _STEP.fullmatch(text))}
    return [id_ for id_ in ids if id_ in named]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for inner in value.values() for text in _strings(inner))
    elif isinstance(value, list):
        yield from (text for inner in value for text in _strings(inner))
