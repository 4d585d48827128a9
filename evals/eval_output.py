"""What `switchboard eval` prints of a run and of a comparison."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

from orchestrator.commands.output import note, put, put_table

if TYPE_CHECKING:
    from evals.compare import Comparison
    from evals.runner import Run

_ALL = "all"
_AVERAGES = ("micro", "macro")


def show_run(done: Run) -> None:
    """A run's figures: over all samples with intervals, by label, and by group."""
    put(f"{done.config['task']} ({done.config['solver']}): {len(done.samples)} samples")
    figures: Mapping[str, Any] = done.metrics["all"]
    by_label = any("/" in name for name in figures)
    headline = done.metrics["headline"]
    others = [name for name in figures if name != headline]
    single = [headline, *(name for name in others if not (by_label and _label_of(name)))]
    rows = [(name, *_with_interval(figures[name])) for name in single]
    rows += [
        (f"cost: {name}", *_with_interval(cost)) for name, cost in done.metrics["cost"].items()
    ]
    put_table(("figure", "value", "95 % interval"), rows, aligned=True)
    if by_label:
        _show_labels(done)
    if done.metrics["groups"]:
        _show_groups(done, single)


def show_comparison(compared: Comparison, title: str) -> None:
    """The headline, over all and by group, and whatever differs beyond the noise."""
    put(f"{title}: {compared.samples} samples in both runs")
    for run in compared.unfinished:
        put(run.sentence)
    headline = compared.changes[0].figure
    shown = [c for c in compared.changes if c.verdict != "noise" or c.figure == headline]
    put_table(
        ("", "figure", "before", "after", "difference", "95 % interval", ""),
        [
            (
                change.group,
                change.figure,
                number(change.before),
                number(change.after),
                f"{change.difference:+.4f}",
                f"{change.low:+.4f} – {change.high:+.4f}",
                "REGRESSED" if change.regressed else change.verdict,
            )
            for change in shown
        ],
        aligned=True,
    )
    if len(shown) < len(compared.changes):
        put(f"{len(compared.changes) - len(shown)} other figures differ within the noise")


def show_seeds(runs: Sequence[Run]) -> None:
    """Mean and standard deviation of each figure over runs that differ in their seeds."""
    seeds = ", ".join(str(run.config["seed"]) for run in runs)
    put(f"{runs[0].config['task']} ({runs[0].config['solver']}): mean of the seeds {seeds}")
    rows = [(name, number(average), number(spread)) for name, average, spread in over_seeds(runs)]
    put_table(("figure", "mean", "standard deviation"), rows, aligned=True)


def over_seeds(runs: Sequence[Run]) -> Iterator[tuple[str, float, float]]:
    """Name, mean and sample standard deviation of each figure that all runs have."""
    for name in runs[0].metrics["all"]:
        values = [run.metrics["all"].get(name, {}).get("value") for run in runs]
        if None not in values:
            yield name, mean(values), stdev(values)


def warn(done: Run) -> None:
    """Note what makes the figures say less than they seem to."""
    if done.bad_rows:
        first = done.bad_rows[0]
        note(
            f"rows that can't be read: {len(done.bad_rows):,}; the first is {first.file}, line "
            f"{first.line}: {first.reason}"
        )
    if done.unmatchable:
        id_, reason = next(iter(done.unmatchable.items()))
        note(
            f"golds that no prediction can match: {len(done.unmatchable):,}; the first is that of "
            f"{id_}: {reason}"
        )
    if done.errors:
        first_error = next(s.prediction.error for s in done.samples if s.prediction.error)
        note(f"samples that ended in an error: {done.errors:,}; the first: {first_error}")


def regressions(compared: Comparison) -> Iterator[str]:
    """Each regression as a sentence."""
    for change in compared.regressions:
        yield (
            f"{compared.task}: {change.name} went from {change.before:.4g} to {change.after:.4g}, "
            "worse beyond the noise"
        )


def number(value: float | None) -> str:
    """A figure as it is shown."""
    if value is None:
        return "none"
    return f"{value:.4f}" if abs(value) < 1000 else f"{value:,.0f}"


def _show_labels(done: Run) -> None:
    """Precision, recall and F1, or whatever there is of each label, a column each."""
    columns = list(
        dict.fromkeys(kind for name in done.metrics["all"] for kind, _ in _label_of(name))
    )
    rows = []
    for group, figures in [(_ALL, done.metrics["all"]), *_groups(done)]:
        found: dict[str, dict[str, str]] = {}
        for name, figure in figures.items():
            for kind, label in _label_of(name):
                found.setdefault(label, {})[kind] = number(figure["value"])
        # The averages below the labels that they are of.
        labels = sorted(found, key=lambda label: label in _AVERAGES)
        rows += [(group, label, *(found[label].get(k, "") for k in columns)) for label in labels]
    put_table(("", "label", *columns), rows, aligned=True)


def _show_groups(done: Run, names: Sequence[str]) -> None:
    """A row for each group, with the interval of the headline."""
    headline = done.metrics["headline"]
    others = [name for name in names if name != headline]
    sizes = Counter(f"{k}={v}" for one in done.samples for k, v in one.sample.groups.items())
    rows = [
        (
            group,
            str(sizes[group]),
            *(_with_interval(figures[headline]) if headline in figures else ("", "")),
            *(number(figures[name]["value"]) if name in figures else "" for name in others),
        )
        for group, figures in _groups(done)
    ]
    put_table(("group", "samples", headline, "95 % interval", *others), rows, aligned=True)


def _label_of(name: str) -> list[tuple[str, str]]:
    """The kind of figure and its label: f1/positive, or macro_f1; none where it is of neither."""
    kind, slash, label = name.partition("/")
    if slash:
        return [(kind, label)]
    average, underscore, kind = name.partition("_")
    return [(kind, average)] if underscore and average in _AVERAGES else []


def _groups(done: Run) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, values in done.metrics["groups"].items():
        for value, figures in values.items():
            yield f"{key}={value}", figures


def _with_interval(figure: Mapping[str, Any]) -> tuple[str, str]:
    low, high = figure.get("low"), figure.get("high")
    interval = "" if low is None or high is None else f"{number(low)} – {number(high)}"
    return number(figure["value"]), interval
