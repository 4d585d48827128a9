"""Whether a score of 0.8 is right eight times of ten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import JsonValue

from evals.metrics.additive import AdditiveMetric, Array, Parts, ratio
from evals.metrics.forms import MetricError, check_pairs, read_choice, read_label

BINS = 15


class Calibration(AdditiveMetric):
    """Expected calibration error and Brier score of the chosen label's score.

    The expected calibration error is the mean distance of score and accuracy over `bins` bins of
    equal width, weighted by their counts (Guo et al. 2017, On Calibration of Modern Neural
    Networks). The Brier score is the mean of (score - right)², by scikit-learn. Both are 0 at
    best. Predictions without a label or a score have no calibration and are left out; how many
    is the `answered` of Classification to say.
    """

    name = "calibration"
    higher_is_better = False

    def __init__(self, bins: int = BINS) -> None:
        self.bins = bins

    def __call__(
        self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]
    ) -> dict[str, float]:
        from sklearn.metrics import brier_score_loss

        figures = super().__call__(golds, predictions)
        if "brier" in figures:
            scores, right = _scored(golds, predictions)
            kept = ~np.isnan(scores)
            figures["brier"] = float(brier_score_loss(right[kept], scores[kept], pos_label=1))
        return figures

    def parts(self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]) -> Parts:
        scores, right = _scored(golds, predictions)
        known = np.where(np.isnan(scores), 0.0, scores)
        kept = ~np.isnan(scores)
        squares = np.where(kept, (known - right) ** 2, 0.0)
        # A bin's error is |sum of scores - sum of rights|: the counts cancel.
        gaps = _bin_of(scores, self.bins) * (known - right)[:, None]
        columns = np.hstack([gaps, squares[:, None], kept[:, None]])

        def figures(sums: Array) -> dict[str, Array]:
            count = sums[:, -1]
            return {
                "ece": ratio(np.abs(sums[:, :-2]).sum(axis=1), count),
                "brier": ratio(sums[:, -2], count),
            }

        return Parts(columns, figures)


@dataclass(frozen=True, slots=True)
class Bin:
    """The predictions with a score in (low, high]: mean score, and share that is right."""

    low: float
    high: float
    count: int
    score: float
    accuracy: float


def reliability(
    golds: Sequence[JsonValue], predictions: Sequence[JsonValue], bins: int = BINS
) -> list[Bin]:
    """The bins that hold a prediction, for the calibration plot. Raises MetricError."""
    check_pairs(golds, predictions)
    scores, right = _scored(golds, predictions)
    found = []
    for i, members in enumerate(_bin_of(scores, bins).T.astype(bool)):
        if members.any():
            found.append(
                Bin(
                    low=i / bins,
                    high=(i + 1) / bins,
                    count=int(members.sum()),
                    score=float(scores[members].mean()),
                    accuracy=float(right[members].mean()),
                )
            )
    return found


def _scored(golds: Sequence[JsonValue], predictions: Sequence[JsonValue]) -> tuple[Array, Array]:
    """The score of each prediction, nan where it has none, and 1 where its label is right."""
    choices = [read_choice(prediction) for prediction in predictions]
    scores = np.array(
        [np.nan if c.label is None or c.score is None else c.score for c in choices], dtype=float
    )
    if np.any((scores < 0) | (scores > 1)):
        raise MetricError("A score is a probability, from 0 to 1.")
    right = [
        float(choice.label == read_label(gold)) for choice, gold in zip(choices, golds, strict=True)
    ]
    return scores, np.array(right, dtype=float)


def _bin_of(scores: Array, bins: int) -> Array:
    """One-hot; a score of 0 is in the first bin, and a score without a value in none."""
    at = np.clip(np.ceil(np.nan_to_num(scores) * bins) - 1, 0, bins - 1)
    hot = (at[:, None] == np.arange(bins)) & ~np.isnan(scores)[:, None]
    return np.asarray(hot, dtype=float)
