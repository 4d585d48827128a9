"""Whether function calls are right, as the Berkeley Function-Calling Leaderboard judges them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from evals.metrics import Parts
from evals.metrics.additive import AdditiveMetric, means
from evals.metrics.forms import read_list, read_map


class CallMatch(AdditiveMetric):
    """Calls against those that are right, each of them once and in any order.

    Golds are {"call": "these" | "none" | "any", "calls": [{function: {argument: [accepted
    values]}}]}, predictions {"calls": [{function: {argument: value}}]}. A call is right when every
    argument has an accepted value, none is there that the gold lacks, and only those are left out
    whose accepted values hold "" (after the leaderboard's AST check; texts are compared without
    case and without the spaces and punctuation that it leaves out). An error is right for no gold.

    Figures: call_accuracy over all; abstention_recall, the share of the golds without a call for
    which none is made; functions, of those with calls the share that calls the right functions.
    """

    name = "calls"

    def parts(self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]) -> Parts:
        rows = [_row(read_map(g, "A gold"), p) for g, p in zip(golds, predictions, strict=True)]
        return means(("call_accuracy", "abstention_recall", "functions"), rows)


_NOT_ASKED = float("nan")
_LEFT_OUT = str.maketrans({**dict.fromkeys(" ,./-_*^", ""), "'": '"'})
"""No more than the leaderboard: of "8♥", "C#" and "x + 1", every sign tells."""


def _row(gold: Mapping[str, Any], prediction: JsonValue) -> tuple[float, float, float]:
    made: list[Any] = read_list(prediction, "calls")
    if gold["call"] == "any":
        return float(bool(made)), _NOT_ASKED, _NOT_ASKED
    if gold["call"] == "none":
        silent = float(prediction is not None and not made)
        return silent, silent, _NOT_ASKED
    wanted: list[Any] = list(gold["calls"])
    functions = sorted(map(_function, made)) == sorted(map(_function, wanted))
    return float(functions and _matched(made, wanted)), _NOT_ASKED, float(functions)


def _matched(made: Sequence[Any], wanted: Sequence[Any]) -> bool:
    """Whether the calls can be paired so that each is right."""
    if not made:
        return not wanted
    return any(
        _right(made[0], gold) and _matched(made[1:], [*wanted[:i], *wanted[i + 1 :]])
        for i, gold in enumerate(wanted)
    )


def _function(call: Mapping[str, Any]) -> str:
    return next(iter(call))


def _right(made: Mapping[str, Any], gold: Mapping[str, Any]) -> bool:
    (name, given), (wanted, accepted) = next(iter(made.items())), next(iter(gold.items()))
    if name != wanted or not given.keys() <= accepted.keys():
        return False
    left_out = accepted.keys() - given.keys()
    return all("" in accepted[argument] for argument in left_out) and all(
        any(_same(value, one) for one in accepted[argument]) for argument, value in given.items()
    )


def _same(value: Any, accepted: Any) -> bool:
    if isinstance(value, str) and isinstance(accepted, str):
        return _spelt(value) == _spelt(accepted)
    if isinstance(value, bool) or isinstance(accepted, bool):
        return value is accepted
    if isinstance(value, list) and isinstance(accepted, list):
        return len(value) == len(accepted) and all(map(_same, value, accepted))
    if isinstance(value, dict) and isinstance(accepted, dict):
        # Inside an object each field has a list of accepted values, too.
        return value.keys() <= accepted.keys() and all(
            any(_same(value[key], one) for one in options) if key in value else "" in options
            for key, options in accepted.items()
        )
    return bool(value == accepted)


def _spelt(text: str) -> str:
    return text.translate(_LEFT_OUT).casefold()
