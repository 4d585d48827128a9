"""Plans in words."""

from __future__ import annotations

import json
from typing import Any

from orchestrator.plan import Plan


def plan_text(plan: Plan) -> str:
    """A plan as a person reads it: a line for each step."""
    if not plan.steps:
        return "no tool is needed: this is answered in plain chat"
    lines = []
    for step in plan.steps:
        args = "  ".join(f"{name}={_short(value)}" for name, value in step.args.items())
        lines.append(f"{step.id}  {step.tool}  {args}".rstrip())
    return "\n".join(lines)


def _short(value: Any) -> str:
    """An argument as a person reads it in a plan."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= 80 else text[:79] + "…"
