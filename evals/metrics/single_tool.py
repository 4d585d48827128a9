"""How often the one tool of a request is found, or that it needs none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from pydantic import JsonValue

from evals.metrics.additive import AdditiveMetric, Array, Parts
from evals.metrics.classification import Classification
from evals.metrics.forms import check_pairs, read_list, read_map
from evals.metrics.plans import HANDOFF, tools_of

NO_TOOL = "(no tool)"
SEVERAL = "(several)"
_KEPT = ("macro_f1", "accuracy")


class SingleTool(AdditiveMetric):
    """Macro F1 with abstention, over the requests whose gold plan is one tool or none.

    Golds and predictions are plans, as `PlanMatch` has them. A request is of the class of its one
    tool, or NO_TOOL where the gold plan has no steps; those of several steps, and those that hand
    over, are left out. A prediction of several steps or of a handoff is of no gold's class, and an
    error of none at all; one whose tools are those of an alternative counts as the gold.

    Figures, by scikit-learn: single_macro_f1, the mean of the classes' F1, over the classes among
    the golds; single_accuracy.
    """

    name = "single_tool"

    def __init__(self) -> None:
        self._labels = Classification(per_class=False)

    def __call__(
        self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]
    ) -> dict[str, float]:
        _, wanted, chosen = _singles(golds, predictions)
        return {
            f"single_{name}": value
            for name, value in self._labels(wanted, chosen).items()
            if name in _KEPT
        }

    def parts(self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]) -> Parts:
        """Those of the classes, with nothing for the requests that are left out."""
        places, wanted, chosen = _singles(golds, predictions)
        if not places:
            return Parts(np.zeros((len(golds), 0)), lambda _sums: {})
        own = self._labels.parts(wanted, chosen)
        per_sample = np.zeros((len(golds), own.per_sample.shape[1]))
        per_sample[places] = own.per_sample

        def figures(sums: Array) -> dict[str, Array]:
            found = own.figures(sums)
            return {f"single_{name}": found[name] for name in _KEPT}

        return Parts(per_sample, figures)


def _singles(
    golds: Sequence[JsonValue], predictions: Sequence[JsonValue]
) -> tuple[list[int], list[JsonValue], list[JsonValue]]:
    """Of the requests of one tool or none: their places, classes and predicted classes."""
    check_pairs(golds, predictions)
    places: list[int] = []
    wanted: list[JsonValue] = []
    chosen: list[JsonValue] = []
    for place, (gold, prediction) in enumerate(zip(golds, predictions, strict=True)):
        plan = read_map(gold, "A gold plan")
        tools = tools_of(plan)
        if tools.total() > 1 or HANDOFF in tools:
            continue
        places.append(place)
        wanted.append(_class(tools))
        if prediction is None:
            chosen.append(None)
            continue
        found = tools_of(read_map(prediction, "A predicted plan"))
        others = read_list(plan.get("alternatives"), "alternatives")
        accepted = [Counter(map(str, read_list(other, "alternative"))) for other in others]
        chosen.append(_class(tools if found in accepted else found))
    return places, wanted, chosen


def _class(tools: Counter[str]) -> str:
    if tools.total() > 1:
        return SEVERAL
    return next(iter(tools), NO_TOOL)
