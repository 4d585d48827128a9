"""Metrics whose figures follow from sums over the samples.

Most do: correct predictions, matched n-grams, edits. A resample of the data is then a weighted
sum, and a thousand of them are one matrix product.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from evals.metrics.forms import check_pairs

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Parts:
    """What each sample adds, and how figures follow from the sums.

    Attributes:
        per_sample: one row for each sample.
        figures: turns sums, one row for each resample, into one value of each figure for each
            row; nan where the figure is not defined.
    """

    per_sample: Array
    figures: Callable[[Array], dict[str, Array]]


class AdditiveMetric(ABC):
    """A metric by its `parts`. A figure that is not defined for the samples is left out."""

    name: str
    higher_is_better: bool = True

    @abstractmethod
    def parts(self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]) -> Parts:
        """What each sample adds. Raises MetricError."""

    def __call__(
        self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]
    ) -> dict[str, float]:
        """The figures over all samples; none where there are no samples. Raises MetricError."""
        check_pairs(golds, predictions)
        if not golds:
            return {}
        parts = self.parts(golds, predictions)
        figures = parts.figures(parts.per_sample.sum(axis=0, keepdims=True))
        return {name: float(v[0]) for name, v in figures.items() if not np.isnan(v[0])}


def ratio(over: Array, under: Array, empty: float = np.nan) -> Array:
    """`over / under`, and `empty` where there is nothing under."""
    found: Array = np.divide(over, under, out=np.full(np.shape(under), empty), where=under != 0)
    return found


def means(names: Sequence[str], rows: Sequence[Sequence[float]]) -> Parts:
    """Figures that are plain means over the samples. A nan in a row leaves that sample out of
    that figure."""
    values = np.asarray(rows, dtype=float).reshape(len(rows), len(names))
    counted = ~np.isnan(values)
    columns = np.concatenate([np.where(counted, values, 0.0), counted], axis=1)

    def figures(sums: Array) -> dict[str, Array]:
        over, under = np.split(sums, 2, axis=1)
        return dict(zip(names, ratio(over, under).T, strict=True))

    return Parts(columns, figures)


def precision_recall_f1(
    matched: Array, predicted: Array, wanted: Array
) -> tuple[Array, Array, Array]:
    """From counts; 0 where nothing was predicted, wanted or matched, as scikit-learn has it with
    `zero_division=0`. F1 is 2 matched / (predicted + wanted)."""
    return (
        ratio(matched, predicted, 0.0),
        ratio(matched, wanted, 0.0),
        ratio(2 * matched, predicted + wanted, 0.0),
    )
