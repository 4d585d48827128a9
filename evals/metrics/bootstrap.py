"""How sure a figure is: percentile bootstrap intervals, of one run and of two runs' difference.

The samples are drawn again with replacement, and the figure is computed for each draw (Efron
1979). For a difference both runs see the same draws (Koehn 2004, Statistical Significance Tests
for Machine Translation Evaluation).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from evals.metrics.additive import AdditiveMetric, Array
from evals.metrics.forms import check_pairs
from evals.task import Metric

LEVEL = 0.95
RESAMPLES = 1000
SLOW_RESAMPLES = 100
"""For a metric that must be computed anew for each draw: enough for 95 %, not for much more."""
_BLOCK_CELLS = 4_000_000


class Interval(NamedTuple):
    """A figure, and the bounds between which it lies at the level asked."""

    value: float
    low: float
    high: float


class Difference(NamedTuple):
    """How much larger a figure is in the second run, and between which bounds that lies."""

    value: float
    low: float
    high: float

    @property
    def beyond_noise(self) -> bool:
        """The interval holds no zero."""
        return self.low > 0 or self.high < 0

    def worse(self, higher_is_better: bool) -> bool:
        """The second run is worse, beyond the noise."""
        return self.beyond_noise and (self.value < 0) == higher_is_better


def bootstrap(
    metric: Metric,
    golds: Sequence[JsonValue],
    predictions: Sequence[JsonValue],
    seed: int,
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> dict[str, Interval]:
    """Each figure of the metric with its interval; the same seed gives the same bounds.

    A metric that is no AdditiveMetric is resampled at most SLOW_RESAMPLES times. A draw in which
    a figure is not defined does not count for it.

    Raises:
        MetricError: a gold or a prediction can't be read.
    """
    values = metric(golds, predictions)
    drawn = _resampled(metric, golds, predictions, seed, resamples)
    return {
        name: Interval(value, *_bounds(drawn.get(name), value, level))
        for name, value in values.items()
    }


def paired_difference(
    metric: Metric,
    golds: Sequence[JsonValue],
    a: Sequence[JsonValue],
    b: Sequence[JsonValue],
    seed: int,
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> dict[str, Difference]:
    """How each figure differs from run `a` to run `b` over the same samples, in the same order.

    At 95 % one figure in twenty differs by chance alone: who looks at many asks for a higher
    level, as `1 - 0.05 / figures`. A figure that only one of the runs has is left out.

    Raises:
        MetricError: a gold or a prediction can't be read, or their counts differ.
    """
    before, after = metric(golds, a), metric(golds, b)
    drawn_before = _resampled(metric, golds, a, seed, resamples)
    drawn_after = _resampled(metric, golds, b, seed, resamples)
    differences = {}
    for name in before:
        if name in after:
            value = after[name] - before[name]
            first, second = drawn_before.get(name), drawn_after.get(name)
            draws = None if first is None or second is None else second - first
            differences[name] = Difference(value, *_bounds(draws, value, level))
    return differences


def _bounds(draws: Array | None, value: float, level: float) -> tuple[float, float]:
    """The percentiles; the value itself where no draw has one."""
    if draws is None or np.isnan(draws).all():
        return value, value
    tail = (1 - level) / 2
    low, high = np.nanquantile(draws, [tail, 1 - tail])
    return float(low), float(high)


def _resampled(
    metric: Metric,
    golds: Sequence[JsonValue],
    predictions: Sequence[JsonValue],
    seed: int,
    resamples: int,
) -> dict[str, Array]:
    """Each figure in each draw. The draws depend on the seed and the number of samples alone."""
    check_pairs(golds, predictions)
    if not golds:
        return {}
    if isinstance(metric, AdditiveMetric):
        parts = metric.parts(golds, predictions)
        blocks = [
            parts.figures(_counts(block) @ parts.per_sample)
            for block in _draws(len(golds), seed, resamples)
        ]
    else:
        blocks = [
            {
                name: np.array([value])
                for name, value in metric(
                    [golds[i] for i in draw], [predictions[i] for i in draw]
                ).items()
            }
            for block in _draws(len(golds), seed, min(resamples, SLOW_RESAMPLES))
            for draw in block
        ]
    names = dict.fromkeys(name for block in blocks for name in block)
    missing = np.array([np.nan])
    return {name: np.concatenate([b.get(name, missing) for b in blocks]) for name in names}


def _draws(size: int, seed: int, resamples: int) -> Iterator[NDArray[np.int64]]:
    """Which samples each draw takes: one draw a row, some rows at a time to spare memory."""
    random = np.random.default_rng(seed)
    rows = max(1, _BLOCK_CELLS // size)
    for begun in range(0, resamples, rows):
        yield random.integers(size, size=(min(rows, resamples - begun), size))


def _counts(draws: NDArray[np.int64]) -> Array:
    """How often each draw takes each sample."""
    rows, size = draws.shape
    flat = (draws + size * np.arange(rows)[:, None]).ravel()
    return np.bincount(flat, minlength=rows * size).reshape(rows, size).astype(float)
