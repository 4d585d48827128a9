"""Hands a tool that reads the wish itself the whole of it, and the answer that it points at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from orchestrator.plan import REQUEST, Plan, Step
from orchestrator.wishes import PREVIOUS_INPUT
from tools.contracts import Kind
from tools.registry import Registry

SHOWN = "shown"
"""The slot for the answer before, whose items a wish may point at."""


def with_request(plan: Plan, request: str, kinds: Mapping[str, Kind], registry: Registry) -> Plan:
    """The plan, with the request as it was said where a step's tool reads it.

    "Three gifts for a runner. Nothing with wool." is one wish in two sentences; and what a planner
    leaves out of a wish would not be held to. Where other steps share the request, the words that
    a step was planned with are kept.

    Args:
        kinds: the inputs by name and kind.
    """
    alone = len(plan.steps) == 1
    return Plan(
        steps=tuple(
            step.model_copy(update={"args": _args(step, request, kinds, registry, alone=alone)})
            for step in plan.steps
        )
    )


def _args(
    step: Step, request: str, kinds: Mapping[str, Kind], registry: Registry, *, alone: bool
) -> dict[str, Any]:
    tool = registry[step.tool]
    args: dict[str, Any] = dict(step.args)
    if REQUEST not in tool.Args.model_fields:
        return args
    if alone or not args.get(REQUEST):
        args[REQUEST] = request
    slots = tool.slots()
    if alone:
        args = {n: v for n, v in args.items() if n in slots or _is_said(v, request)}
    if SHOWN in slots and PREVIOUS_INPUT in kinds:
        args[SHOWN] = f"input:{PREVIOUS_INPUT}"
    return args


def _is_said(value: JsonValue, request: str) -> bool:
    """Whether the request says it: what a model adds to a wish nobody asked for, and numbers are
    read from the words by rules."""
    return isinstance(value, str) and value.casefold() in request.casefold()
