"""Calls withheld where none is right, against calls kept where one is, by a score of fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from evals.metrics.forms import check_pairs, read_map

WITHHELD = (0.5, 0.7, 0.9)


class WithheldCurve:
    """Golds are {"call": whether one is right, "tune": whether the threshold may be chosen on it},
    predictions {"fit": how well a function fits}; an error fits not at all.

    Figures, all but the threshold over the golds that it is not chosen on:
        threshold: with the highest balanced accuracy on those to tune on; the lowest of equals.
        balanced_accuracy: the mean of `kept`, the share of calls made where one is right, and
            `withheld`, the share made nowhere where none is, at that threshold.
        kept_at_withheld/X: the share kept where at least the share X is withheld.
        auc: the area under the curve of the two.
    """

    name = "withheld"
    higher_is_better = True

    def __call__(
        self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]
    ) -> dict[str, float]:
        check_pairs(golds, predictions)
        read: list[Any] = [read_map(gold, "A gold") for gold in golds]
        right = np.array([gold["call"] for gold in read], dtype=bool)
        tuned = np.array([gold["tune"] for gold in read], dtype=bool)
        fits = np.array([_fit(prediction) for prediction in predictions], dtype=float)
        halves = (right & tuned, ~right & tuned, right & ~tuned, ~right & ~tuned)
        if not all(half.any() for half in halves):
            return {}
        threshold = _best(fits[tuned], right[tuned])
        calls, none = fits[right & ~tuned], fits[~right & ~tuned]
        kept, withheld = (calls >= threshold).mean(), (none < threshold).mean()
        wins = (calls[:, None] > none).mean() + (calls[:, None] == none).mean() / 2
        curve = {f"kept_at_withheld/{share}": _kept(calls, none, share) for share in WITHHELD}
        return {
            "balanced_accuracy": float(kept + withheld) / 2,
            "kept": float(kept),
            "withheld": float(withheld),
            "threshold": threshold,
            **curve,
            "auc": float(wins),
        }


def _fit(prediction: JsonValue) -> float:
    value: Any = -1.0 if prediction is None else read_map(prediction, "A prediction")["fit"]
    return float(value)


def _best(fits: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    steps = np.unique(fits)
    kept = (fits[right][:, None] >= steps).mean(axis=0)
    withheld = (fits[~right][:, None] < steps).mean(axis=0)
    return float(steps[np.argmax(kept + withheld)])


def _kept(calls: NDArray[np.float64], none: NDArray[np.float64], share: float) -> float:
    allowed = int((1 - share) * len(none) + 1e-9)
    # The calls above the first fit of those without a call that must not pass.
    return float((calls > np.sort(none)[::-1][allowed]).mean())
