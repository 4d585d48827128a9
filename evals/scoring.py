"""From solved samples to figures with their intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from evals.metrics.bootstrap import Difference, Interval, bootstrap, paired_difference
from evals.metrics.classification import TellsConfusion
from evals.metrics.costs import COSTS_WHERE_HIGHER_IS_BETTER, cost_intervals
from evals.run_folder import RunError, Solved
from evals.task import EvalTask, Metric

ENOUGH_MOVERS = 24
"""More would tell nothing: by chance alone so many samples go one way once in ten millions."""
_MOST_TRIED = 500
_PAIRED_SEED = 0
"""Of the draws of a comparison, which belongs to neither of its runs."""


def score(task: EvalTask, solved: Sequence[Solved], *, seed: int) -> dict[str, Any]:
    """What metrics.json holds.

    {"headline", "samples", "lower_is_better", "all": {figure: {"value", "low", "high"}}, "groups":
    {group: {value: figures}}, "cost": figures, "confusion": {"labels", "counts"} or None}. `low`
    and `high` are a 95 % bootstrap interval's; the draws depend on the seed alone.

    Raises RunError where no metric gives the headline, MetricError where one can't read a value.
    """
    cost = cost_intervals([one.prediction for one in solved], seed)
    figures, lower_is_better = _figures(task, solved, seed)
    if task.headline not in figures:
        raise RunError(
            f"{task.name} has no figure {task.headline!r}, which is to be its headline; there are: "
            f"{', '.join(figures)}."
        )
    return {
        "headline": task.headline,
        "samples": len(solved),
        "lower_is_better": [*lower_is_better, *sorted(cost.keys() - COSTS_WHERE_HIGHER_IS_BETTER)],
        "all": _as_json(figures),
        "groups": {
            group: {value: _as_json(_figures(task, own, seed)[0]) for value, own in values.items()}
            for group, values in groups(solved).items()
        },
        "cost": _as_json(cost),
        "confusion": _confusion(task, solved),
    }


def groups(solved: Sequence[Solved]) -> dict[str, dict[str, list[Solved]]]:
    """The samples by the values of each group, in order."""
    found: dict[str, dict[str, list[Solved]]] = {}
    for one in solved:
        for group, value in one.sample.groups.items():
            found.setdefault(group, {}).setdefault(value, []).append(one)
    return {group: dict(sorted(values.items())) for group, values in sorted(found.items())}


@dataclass(frozen=True, slots=True)
class Paired:
    """A figure in two runs over the same samples; the difference is `after - before`.

    `movers` counts the samples that alone move the figure as all of them together do; they are
    counted up to ENOUGH_MOVERS, and only where the interval of the difference holds no zero.
    """

    before: float
    after: float
    difference: Difference
    higher_is_better: bool
    movers: int


def paired(
    task: EvalTask, before: Sequence[Solved], after: Sequence[Solved]
) -> Iterator[tuple[str, Paired]]:
    """Each figure that both runs have. Sample `i` is the same in both. Raises MetricError."""
    golds = [one.sample.gold for one in after]
    old, new = _values(before), _values(after)
    for metric in task.metrics:
        values = metric(golds, old)
        differences = paired_difference(metric, golds, old, new, _PAIRED_SEED)
        moved = {name: d.value for name, d in differences.items() if d.beyond_noise}
        movers = _movers(metric, golds, old, new, moved)
        for name, difference in differences.items():
            yield (
                name,
                Paired(
                    before=values[name],
                    after=values[name] + difference.value,
                    difference=difference,
                    higher_is_better=metric.higher_is_better,
                    movers=movers.get(name, 0),
                ),
            )


def _movers(
    metric: Metric,
    golds: Sequence[JsonValue],
    old: Sequence[JsonValue],
    new: Sequence[JsonValue],
    moved: Mapping[str, float],
) -> Counter[str]:
    """How many samples alone move each of the `moved` figures in its direction."""
    found: Counter[str] = Counter()
    values = metric(golds, old) if moved else {}
    changed = [i for i, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
    for i in changed[:_MOST_TRIED]:
        if all(found[name] >= ENOUGH_MOVERS for name in moved):
            break
        one_changed = metric(golds, [*old[:i], new[i], *old[i + 1 :]])
        for name, difference in moved.items():
            alone = one_changed.get(name, values[name]) - values[name]
            found[name] += alone * difference > 0
    return found


def _figures(
    task: EvalTask, solved: Sequence[Solved], seed: int
) -> tuple[dict[str, Interval], list[str]]:
    """The figures of all metrics, and which of them are better when they are lower."""
    golds, predictions = [one.sample.gold for one in solved], _values(solved)
    figures: dict[str, Interval] = {}
    lower_is_better: list[str] = []
    for metric in task.metrics:
        found = bootstrap(metric, golds, predictions, seed)
        figures |= found
        if not metric.higher_is_better:
            lower_is_better += found
    return figures, lower_is_better


def _values(solved: Sequence[Solved]) -> list[JsonValue]:
    """None for an error: what that costs is the metric's to say."""
    return [None if one.prediction.error else one.prediction.value for one in solved]


def _as_json(figures: Mapping[str, Interval]) -> dict[str, Any]:
    return {name: interval._asdict() for name, interval in figures.items()}


def _confusion(task: EvalTask, solved: Sequence[Solved]) -> dict[str, Any] | None:
    """Golds by rows and predictions by columns, where labels are told apart."""
    golds, predictions = [one.sample.gold for one in solved], _values(solved)
    told = (m.confusion(golds, predictions) for m in task.metrics if isinstance(m, TellsConfusion))
    found = next((matrix for matrix in told if matrix is not None), None)
    if found is None:
        return None
    labels = list(dict.fromkeys([*found.golds, *found.chosen]))
    counts = [[0] * len(labels) for _ in labels]
    for gold, row in zip(found.golds, found.rows, strict=True):
        for chosen, count in zip(found.chosen, row, strict=True):
            counts[labels.index(gold)][labels.index(chosen)] = count
    return {"labels": labels, "counts": counts}
