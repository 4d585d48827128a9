"""Moments of a video that stand out from the rest of it, by its own statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Reason = Literal["motion", "brightness", "count", "appearance"]
Signals = Mapping[Reason, NDArray[np.float64]]

FEWEST_LOOKS = 8
"""With fewer, nothing can be said of what is usual."""
THRESHOLD = 5.0
"""Of the robust z-score; 3.5 for Iglewicz and Hoaglin (1993), who do not scale the deviation."""
# What each signal may differ without meaning anything: levels of grey, things, and cosine.
_FLOORS: Mapping[Reason, float] = {
    "motion": 2.0, "brightness": 6.0, "count": 0.6, "appearance": 0.05,
}  # fmt: skip
_MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True, slots=True)
class Moment:
    """From when to when something is unusual, in seconds; how much so, and in what."""

    start_s: float
    end_s: float
    score: float
    reasons: tuple[Reason, ...]


def robust_scores(values: NDArray[np.float64], floor: float) -> NDArray[np.float64]:
    """How many deviations each value is from the median; values that are not numbers score 0.

    The deviation is the median absolute one, as large as the standard deviation of a normal
    distribution, plus `floor`.
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return np.zeros(len(values))
    middle = np.median(known)
    deviation = _MAD_TO_SIGMA * np.median(np.abs(known - middle)) + floor
    scores = np.nan_to_num(np.abs(values - middle) / deviation, nan=0.0)
    return np.asarray(scores, dtype=np.float64)


def unusual_moments(times: Sequence[float], signals: Signals) -> list[Moment]:
    """The moments at which any signal is far from what it usually is in this video.

    Args:
        times: of the looks, in seconds, in order.
        signals: a value for each look; NaN where it says nothing.
    """
    if len(times) < FEWEST_LOOKS:
        return []
    scores = {reason: robust_scores(values, _FLOORS[reason]) for reason, values in signals.items()}
    step = float(np.median(np.diff(times)))
    moments: list[Moment] = []
    for place, time_s in enumerate(times):
        reasons = tuple(r for r, values in scores.items() if values[place] >= THRESHOLD)
        if not reasons:
            continue
        score = max(float(values[place]) for values in scores.values())
        if moments and time_s - moments[-1].end_s <= 1.5 * step:
            before = moments.pop()
            reasons = tuple(dict.fromkeys((*before.reasons, *reasons)))
            moments.append(Moment(before.start_s, time_s, max(before.score, score), reasons))
        else:
            moments.append(Moment(time_s, time_s, score, reasons))
    return moments
