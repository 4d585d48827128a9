"""What a report tells, before it has a shape: HTML, Markdown and JSON are made of this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import JsonValue

from evals.metrics import Bin, reliability
from evals.metrics.forms import MetricError
from evals.report.comparison import Change, Verdict, changes
from evals.report.plots import quantile
from evals.report.quality import Measure, measure_of, moved, weakest_first
from evals.report.run_files import Confusion, Figure, Run
from evals.run_folder import Solved
from evals.task import EvalTask

if TYPE_CHECKING:
    from evals.compare import Comparison

WORST_SHOWN = 30
LARGEST_HEAT_MAP = 24
"""Labels in the heat map; of more, those with the most mistakes are shown."""
PAIRS_SHOWN = 12
FEWEST_FOR_CALIBRATION = 20
CALIBRATION_BINS = 10


@dataclass(frozen=True, slots=True)
class FigureRow:
    name: str
    figure: Figure
    change: Change | None


@dataclass(frozen=True, slots=True)
class Table:
    """Figures by row and column; None where a row has no such figure. `of` names what rows are."""

    of: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[FigureRow | None, ...]], ...]


@dataclass(frozen=True, slots=True)
class HeatMap:
    """A confusion matrix as shown.

    Attributes:
        confusion: the labels shown.
        labels_in_all: how many there are.
        pairs: the most frequent mistakes of all labels: gold, predicted, how often.
    """

    confusion: Confusion
    labels_in_all: int
    pairs: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds a sample, tokens a sample and the share that asked no LLM, over what was solved."""

    median_s: float
    p95_s: float
    mean_tokens: float
    no_llm_share: float


@dataclass(frozen=True, slots=True)
class Versus:
    """The comparison with a baseline.

    Attributes:
        paired: whether the figures were compared sample by sample, else by their intervals.
        differs: why the two can't be compared as they stand: another task, other data.
        changes: every figure that both have.
        fell, rose: ids of samples that came off worse than in the baseline, and better.
    """

    baseline: Run
    paired: bool
    differs: tuple[str, ...]
    changes: tuple[Change, ...]
    fell: tuple[str, ...]
    rose: tuple[str, ...]

    def of(self, verdict: Verdict) -> list[Change]:
        return [change for change in self.changes if change.verdict is verdict]

    @property
    def beyond_noise(self) -> list[Change]:
        """The worst news first."""
        return [
            change
            for verdict in (Verdict.REGRESSED, Verdict.WORSE, Verdict.BETTER)
            for change in self.of(verdict)
        ]


@dataclass(frozen=True, slots=True)
class Report:
    """Attributes: `weak` are the samples that drag the run down, the worst first: by what they
    cost the headline (`by_headline`), else by their likeness to the gold.
    """

    run: Run
    task: str
    summary: str
    by_headline: bool
    headline: FigureRow | None
    figures: tuple[FigureRow, ...]
    cost: tuple[FigureRow, ...]
    classes: Table | None
    groups: tuple[Table, ...]
    heat_map: HeatMap | None
    calibration: tuple[Bin, ...]
    speed: Speed | None
    errors: int
    weak: tuple[Solved, ...]
    versus: Versus | None

    @property
    def worst(self) -> tuple[Solved, ...]:
        return self.weak[:WORST_SHOWN]


def report_of(
    run: Run,
    baseline: Run | None = None,
    *,
    task: EvalTask | None = None,
    paired: Comparison | None = None,
) -> Report:
    """All that there is to tell of a run.

    Args:
        task: by whose headline samples are put in order; None: by their likeness to the gold.
        paired: the comparison with the baseline sample by sample, where there is one.
    """
    measure = measure_of(task, run.headline, run.solved)
    versus = _versus(run, baseline, measure, paired) if baseline else None
    known = {(one.group, one.figure): one for one in versus.changes} if versus else {}
    rows = {
        name: FigureRow(name, figure, known.get(("", name))) for name, figure in run.figures.items()
    }
    return Report(
        run=run,
        task=str(run.config.get("task") or run.dataset.get("name") or run.name),
        summary=task.summary if task else "",
        by_headline=measure is not None,
        headline=rows.get(run.headline or ""),
        figures=tuple(row for name, row in rows.items() if "/" not in name),
        cost=tuple(
            FigureRow(name, figure, known.get(("", name))) for name, figure in run.cost.items()
        ),
        classes=_class_table(rows),
        groups=tuple(_group_table(run, group, known) for group in run.groups),
        heat_map=_heat_map(run.confusion),
        calibration=_calibration(run.solved),
        speed=_speed(run.solved),
        errors=sum(one.prediction.error is not None for one in run.solved),
        weak=tuple(weakest_first(run.solved, measure)),
        versus=versus,
    )


