"""What a policy would have earned, told from what another one showed and logged.

Units are independent of each other: showings, with one step, or sessions, with several. All
estimates are of the reward that a unit earns in all its steps together. Their intervals are
Student's, of the mean over units, and so they need units by the hundred, and weights of which no
few are most of the sum (`effective_units`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model_servers.recommenders.errors import RecommenderError
from model_servers.recommenders.ridge import Floats

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Weights:
    """How much more likely the judged policy was to do what was done.

    Attributes:
        values: (n, steps): for a step the product of the ratios of chances up to it, clipped.
        before: (n, steps): the same up to the step before; 1 for the first.
        clipped: the part of all weights that was above the clip.
        lost: the part of the sum of weights that clipping took away: an estimate of a reward in
            [0, 1] a step is too low by this part of a step's reward at most, on average.
    """

    values: Floats
    before: Floats
    clipped: float
    lost: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A policy's reward a unit, and the bounds between which it lies at `level`.

    Attributes:
        effective_units: (Σ w)² / Σ w² at the last step: so many units of the judged policy's own
            would tell as much (Kish 1965).
        clipped: the part of the weights that was clipped.
        lost: the part of the sum of weights that clipping took away; the interval does not
            allow for it.
    """

    value: float
    low: float
    high: float
    level: float
    effective_units: float
    clipped: float
    lost: float


def importance_weights(logged: Floats, judged: Floats, *, clip: float | None = None) -> Weights:
    """Weights from the chances that two policies gave to what was done, each (n,) or (n, steps).

    Args:
        logged: the logged propensities, above 0.
        judged: the judged policy's, in the same states.
        clip: no weight counts for more than this; None clips nothing, and biases nothing.

    Raises:
        RecommenderError: a propensity is out of range, or the shapes differ.
    """
    below, above = _steps(logged, "logged propensities"), _steps(judged, "judged chances")
    if below.shape != above.shape:
        raise RecommenderError("There must be one judged chance for each logged propensity.")
    if (below <= 0).any() or (below > 1).any():
        raise RecommenderError("Logged propensities must be above 0, and 1 at most.")
    if (above < 0).any() or (above > 1).any():
        raise RecommenderError("The judged policy's chances must be between 0 and 1.")
    if clip is not None and not clip > 0:
        raise RecommenderError("The clip of the weights must be above 0.")
    full = np.cumprod(above / below, axis=1)
    kept = full if clip is None else np.minimum(full, clip)
    before = np.concatenate([np.ones((len(kept), 1)), kept[:, :-1]], axis=1)
    total = full.sum()
    lost = float(1.0 - kept.sum() / total) if total else 0.0
    return Weights(np.asarray(kept, dtype=np.float64), before, float((full > kept).mean()), lost)


def ips(rewards: Floats, weights: Weights, *, level: float = LEVEL) -> Estimate:
    """Inverse propensity scoring, Σ w r / n (Horvitz and Thompson 1952): unbiased, and noisy."""
    earned = _matching(rewards, weights)
    return _estimate((weights.values * earned).sum(axis=1), weights, level)


def snips(rewards: Floats, weights: Weights, *, level: float = LEVEL) -> Estimate:
    """The same, normalised by the weights, Σ w r / Σ w for each step (Swaminathan, Joachims 2015).

    A little biased in small samples, and less noisy; the interval is by the delta method.

    Raises:
        RecommenderError: all weights of a step are 0: the log never did what the policy does.
    """
    earned = _matching(rewards, weights)
    mean_weights = weights.values.mean(axis=0)
    if (mean_weights == 0).any():
        raise RecommenderError("What was logged has nothing that the judged policy would do.")
    values = (weights.values * earned).mean(axis=0) / mean_weights
    influence = (weights.values * (earned - values) / mean_weights).sum(axis=1)
    return _estimate(values.sum() + influence, weights, level)


def doubly_robust(
    rewards: Floats,
    weights: Weights,
    predicted: Floats,
    expected: Floats,
    *,
    level: float = LEVEL,
) -> Estimate:
    """A model's prediction, corrected by where it was wrong (Dudík et al. 2011; Jiang, Li 2016).

    Right if either the propensities or the model are; the better the model, the less noise.

    Args:
        rewards: (n,) or (n, steps).
        weights: of the same units.
        predicted: what the model predicts, from here to the end, for what was done.
        expected: what it predicts for what the judged policy would do instead.
        level: of the interval.

    The model must not have been fitted on these units.
    """
    earned = _matching(rewards, weights)
    shown, would_be = _matching(predicted, weights), _matching(expected, weights)
    terms = weights.values * (earned - shown) + weights.before * would_be
    return _estimate(terms.sum(axis=1), weights, level)


def _estimate(units: Floats, weights: Weights, level: float) -> Estimate:
    from scipy.stats import t

    if not 0 < level < 1:
        raise RecommenderError("The level of an interval is between 0 and 1.")
    count = len(units)
    value = float(units.mean())
    error = float(units.std(ddof=1) / np.sqrt(count))
    half = float(t.ppf((1 + level) / 2, count - 1)) * error
    last = weights.values[:, -1]
    squares = float((last**2).sum())
    return Estimate(
        value=value,
        low=value - half,
        high=value + half,
        level=level,
        effective_units=float(last.sum()) ** 2 / squares if squares else 0.0,
        clipped=weights.clipped,
        lost=weights.lost,
    )


def _steps(values: Floats, what: str) -> Floats:
    table = np.asarray(values, dtype=np.float64)
    if table.ndim == 1:
        table = table[:, None]
    if table.ndim != 2 or table.shape[0] < 2 or table.shape[1] < 1:
        raise RecommenderError(f"The {what} must be those of two units or more.")
    if not np.isfinite(table).all():
        raise RecommenderError(f"The {what} must be finite numbers; there is a NaN or infinity.")
    return table


def _matching(values: Floats, weights: Weights) -> Floats:
    table = _steps(values, "rewards and predictions")
    if table.shape != weights.values.shape:
        raise RecommenderError("There must be one reward and prediction for each weight.")
    return table
