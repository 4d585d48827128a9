"""Whether "I don't know" is said when, and only when, it should be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import JsonValue

from evals.metrics.additive import AdditiveMetric, Array, Parts, precision_recall_f1, ratio
from evals.metrics.forms import read_choice, read_label


class Abstention(AdditiveMetric):
    """Abstention as a class to find, and accuracy where there is an answer.

    A gold is out of scope where it is None or the label `out_of_scope` (CLINC150's "oos"); a
    prediction abstains with {"label": None} or that label. An error abstains from nothing.

    Figures: in_scope_accuracy, over the golds in scope, with an abstention wrong; out-of-scope
    precision, recall and f1 as oos_…; coverage, the share of the golds in scope that got a label,
    and selective_accuracy over those (Geifman and El-Yaniv 2017, Selective Classification).
    """

    name = "abstention"

    def __init__(self, out_of_scope: str | None = None) -> None:
        self.out_of_scope = out_of_scope

    def parts(self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]) -> Parts:
        rows = [self._row(g, p) for g, p in zip(golds, predictions, strict=True)]
        return Parts(np.array(rows, dtype=float).reshape(len(rows), 6), _figures)

    def _row(self, gold: JsonValue, prediction: JsonValue) -> tuple[float, ...]:
        label, choice = read_label(gold), read_choice(prediction)
        out = label in (None, self.out_of_scope)
        abstains = not choice.failed and choice.label in (None, self.out_of_scope)
        labelled = not out and not abstains and not choice.failed
        right = labelled and choice.label == label
        return tuple(map(float, (out and abstains, abstains, out, not out, labelled, right)))


def _figures(sums: Array) -> dict[str, Array]:
    matched, abstained, out, inside, labelled, right = sums.T
    precision, recall, f1 = precision_recall_f1(matched, abstained, out)
    # Without a gold out of scope there is nothing to find, and any abstention is a mistake.
    nothing_out = out == 0
    return {
        "in_scope_accuracy": ratio(right, inside),
        "coverage": ratio(labelled, inside),
        "selective_accuracy": ratio(right, labelled),
        "oos_precision": np.where(nothing_out, np.nan, precision),
        "oos_recall": np.where(nothing_out, np.nan, recall),
        "oos_f1": np.where(nothing_out, np.nan, f1),
    }