def _versus(run: Run, baseline: Run, measure: Measure | None, paired: Comparison | None) -> Versus:
    differs: list[str] = []
    for what, ours, theirs in (
        ("task", run.config.get("task"), baseline.config.get("task")),
        ("data set", run.dataset.get("version"), baseline.dataset.get("version")),
        ("seed", run.config.get("seed"), baseline.config.get("seed")),
        ("limit", run.config.get("limit"), baseline.config.get("limit")),
    ):
        if ours != theirs:
            differs.append(f"{what} {_short(ours)}, the baseline's {_short(theirs)}")
    fell, rose = moved(baseline.solved, run.solved, measure)
    return Versus(
        baseline,
        paired is not None,
        tuple(differs),
        tuple(changes(run, baseline, paired)),
        tuple(fell),
        tuple(rose),
    )


def _short(value: JsonValue) -> str:
    return "none" if value is None else str(value)[:80]


def _class_table(rows: Mapping[str, FigureRow]) -> Table | None:
    """Of the figures called "f1/LABEL": a row for each label."""
    held: dict[str, dict[str, FigureRow]] = {}
    for name, row in rows.items():
        figure, slash, label = name.partition("/")
        if slash:
            held.setdefault(label, {})[figure] = row
    if not held:
        return None
    columns = tuple(dict.fromkeys(figure for cells in held.values() for figure in cells))
    return Table(
        "class",
        columns,
        tuple(
            (label, tuple(cells.get(column) for column in columns)) for label, cells in held.items()
        ),
    )


def _group_table(run: Run, group: str, known: Mapping[tuple[str, str], Change]) -> Table:
    """A row for each value of a group, the headline first; figures of single classes stand in the
    JSON alone."""
    values = run.groups[group]
    names = (name for figures in values.values() for name in figures if "/" not in name)
    columns = tuple(sorted(dict.fromkeys(names), key=lambda name: name != run.headline))
    return Table(
        group,
        columns,
        tuple(
            (
                value,
                tuple(
                    FigureRow(name, figures[name], known.get((f"{group}={value}", name)))
                    if name in figures
                    else None
                    for name in columns
                ),
            )
            for value, figures in values.items()
        ),
    )


def _heat_map(confusion: Confusion | None) -> HeatMap | None:
    if confusion is None or not confusion.labels:
        return None
    size = len(confusion.labels)
    mistakes = sorted(
        (
            (confusion.counts[gold][found], gold, found)
            for gold in range(size)
            for found in range(size)
            if gold != found and confusion.counts[gold][found]
        ),
        key=lambda mistake: (-mistake[0], mistake[1:]),
    )
    shown = list(range(size))
    if size > LARGEST_HEAT_MAP:
        missed = [0] * size
        for count, gold, found in mistakes:
            missed[gold] += count
            missed[found] += count
        most = sorted(shown, key=lambda label: -missed[label])[:LARGEST_HEAT_MAP]
        shown = sorted(most)
    return HeatMap(
        Confusion(
            labels=tuple(confusion.labels[label] for label in shown),
            counts=tuple(tuple(confusion.counts[gold][found] for found in shown) for gold in shown),
        ),
        size,
        tuple(
            (confusion.labels[gold], confusion.labels[found], count)
            for count, gold, found in mistakes[:PAIRS_SHOWN]
        ),
    )


def _calibration(solved: Sequence[Solved]) -> tuple[Bin, ...]:
    """Of the predictions that are a label with its score, where enough are."""
    answered = [one for one in solved if one.prediction.error is None]
    try:
        bins = reliability(
            [one.sample.gold for one in answered],
            [one.prediction.value for one in answered],
            CALIBRATION_BINS,
        )
    except MetricError:  # the task tells no labels apart
        return ()
    return tuple(bins) if sum(one.count for one in bins) >= FEWEST_FOR_CALIBRATION else ()


def _speed(solved: Sequence[Solved]) -> Speed | None:
    answered = [one.prediction for one in solved if one.prediction.error is None]
    if not answered:
        return None
    seconds = [one.seconds for one in answered]
    return Speed(
        quantile(seconds, 0.5),
        quantile(seconds, 0.95),
        sum(one.prompt_tokens + one.completion_tokens for one in answered) / len(answered),
        sum(one.llm_calls == 0 for one in answered) / len(answered),
    )
