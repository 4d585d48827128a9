"""From which probability on a label is taken, chosen on the validation split."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import JsonValue

from evals.metrics import Confusion
from evals.metrics.additive import AdditiveMetric, Array, Parts
from evals.metrics.classification import TellsConfusion
from evals.metrics.forms import check_pairs, read_choice, read_label

LOST = 0.05
"""The share of right labels in scope that may be taken back, for what is out of scope."""

Values = Sequence[JsonValue]


class Thresholded(AdditiveMetric):
    """Another metric's figures on the test split, with every label under the threshold taken back.

    The threshold is `best_threshold` of the validation split; a resample keeps it. Golds are
    labels, None for what is out of scope; predictions are {"label", "score", "split"}, and None,
    for an error, counts as of the test split. `threshold` is a figure of its own, where `told`.
    """

    def __init__(self, metric: AdditiveMetric, *, told: bool = False) -> None:
        self.metric = metric
        self.name = metric.name
        self.higher_is_better = metric.higher_is_better
        self.told = told

    def __call__(self, golds: Values, predictions: Values) -> dict[str, float]:
        threshold, _, own_golds, chosen = self._judged(golds, predictions)
        figures = self.metric(own_golds, chosen)
        return {**figures, "threshold": threshold} if self.told and own_golds else figures

    def parts(self, golds: Values, predictions: Values) -> Parts:
        """The metric's own, with nothing for the validation split."""
        threshold, tested, own_golds, chosen = self._judged(golds, predictions)
        own = self.metric.parts(own_golds, chosen)
        per_sample = np.zeros((len(golds), own.per_sample.shape[1] if own_golds else 0))
        if own_golds:
            per_sample[tested] = own.per_sample

        def figures(sums: Array) -> dict[str, Array]:
            if not own_golds:
                return {}
            found = own.figures(sums)
            return found | ({"threshold": np.full(len(sums), threshold)} if self.told else {})

        return Parts(per_sample, figures)

    def confusion(self, golds: Values, predictions: Values) -> Confusion | None:
        """Who is taken for whom on the test split; None where the metric has nothing of that."""
        if not isinstance(self.metric, TellsConfusion):
            return None
        _, _, own_golds, chosen = self._judged(golds, predictions)
        return self.metric.confusion(own_golds, chosen)

    def _judged(
        self, golds: Values, predictions: Values
    ) -> tuple[float, list[bool], list[JsonValue], list[JsonValue]]:
        """The threshold; which samples are of the test split; their golds and what is left of
        their predictions."""
        check_pairs(golds, predictions)
        tested = [not _is_validation(value) for value in predictions]
        pairs = list(zip(golds, predictions, tested, strict=True))
        threshold = best_threshold(
            [gold for gold, _, test in pairs if not test],
            [value for _, value, test in pairs if not test],
        )
        chosen = [_above(value, threshold) for _, value, test in pairs if test]
        return threshold, tested, [gold for gold, _, test in pairs if test], chosen


def best_threshold(golds: Values, predictions: Values) -> float:
    """The lowest threshold with the highest out-of-scope recall, among those that take back no
    more than LOST of the right labels in scope; from 0 to 1 in steps of 0.01.

    0 where nothing is out of scope. Raises MetricError.
    """
    labels = [read_label(gold) for gold in golds]
    choices = [read_choice(prediction) for prediction in predictions]
    out = np.array([label is None for label in labels], dtype=bool)
    if not out.any():
        return 0.0
    scores = np.array([choice.score or 0.0 for choice in choices])
    right = np.array([c.label == label for c, label in zip(choices, labels, strict=True)]) & ~out
    steps = np.arange(101) / 100
    lost = (scores[right][:, None] < steps).sum(axis=0)
    caught = (scores[out][:, None] < steps).sum(axis=0)
    allowed = lost <= LOST * right.sum()
    return float(steps[np.argmax(np.where(allowed, caught, -1))])


def _above(value: JsonValue, threshold: float) -> JsonValue:
    below = isinstance(value, dict) and (read_choice(value).score or 0.0) < threshold
    return {**value, "label": None} if below and isinstance(value, dict) else value


def _is_validation(value: JsonValue) -> bool:
    return isinstance(value, dict) and value.get("split") == "val"
