"""A run beside a baseline: what differs, and whether by more than the noise."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from evals.report.run_files import Figure, Figures, Run

if TYPE_CHECKING:
    from evals.compare import Comparison


class Verdict(StrEnum):
    """`REGRESSED` is worse by the level that makes `eval run --baseline` fail; `WORSE` is beyond
    the noise of the figure alone, as one of twenty figures is by chance."""

    REGRESSED = "regressed"
    WORSE = "worse"
    BETTER = "better"
    NOISE = "within noise"
    UNKNOWN = "no interval"


@dataclass(frozen=True, slots=True)
class Change:
    """How a figure differs from the baseline's.

    Attributes:
        group: "" over all samples, else as "lang=zh".
        low, high: the 95 % interval of the difference; None where either has no interval.
    """

    group: str
    figure: str
    ours: float
    baseline: float
    low: float | None
    high: float | None
    verdict: Verdict

    @property
    def difference(self) -> float:
        return self.ours - self.baseline


def changes(run: Run, baseline: Run, paired: Comparison | None) -> list[Change]:
    """Every figure that both runs have: over all samples, by group, and the costs.

    The metrics' figures are as compared sample by sample, where they could be; the others go by
    the intervals of both.
    """
    costs = list(_by_intervals("", run.cost, baseline.cost, run.lower_is_better))
    if paired:
        return list(_paired(paired)) + costs
    compared = [("", run.figures, baseline.figures)] + [
        (f"{group}={value}", figures, baseline.groups.get(group, {}).get(value, {}))
        for group, values in run.groups.items()
        for value, figures in values.items()
    ]
    return [
        change
        for group, ours, others in compared
        for change in _by_intervals(group, ours, others, run.lower_is_better)
    ] + costs


def difference_interval(ours: Figure, baseline: Figure) -> tuple[float, float] | None:
    """The interval of `ours - baseline` from the intervals of both, taken as independent.

    On the same samples the two go together, so that the interval is rather too wide: what it
    calls a change is one. Formula: MOVER, Zou and Donner, "Construction of confidence limits
    about effect measures", Statistics in Medicine 27 (2008), equation 6.
    """
    a, a_low, a_high = ours.value, ours.low, ours.high
    b, b_low, b_high = baseline.value, baseline.low, baseline.high
    if a is None or a_low is None or a_high is None:
        return None
    if b is None or b_low is None or b_high is None:
        return None
    return (
        a - b - math.hypot(a - a_low, b_high - b),
        a - b + math.hypot(a_high - a, b - b_low),
    )


def _paired(paired: Comparison) -> Iterator[Change]:
    verdicts = {"better": Verdict.BETTER, "worse": Verdict.WORSE, "noise": Verdict.NOISE}
    for one in paired.changes:
        if not math.isfinite(one.before) or not math.isfinite(one.after):
            continue
        verdict = Verdict.REGRESSED if one.regressed else verdicts[one.verdict]
        yield Change(one.group, one.figure, one.after, one.before, one.low, one.high, verdict)


def _by_intervals(
    group: str, ours: Figures, others: Figures, lower_is_better: frozenset[str]
) -> Iterator[Change]:
    for name, figure in ours.items():
        other = others.get(name)
        if other is None or figure.value is None or other.value is None:
            continue
        low, high = difference_interval(figure, other) or (None, None)
        if low is None or high is None:
            verdict = Verdict.UNKNOWN
        elif low <= 0 <= high:
            verdict = Verdict.NOISE
        else:
            less = high < 0
            verdict = Verdict.BETTER if less == (name in lower_is_better) else Verdict.WORSE
        yield Change(group, name, figure.value, other.value, low, high, verdict)
