"""Two runs over the same samples: what differs, and whether by more than the noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any, Literal

from evals.run_folder import RunError, Solved, Unfinished, read_json, read_samples, unfinished
from evals.scoring import Paired, paired
from evals.task import EvalTask
from evals.task_list import load_task

Verdict = Literal["better", "worse", "noise"]

_LEVEL = 0.05
_Z = NormalDist().inv_cdf(1 - _LEVEL / 2)


@dataclass(frozen=True, slots=True)
class Change:
    """How a figure differs between two runs.

    Attributes:
        group: "" over all samples, or as "domain=movie".
        difference: `after - before`; `low` and `high` are its 95 % interval, paired by sample.
        verdict: "noise" where the interval holds zero, or too few samples moved the figure.
        regressed: worse beyond the noise of all the figures together.
    """

    group: str
    figure: str
    before: float
    after: float
    difference: float
    low: float
    high: float
    verdict: Verdict
    regressed: bool

    @property
    def name(self) -> str:
        return f"{self.figure} ({self.group})" if self.group else self.figure


@dataclass(frozen=True, slots=True)
class Comparison:
    """`changes` of all figures, the headline first; `samples` are those that both runs solved, and
    `unfinished` those of the two runs that have not solved all of theirs."""

    before: str
    after: str
    task: str
    samples: int
    changes: tuple[Change, ...]
    unfinished: tuple[Unfinished, ...] = ()

    @property
    def regressions(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.regressed)

    def as_json(self) -> dict[str, Any]:
        return {
            "before": self.before,
            "after": self.after,
            "task": self.task,
            "samples": self.samples,
            "unfinished": [asdict(run) for run in self.unfinished],
            "changes": [asdict(change) for change in self.changes],
            "regressions": [change.name for change in self.regressions],
        }


def compare(before: Path, after: Path, *, task: EvalTask | None = None) -> Comparison:
    """Compare the run `after` with its baseline `before`, on the samples that both solved.

    The headline has regressed where its 95 % interval lies on the worse side. Of the many other
    figures one in twenty would do so by chance: theirs are held to Bonferroni's stricter level,
    0.05 over their number, with the interval widened as for a normal distribution. Whatever the
    interval says, as many samples must have moved a figure as a sign test of that level needs.

    Raises RunError where they are runs of different tasks, or share no sample, and UnknownTask.
    """
    configs = [read_json(run / "config.json") for run in (before, after)]
    names = [str(config.get("task")) for config in configs]
    if names[0] != names[1]:
        raise RunError(f"{before} is a run of {names[0]}, and {after} one of {names[1]}.")
    task = task or load_task(names[1])
    old, new_ones = ({s.sample.id: s for s in read_samples(run)} for run in (before, after))
    cut = [unfinished(before, len(old)), unfinished(after, len(new_ones))]
    pairs = [
        (old[new.sample.id], new)
        for new in new_ones.values()
        if new.sample.id in old and old[new.sample.id].sample.gold == new.sample.gold
    ]
    if not pairs:
        raise RunError(f"{before} and {after} have no sample in common; nothing can be compared.")
    pairs.sort(key=lambda pair: pair[0].sample.id)
    found = [
        (group, figure, difference)
        for group, members in _grouped(pairs)
        for figure, difference in paired(task, *zip(*members, strict=True))
    ]
    found.sort(key=lambda one: (one[0] != "" or one[1] != task.headline, one[0] != ""))
    changes = tuple(_change(task, *one, figures=len(found)) for one in found)
    told = tuple(run for run in cut if run is not None)
    return Comparison(before.name, after.name, task.name, len(pairs), changes, told)


Pairs = Sequence[tuple[Solved, Solved]]


def _by_signs(found: Paired, level: float) -> bool:
    """Whether enough samples go one way for a sign test, even if none went the other.

    A bootstrap of a handful of samples finds no noise where all of them changed alike.
    """
    return 2 * 0.5**found.movers <= level


def _grouped(pairs: Pairs) -> list[tuple[str, Pairs]]:
    groups: dict[str, list[tuple[Solved, Solved]]] = {}
    for pair in pairs:
        for key, value in pair[1].sample.groups.items():
            groups.setdefault(f"{key}={value}", []).append(pair)
    return [("", pairs), *groups.items()]


def _change(task: EvalTask, group: str, figure: str, found: Paired, *, figures: int) -> Change:
    low, high = found.difference.low, found.difference.high
    sign = 1 if found.higher_is_better else -1
    gain = sign * found.difference.value
    best = max(sign * low, sign * high)
    told_from_chance = found.difference.beyond_noise and _by_signs(found, _LEVEL)
    worse = told_from_chance and gain < 0
    regressed = worse
    if worse and (group, figure) != ("", task.headline):
        level = _LEVEL / figures
        stricter = NormalDist().inv_cdf(1 - level / 2) / _Z
        regressed = gain + stricter * (best - gain) < 0 and _by_signs(found, level)
    return Change(
        group=group,
        figure=figure,
        before=found.before,
        after=found.after,
        difference=found.difference.value,
        low=low,
        high=high,
        verdict="worse" if worse else "better" if told_from_chance else "noise",
        regressed=regressed,
    )
