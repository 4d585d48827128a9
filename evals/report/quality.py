"""Which samples drag a run down, and which came off better or worse than in another run.

A sample counts by what the headline would be without it: that holds for a mean as for a micro or
macro F1 and BLEU, in which a single sample's own figure says little.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import JsonValue

from evals.metrics.additive import AdditiveMetric, Array, Parts
from evals.metrics.forms import MetricError
from evals.run_folder import Solved
from evals.task import EvalTask

CONFIDENCES = ("score", "confidence", "probability")
LABELS = ("label", "text", "answer")
FIRST_CJK = "\u2e80"
TINY = 1e-9
"""Differences below it are the arithmetic's."""


@dataclass(frozen=True, slots=True)
class Measure:
    """The metric that gives a run's headline."""

    metric: AdditiveMetric
    headline: str

    def influences(self, solved: Sequence[Solved]) -> list[float]:
        """By how much each sample lifts the headline: the headline less what it would be without
        the sample, below 0 where that would be better. Raises MetricError."""
        rows = self._rows(solved)
        total = rows.per_sample.sum(axis=0, keepdims=True)
        return self._gain(rows.figures(total), rows.figures(total - rows.per_sample), -1)

    def gains(self, before: Sequence[Solved], after: Sequence[Solved]) -> list[float]:
        """By how much each sample's prediction in `after` betters the headline of `before`, were
        it put in there. Sample `i` is the same in both. Raises MetricError."""
        rows = self._rows([*before, *after])
        old, new = rows.per_sample[: len(before)], rows.per_sample[len(before) :]
        total = old.sum(axis=0, keepdims=True)
        return self._gain(rows.figures(total), rows.figures(total - old + new), 1)

    def _rows(self, solved: Sequence[Solved]) -> Parts:
        return self.metric.parts(
            [one.sample.gold for one in solved],
            [None if one.prediction.error else one.prediction.value for one in solved],
        )

    def _gain(
        self, was: Mapping[str, Array], becomes: Mapping[str, Array], sign: int
    ) -> list[float]:
        if self.headline not in was:
            raise MetricError(f"{self.metric.name} gives no {self.headline}.")
        gain = sign * (becomes[self.headline] - was[self.headline])
        gain = np.nan_to_num(gain if self.metric.higher_is_better else -gain)
        return [float(value) if abs(value) > TINY else 0.0 for value in gain]


def measure_of(
    task: EvalTask | None, headline: str | None, solved: Sequence[Solved]
) -> Measure | None:
    """None where no metric of the task tells what single samples add to the headline."""
    if task is None or headline is None or not solved:
        return None
    for metric in task.metrics:
        if isinstance(metric, AdditiveMetric):
            found = Measure(metric, headline)
            try:
                found.influences(solved)
            except MetricError:
                continue
            return found
    return None


def weakest_first(solved: Sequence[Solved], measure: Measure | None) -> list[Solved]:
    """The samples that drag the run down: errors first, then those that cost the headline most,
    and of equals the surest. Without a measure they go by their likeness to the gold."""
    if measure:
        rates = measure.influences(solved)
    else:
        rates = [likeness(one.sample.gold, _value(one)) - 1 for one in solved]
    weak = [
        (one, rate)
        for one, rate in zip(solved, rates, strict=True)
        if rate < 0 or one.prediction.error is not None
    ]
    weak.sort(
        key=lambda pair: (
            pair[0].prediction.error is None,
            round(pair[1], 9),
            -(confidence(pair[0]) or 0.0),
            pair[0].sample.id,
        )
    )
    return [one for one, _ in weak]


def moved(
    before: Sequence[Solved], after: Sequence[Solved], measure: Measure | None
) -> tuple[list[str], list[str]]:
    """The ids of the samples that both runs solved and that came off worse, and better; those
    that moved most are first. Two predictions that have nothing of the gold are equally wrong."""
    old = {one.sample.id: one for one in before}
    pairs = [(old[one.sample.id], one) for one in after if one.sample.id in old]
    rated = [
        (gain, now.sample.id)
        for gain, (was, now) in zip(_gains(pairs, measure), pairs, strict=True)
        if likeness(was.sample.gold, _value(was)) or likeness(now.sample.gold, _value(now))
    ]
    return (
        [id_ for gain, id_ in sorted(rated) if gain < 0],
        [id_ for gain, id_ in sorted(rated, reverse=True) if gain > 0],
    )


def _gains(pairs: Sequence[tuple[Solved, Solved]], measure: Measure | None) -> list[float]:
    if measure and pairs:
        try:
            return measure.gains([was for was, _ in pairs], [now for _, now in pairs])
        except MetricError:  # the baseline's values are of another form
            pass
    return [
        likeness(now.sample.gold, _value(now)) - likeness(was.sample.gold, _value(was))
        for was, now in pairs
    ]


def likeness(gold: JsonValue, value: JsonValue) -> float:
    """Between 0 (nothing in common) and 1 (the same); a stand-in where no metric is at hand.

    Texts are compared by their words and lists by their items, both as bags, by F1; objects by
    the fields of the gold. A bare gold is held against the label of a prediction that tells its
    confidence too.
    """
    if gold == value:
        return 1.0
    if isinstance(value, dict) and not isinstance(gold, dict):
        named = [value[name] for name in LABELS if name in value]
        return likeness(gold, named[0]) if named else 0.0
    if isinstance(gold, str) and isinstance(value, str):
        return _bag_f1(_words(gold), _words(value))
    if isinstance(gold, list) and isinstance(value, list):
        return _bag_f1([repr(item) for item in gold], [repr(item) for item in value])
    if isinstance(gold, list) and isinstance(value, str):
        return max((likeness(item, value) for item in gold), default=0.0)
    if isinstance(gold, dict) and isinstance(value, dict) and gold:
        return sum(likeness(part, value.get(key)) for key, part in gold.items()) / len(gold)
    return 0.0


def confidence(solved: Solved) -> float | None:
    """The confidence in [0, 1] that a prediction states, where it does."""
    value = solved.prediction.value
    for name in CONFIDENCES if isinstance(value, dict) else ():
        stated = value.get(name) if isinstance(value, dict) else None
        if isinstance(stated, int | float) and not isinstance(stated, bool) and 0 <= stated <= 1:
            return float(stated)
    return None


def _value(solved: Solved) -> JsonValue:
    return None if solved.prediction.error else solved.prediction.value


def _words(text: str) -> list[str]:
    """Words; the signs of a text in a script that parts no words."""
    folded = text.casefold()
    return list(folded) if any(sign >= FIRST_CJK for sign in folded) else folded.split()


def _bag_f1(gold: Sequence[str], found: Sequence[str]) -> float:
    common = (Counter(gold) & Counter(found)).total()
    return 2 * common / (len(gold) + len(found)) if common else 0.0
