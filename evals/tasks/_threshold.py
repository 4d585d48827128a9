"""From which probability on a label is taken, chosen on the validation split."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from evals.metrics import Abstention
from evals.task import Metric

Pair = tuple[JsonValue, JsonValue]


class Thresholded:
    """Another metric's figures on the test split, with every label under the threshold taken back.

    The threshold is the one with the highest mean of in-scope accuracy and out-of-scope recall on
    the validation split; without such a split nothing is taken back. Golds are labels, None for
    what is out of scope; predictions are {"label", "score", "split"}, and None, for an error,
    counts as of the test split. `threshold` is a figure of its own, where `told`.
    """

    def __init__(self, metric: Metric, *, told: bool = False) -> None:
        self.metric = metric
        self.name = metric.name
        self.higher_is_better = metric.higher_is_better
        self.told = told

    def __call__(
        self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]
    ) -> dict[str, float]:
        pairs = list(zip(golds, predictions, strict=True))
        validation = [pair for pair in pairs if _is_validation(pair[1])]
        test = [pair for pair in pairs if not _is_validation(pair[1])]
        threshold = best_threshold(validation)
        figures = self.metric([gold for gold, _ in test], _above(test, threshold))
        return {**figures, "threshold": threshold} if self.told and test else figures


def best_threshold(pairs: Sequence[Pair]) -> float:
    """The lowest of the best thresholds, from 0 to 0.99 in steps of 0.01; 0 where nothing is out
    of scope."""
    if all(gold is not None for gold, _ in pairs):
        return 0.0
    return max((i / 100 for i in range(100)), key=lambda threshold: _balance(pairs, threshold))


def _balance(pairs: Sequence[Pair], threshold: float) -> float:
    figures = Abstention()([gold for gold, _ in pairs], _above(pairs, threshold))
    return figures.get("in_scope_accuracy", 0.0) + figures["oos_recall"]


def _above(pairs: Sequence[Pair], threshold: float) -> list[JsonValue]:
    return [
        {**value, "label": None}
        if isinstance(value, dict) and float(str(value["score"])) < threshold
        else value
        for _, value in pairs
    ]


def _is_validation(value: JsonValue) -> bool:
    return isinstance(value, dict) and value.get("split") == "val"
