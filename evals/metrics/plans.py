"""How near a plan is to a right one.

Golds are {"steps": [{"id", "tool", "args", "after": [ids]}], "alternatives": [[tools in order]]}:
no steps means plain chat, and an empty alternative allows it. Predictions have the same form, and
the `path` by which the plan came about. A path of "handoff", in a gold or a prediction, stands for
the one step HANDOFF.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from pydantic import JsonValue

from evals.metrics.additive import AdditiveMetric, Array, Parts, precision_recall_f1, ratio
from evals.metrics.forms import MetricError, read_list, read_map, shown

HANDOFF = "handoff"
_NO_STEP = ""
_CJK = r"\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+")
_WITHOUT_LLM = ("router", "chat", HANDOFF)


class PlanMatch(AdditiveMetric):
    """Plans against golds.

    A prediction is held against the gold and each alternative, and judged by the one whose tools
    it meets best, on a tie by its edges; the gold where both are equal. An alternative is a
    chain: each tool comes after the one before it. It states no arguments, so a plan that follows
    one is not judged on its arguments. An error is a plan without steps, but is not plain chat,
    and is never exact.

    Figures:
        node_f1: micro F1 over the plans' multisets of tools (also node_precision, node_recall).
        edge_f1: micro F1 over the multisets of (tool, tool that comes after it).
        arg_f1: micro F1 over the multisets of (tool, argument, value). Values are compared
            without case and outer spaces; a reference to a step counts as its tool. Of a text
            that differs counts the F1 of its words (of its characters in Chinese and Japanese),
            and of a list the F1 of its items: a question may be put in a word more or less.
        exact_plan: share whose tools and edges are all those of the gold or of an alternative.
        abstention_f1: F1 of planning no step, where that is the right plan.
        handoff_recall: share of the golds that hand over for which the prediction does.
        no_llm_share: share planned without the chat model: by `llm_calls` where the prediction
            has it, or by a path other than "planner".
    """

    name = "plans"

    def parts(self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]) -> Parts:
        rows = [_row(g, p) for g, p in zip(golds, predictions, strict=True)]
        return Parts(np.array(rows, dtype=float).reshape(len(rows), 17), _figures)


class PlanTools(AdditiveMetric):
    """node_f1/T for each tool T among the golds: the F1 of planning it, over golds and
    predictions as PlanMatch takes them. Tells which tool a change has hurt."""

    name = "plan_tools"

    def parts(self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]) -> Parts:
        judged = [_judged(g, p) for g, p in zip(golds, predictions, strict=True)]
        tools = sorted({tool for one in judged for right in one.rights for tool in right.tools})
        rows = [
            [
                count
                for tool in tools
                for count in _overlap(_only(tool, one.shape), _only(tool, one.best))
            ]
            for one in judged
        ]

        def figures(sums: Array) -> dict[str, Array]:
            counts = sums.reshape(len(sums), len(tools), 3)
            return {
                f"node_f1/{tool}": _defined(precision_recall_f1(*own)[2], own)
                for tool, own in ((tool, counts[:, at].T) for at, tool in enumerate(tools))
            }

        return Parts(np.array(rows, dtype=float).reshape(len(rows), 3 * len(tools)), figures)


Argument = tuple[str, str, JsonValue]
"""Tool, name and value."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """What of a plan is compared. `args` are None where it states none."""

    tools: Counter[str]
    edges: Counter[tuple[str, str]]
    args: tuple[Argument, ...] | None

    def exactly(self, other: _Shape) -> bool:
        return self.tools == other.tools and self.edges == other.edges


_EMPTY = _Shape(Counter(), Counter(), ())


@dataclass(frozen=True, slots=True)
class _Judged:
    """A prediction beside the right plans, the gold first; `best` is the one it is judged by."""

    shape: _Shape
    rights: tuple[_Shape, ...]
    best: _Shape


def _judged(gold: JsonValue, prediction: JsonValue) -> _Judged:
    golden = read_map(gold, "A gold plan")
    _check_gold(golden)
    others = read_list(golden.get("alternatives"), "alternatives")
    rights = (_shape(golden), *map(_chain, others))
    shape = _EMPTY if prediction is None else _shape(read_map(prediction, "A predicted plan"))
    # max keeps the first of equals, which is the gold.
    best = max(
        rights, key=lambda right: (_f1(shape.tools, right.tools), _f1(shape.edges, right.edges))
    )
    return _Judged(shape, rights, best)


def _row(gold: JsonValue, prediction: JsonValue) -> list[float]:
    judged = _judged(gold, prediction)
    shape, rights, best = judged.shape, judged.rights, judged.best
    failed = prediction is None
    abstains = not failed and not shape.tools
    chat = not best.tools
    hands_over = HANDOFF in shape.tools
    wants_person = HANDOFF in rights[0].tools
    args = (0.0, 0, 0) if best.args is None else _alike(shape.args or (), best.args)
    return [
        *_overlap(shape.tools, best.tools),
        *_overlap(shape.edges, best.edges),
        *args,
        not failed and any(shape.exactly(right) for right in rights),
        abstains and chat,
        abstains,
        chat,
        wants_person and hands_over,
        wants_person,
        isinstance(prediction, dict) and _without_llm(prediction),
        1,
    ]


def _figures(sums: Array) -> dict[str, Array]:
    nodes, edges, args = sums[:, 0:3].T, sums[:, 3:6].T, sums[:, 6:9].T
    exact, right_chat, abstained, chat, handed, handoffs, without_llm, count = sums[:, 9:].T
    precision, recall, node_f1 = precision_recall_f1(*nodes)
    return {
        "node_f1": _defined(node_f1, nodes),
        "node_precision": _defined(precision, nodes),
        "node_recall": _defined(recall, nodes),
        "edge_f1": _defined(precision_recall_f1(*edges)[2], edges),
        "arg_f1": _defined(precision_recall_f1(*args)[2], args),
        "exact_plan": ratio(exact, count),
        "abstention_f1": ratio(2 * right_chat, abstained + chat),
        "handoff_recall": ratio(handed, handoffs),
        "no_llm_share": ratio(without_llm, count),
    }


def _defined(values: Array, counts: Array) -> Array:
    """Not defined where nothing is predicted and nothing wanted."""
    return np.where(counts[1] + counts[2] == 0, np.nan, values)


def tools_of(plan: Mapping[str, JsonValue]) -> Counter[str]:
    """The tools of a gold plan or a predicted one. Raises MetricError."""
    return Counter(str(step.get("tool")) for step in _steps(plan))


def _steps(plan: Mapping[str, JsonValue]) -> list[Mapping[str, JsonValue]]:
    steps = [read_map(step, "A step") for step in read_list(plan.get("steps"), "steps")]
    if plan.get("path") == HANDOFF and not any(step.get("tool") == HANDOFF for step in steps):
        return [{"id": HANDOFF, "tool": HANDOFF}]
    return steps


def _shape(plan: Mapping[str, JsonValue]) -> _Shape:
    steps = _steps(plan)
    tool_of = {str(step.get("id")): str(step.get("tool")) for step in steps}
    edges: Counter[tuple[str, str]] = Counter()
    args: list[Argument] = []
    for step in steps:
        tool = str(step.get("tool"))
        for before in read_list(step.get("after"), "after"):
            # What a solver made up counts as an edge that no gold has.
            edges[tool_of.get(str(before), _NO_STEP), tool] += 1
        for name, value in read_map(step.get("args") or {}, "A step's args").items():
            args.append((tool, name, _plain(value, tool_of)))
    return _Shape(Counter(str(step.get("tool")) for step in steps), edges, tuple(args))


def _check_gold(plan: Mapping[str, JsonValue]) -> None:
    """Raise MetricError where no prediction could match."""
    steps = [read_map(step, "A step") for step in read_list(plan.get("steps"), "steps")]
    ids = [str(step.get("id")) for step in steps]
    if len(set(ids)) != len(ids):
        raise MetricError(f"Two steps of a gold plan have one id: {', '.join(ids)}.")
    for step in steps:
        for before in read_list(step.get("after"), "after"):
            if str(before) not in ids:
                raise MetricError(f"A gold step comes after {shown(before)}, which is no step.")


def _chain(alternative: JsonValue) -> _Shape:
    tools = [str(tool) for tool in read_list(alternative, "alternative")]
    return _Shape(Counter(tools), Counter(pairwise(tools)), None)


def _plain(value: JsonValue, tool_of: Mapping[str, str]) -> JsonValue:
    if isinstance(value, dict):
        return {key: _plain(inner, tool_of) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner, tool_of) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, str):
        return value
    if value.startswith("input:"):
        return {"input": value}
    # "s2" and "s2.items" are what step s2 gives; ids differ between plans that are the same.
    step = value.split(".", 1)[0]
    return {"result of": tool_of[step]} if step in tool_of else value.strip().casefold()


def _alike(given: Sequence[Argument], right: Sequence[Argument]) -> tuple[float, int, int]:
    """Matched, predicted, wanted. Each argument is matched once, the likest first."""
    pairs = sorted(
        (
            (_likeness(one[2], other[2]), at, to)
            for at, one in enumerate(given)
            for to, other in enumerate(right)
            if one[:2] == other[:2]
        ),
        key=lambda pair: -pair[0],
    )
    matched = 0.0
    taken: set[int] = set()
    found: set[int] = set()
    for likeness, at, to in pairs:
        if at not in taken and to not in found:
            matched += likeness
            taken.add(at)
            found.add(to)
    return matched, len(given), len(right)


def _likeness(one: JsonValue, right: JsonValue) -> float:
    """From 0 to 1; what is neither a text nor a list is the same or is not."""
    if one == right and isinstance(one, str):
        return 1.0
    if isinstance(one, str) and isinstance(right, str):
        words = _words(right)
        return _f1(_words(one), words) if words else 0.0
    if isinstance(one, list) and isinstance(right, list):
        return _f1(_items(one), _items(right))
    return float(_as_json(one) == _as_json(right))


def _words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text))


def _items(values: Sequence[JsonValue]) -> Counter[str]:
    return Counter(map(_as_json, values))


def _as_json(value: JsonValue) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _only(tool: str, shape: _Shape) -> Counter[str]:
    return Counter({tool: shape.tools[tool]})


def _without_llm(plan: Mapping[str, JsonValue]) -> bool:
    calls = plan.get("llm_calls")
    return plan.get("path") in _WITHOUT_LLM if calls is None else calls == 0


def _overlap(one: Counter[Any], right: Counter[Any]) -> tuple[int, int, int]:
    """Matched, predicted, wanted."""
    return (one & right).total(), one.total(), right.total()


def _f1(one: Counter[Any], right: Counter[Any]) -> float:
    matched, predicted, wanted = _overlap(one, right)
    return 2 * matched / (predicted + wanted) if predicted + wanted else 1.0
