"""How often the label is right: accuracy, precision, recall, F1, and the confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from evals.metrics.additive import AdditiveMetric, Array, Parts, precision_recall_f1, ratio
from evals.metrics.forms import Choice, check_pairs, read_choice, read_label

ABSTAINED = "(don't know)"
FAILED = "(error)"
_ABSTAINED, _FAILED = -1, -2


class Classification(AdditiveMetric):
    """One label a sample, by scikit-learn.

    Golds are labels, or None where no label fits. Predictions are labels, {"label", "score"}, or
    {"label": None} for "don't know". "Don't know" is right for a gold of None and wrong for any
    other; an error is always wrong. Neither is a class: they cost recall, and no precision.

    Figures: accuracy; micro_ and macro_ precision, recall and f1; answered, the share with a
    label; with `per_class`, precision/L, recall/L and f1/L for each label L among the golds.
    Micro counts each label; macro is the mean over the labels among the golds.
    """

    name = "classification"

    def __init__(self, *, per_class: bool = True) -> None:
        self.per_class = per_class

    def __call__(
        self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]
    ) -> dict[str, float]:
        from sklearn.metrics import accuracy_score, precision_recall_fscore_support

        coded = _code(golds, predictions)
        if not golds:
            return {}
        figures = {
            "accuracy": float(accuracy_score(coded.golds, coded.chosen)),
            "answered": float(np.mean(coded.chosen >= 0)),
        }
        if not coded.labels:
            return figures
        ids = list(range(len(coded.labels)))
        scores = {
            average: precision_recall_fscore_support(
                coded.golds, coded.chosen, labels=ids, average=average, zero_division=0.0
            )
            for average in ("micro", None)
        }
        classes = np.stack(scores[None][:3])[:, coded.wanted]
        for i, part in enumerate(_PARTS):
            figures[f"micro_{part}"] = float(scores["micro"][i])
            if coded.wanted:
                figures[f"macro_{part}"] = float(classes[i].mean())
            if self.per_class:
                figures |= {
                    f"{part}/{coded.labels[at]}": float(value)
                    for at, value in zip(coded.wanted, classes[i], strict=True)
                }
        return figures

    def parts(self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]) -> Parts:
        """The same from sums of matched, predicted and wanted labels."""
        coded = _code(golds, predictions)
        size = len(coded.labels)
        wanted = _one_hot(coded.golds, size)
        chosen = _one_hot(coded.chosen, size)
        right = (coded.golds == coded.chosen)[:, None]
        answered = (coded.chosen >= 0)[:, None]
        ones = np.ones_like(right)
        columns = np.hstack([wanted * chosen, chosen, wanted, right, answered, ones])

        def figures(sums: Array) -> dict[str, Array]:
            matched, predicted, gold = (sums[:, i * size : (i + 1) * size] for i in range(3))
            right, answered, count = sums[:, 3 * size :].T
            found = {"accuracy": ratio(right, count), "answered": ratio(answered, count)}
            if not size:
                return found
            micro = precision_recall_f1(matched.sum(1), predicted.sum(1), gold.sum(1))
            # A label that a resample lacks says nothing there.
            absent = gold == 0
            classes = [
                np.where(absent, np.nan, part)
                for part in precision_recall_f1(matched, predicted, gold)
            ]
            for part, over_all, each in zip(_PARTS, micro, classes, strict=True):
                found[f"micro_{part}"] = over_all
                if coded.wanted:
                    total = np.nansum(each, axis=1)
                    found[f"macro_{part}"] = ratio(total, (~absent).sum(axis=1).astype(float))
                if self.per_class:
                    found |= {f"{part}/{coded.labels[at]}": each[:, at] for at in coded.wanted}
            return found

        return Parts(columns.astype(float), figures)

    def confusion(
        self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]
    ) -> Confusion | None:
        """Who is taken for whom. Raises MetricError."""
        return confusion(golds, predictions)


@runtime_checkable
class TellsConfusion(Protocol):
    """A metric that knows who is taken for whom."""

    def confusion(
        self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]
    ) -> Confusion | None:
        """None where its labels are not told apart. Raises MetricError."""
        ...


@dataclass(frozen=True, slots=True)
class Confusion:
    """`rows[i][j]` counts the samples of gold `golds[i]` that were given `chosen[j]`.

    Abstentions and errors stand in columns of their own, ABSTAINED and FAILED, where there are
    any; golds without a label in the row ABSTAINED.
    """

    golds: tuple[str, ...]
    chosen: tuple[str, ...]
    rows: tuple[tuple[int, ...], ...]


def confusion(golds: Sequence[JsonValue], predictions: Sequence[JsonValue]) -> Confusion:
    """Who is taken for whom, by scikit-learn. Raises MetricError."""
    from sklearn.metrics import confusion_matrix

    coded = _code(golds, predictions)
    if not golds:
        return Confusion((), (), ())
    ids = [*range(len(coded.labels)), _ABSTAINED, _FAILED]
    names = np.array([*coded.labels, ABSTAINED, FAILED])
    matrix = confusion_matrix(coded.golds, coded.chosen, labels=ids)
    # Labels keep a row and a column each, so that the diagonal is where it is looked for.
    rows = np.isin(ids, range(len(coded.labels))) | (matrix.sum(axis=1) > 0)
    columns = np.isin(ids, range(len(coded.labels))) | (matrix.sum(axis=0) > 0)
    kept = matrix[rows][:, columns]
    return Confusion(
        tuple(names[rows].tolist()),
        tuple(names[columns].tolist()),
        tuple(tuple(row) for row in kept.tolist()),
    )


_PARTS = ("precision", "recall", "f1")


@dataclass(frozen=True, slots=True)
class _Coded:
    """Labels as numbers; `wanted` are those among the golds."""

    labels: list[str]
    wanted: list[int]
    golds: NDArray[np.int64]
    chosen: NDArray[np.int64]


def _code(golds: Sequence[JsonValue], predictions: Sequence[JsonValue]) -> _Coded:
    check_pairs(golds, predictions)
    right = [read_label(gold) for gold in golds]
    choices = [read_choice(prediction) for prediction in predictions]
    labels = sorted({*right, *(choice.label for choice in choices)} - {None}, key=str)
    ids: dict[str | None, int] = {label: i for i, label in enumerate(labels)}
    ids[None] = _ABSTAINED

    def code(choice: Choice) -> int:
        return _FAILED if choice.failed else ids[choice.label]

    wanted = set(right)
    return _Coded(
        [str(label) for label in labels],
        [i for i, label in enumerate(labels) if label in wanted],
        np.array([ids[label] for label in right], dtype=np.int64),
        np.array([code(choice) for choice in choices], dtype=np.int64),
    )


def _one_hot(ids: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
    hot: NDArray[np.bool_] = ids[:, None] == np.arange(size)
    return hot
