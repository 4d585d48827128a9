"""Where the one right tool stands among those that were ranked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import JsonValue

from evals.metrics.additive import AdditiveMetric, Parts, means
from evals.metrics.forms import read_list, read_map

AMONG = 10
"""Tools that a prediction ranks, the likeliest first."""


class RankedTools(AdditiveMetric):
    """Golds are plans, predictions have the tools that were ranked as "ranked", the likeliest
    first; without it their steps count. Only golds of one step are judged; an error is wrong.

    Figures: accuracy_at_1, and recall_at_10 where tools are ranked.
    """

    name = "ranked_tools"

    def parts(self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]) -> Parts:
        rows = [_row(read_map(g, "A gold"), p) for g, p in zip(golds, predictions, strict=True)]
        return means(("accuracy_at_1", f"recall_at_{AMONG}"), rows)


_NOT_JUDGED = float("nan")


def _row(gold: Any, prediction: Any) -> tuple[float, float]:
    steps = read_list(gold.get("steps"), "steps")
    if len(steps) != 1:
        return _NOT_JUDGED, _NOT_JUDGED
    tool = read_map(steps[0], "A step").get("tool")
    if prediction is None:
        return 0.0, 0.0
    if "ranked" not in prediction:
        return float([step["tool"] for step in prediction["steps"]] == [tool]), _NOT_JUDGED
    ranked = read_list(prediction["ranked"], "ranked")
    return float(ranked[:1] == [tool]), float(tool in ranked[:AMONG])
