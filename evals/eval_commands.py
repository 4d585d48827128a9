"""`switchboard eval`: what the tasks are, how good it is at them, and what has changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.commands.output import (
    FAILED,
    BadUsage,
    note,
    put,
    put_json,
    put_table,
    suggestion,
)
from orchestrator.settings import Profile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evals.compare import Comparison
    from evals.runner import Run
    from evals.task import EvalTask

app = typer.Typer(help="Measure how good it is: list, run, compare, report.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON value on stdout.")]
RunPath = Annotated[Path, typer.Argument(help="A run's folder.", show_default=False)]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Show the tasks."""
    from evals.task_list import load_task, task_names

    tasks = [load_task(name) for name in task_names()]
    if as_json:
        put_json(
            [
                {
                    "name": task.name,
                    "version": task.version,
                    "summary": task.summary,
                    "headline": task.headline,
                    "solvers": ["switchboard", *task.baselines],
                }
                for task in tasks
            ]
        )
        return
    put_table(
        ("task", "what it measures", "headline", "solvers"),
        [(t.name, t.summary, t.headline, ", ".join(["switchboard", *t.baselines])) for t in tasks],
    )


@app.command("run")
def run_(
    tasks: Annotated[list[str], typer.Argument(metavar="TASK…", show_default=False)],
    *,
    data: Annotated[
        Path | None, typer.Option(help="The folder or file that the task reads.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="So many samples at most, drawn with the seed.")
    ] = None,
    seed: Annotated[int, typer.Option(help="For all that is drawn.")] = 0,
    profile: Annotated[Profile | None, typer.Option(help="Of the service in this process.")] = None,
    url: Annotated[
        str | None, typer.Option("--url", help="A running service to ask instead.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The run's folder; an interrupted run there goes on."),
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="A run to compare with; a regression exits with 1.")
    ] = None,
    solver: Annotated[
        str, typer.Option(help="switchboard, or one of the task's baselines.")
    ] = "switchboard",
    concurrency: Annotated[int, typer.Option(min=1, help="Samples at work at once.")] = 4,
    fail_under: Annotated[
        list[str] | None,
        typer.Option(metavar="METRIC=X", help="Exit with 1 where a figure is lower; repeatable."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run tasks and print their figures; exits with 1 below a bound, or on a regression."""
    from evals.compare import compare
    from evals.runner import default_folder, run

    bounds = [_bound(text) for text in fail_under or ()]
    if url is not None and profile is not None:
        raise BadUsage("--profile is the service's own matter where it is asked by --url.")
    loaded = _loaded(tasks, solver, baseline)
    suffered: list[str] = []
    reports: list[dict[str, Any]] = []
    for task in loaded:
        folder = default_folder(task.name, solver) if out is None else out
        if out is not None and len(loaded) > 1:
            folder = out / task.name
        try:
            done = run(
                task,
                data=data,
                out=folder,
                limit=limit,
                seed=seed,
                solver=solver,
                way=url,
                profile=profile,
                concurrency=concurrency,
                progress=not as_json,
            )
        except KeyboardInterrupt:
            note(f"what is done is kept in {folder}; run the same with --out {folder} to go on")
            raise
        _warn(done)
        compared = compare(baseline, done.folder, task=task) if baseline is not None else None
        suffered += _below(done, bounds)
        if compared is not None:
            suffered += [_told(compared, change) for change in compared.regressions]
        reports.append(_as_json(done, compared))
        if not as_json:
            _show(done, compared)
    if as_json:
        put_json({"runs": reports, "ok": not suffered})
    for line in suffered:
        note(line)
    if suffered:
        raise typer.Exit(FAILED)


@app.command("compare")
def compare_(before: RunPath, after: RunPath, as_json: AsJson = False) -> None:
    """Compare two runs of a task, sample by sample; exits with 1 where the second is worse."""
    from evals.compare import compare

    compared = compare(before, after)
    if as_json:
        put_json(compared.as_json())
    else:
        put(f"{compared.task}: {compared.samples} samples in both runs")
        _show_changes(compared)
    for change in compared.regressions:
        note(_told(compared, change))
    if compared.regressions:
        raise typer.Exit(FAILED)


@app.command("report")
def report_(
    run: RunPath,
    baseline: Annotated[Path | None, typer.Option(help="A run to compare with.")] = None,
) -> None:
    """Write a run's report beside it: a page, Markdown and JSON."""
    from evals.report import write_report

    put(str(write_report(run, baseline)))


def _loaded(names: list[str], solver: str, baseline: Path | None) -> list[EvalTask]:
    """The tasks, before any work. Raises BadUsage, UnknownTask."""
    from evals.task_list import load_task

    tasks = [load_task(name) for name in dict.fromkeys(names)]
    if baseline is not None and len(tasks) > 1:
        raise BadUsage("--baseline is a run of one task; run one.")
    if baseline is not None and not (baseline / "config.json").is_file():
        raise BadUsage(f"There is no run in {baseline}.")
    for task in tasks:
        known = ["switchboard", *task.baselines]
        if solver not in known:
            raise BadUsage(f"{task.name} has no solver {solver!r}; {suggestion(solver, known)}")
    return tasks


def _bound(text: str) -> tuple[str, float]:
    name, equals, value = text.rpartition("=")
    try:
        if equals and name:
            return name, float(value)
    except ValueError:
        pass
    raise BadUsage(f"--fail-under is METRIC=NUMBER, as in macro_f1=0.8; {text!r} is not.")


def _below(done: Run, bounds: list[tuple[str, float]]) -> Iterator[str]:
    """What is worse than its bound. A figure that could not be computed is."""
    lower_is_better = done.metrics["lower_is_better"]
    for name, bound in bounds:
        value = done.figure(name)
        is_cost = name in lower_is_better
        met = value is not None and (value <= bound if is_cost else value >= bound)
        if not met:
            side = "above" if is_cost else "below"
            yield f"{done.config['task']}: {name} is {_number(value)}, {side} {bound:g}"


def _warn(done: Run) -> None:
    """What makes the figures say less than they seem to."""
    if done.bad_rows:
        first = done.bad_rows[0]
        note(
            f"{len(done.bad_rows)} rows can't be read; the first is {first.file}, line "
            f"{first.line}: {first.reason}"
        )
    if done.unmatchable:
        id_, reason = next(iter(done.unmatchable.items()))
        note(
            f"{len(done.unmatchable)} golds can be matched by no prediction; the first is that "
            f"of {id_}: {reason}"
        )
    if done.errors:
        first_error = next(s.prediction.error for s in done.samples if s.prediction.error)
        note(f"{done.errors} samples ended in an error; the first: {first_error}")


def _told(compared: Comparison, change: Any) -> str:
    return (
        f"{compared.task}: {change.name} went from {change.before:.4g} to {change.after:.4g}, "
        "worse beyond the noise"
    )


def _as_json(done: Run, compared: Comparison | None) -> dict[str, Any]:
    return {
        "task": done.config["task"],
        "folder": str(done.folder),
        "config": done.config,
        "samples": len(done.samples),
        "errors": done.errors,
        "bad_rows": len(done.bad_rows),
        "unmatchable": len(done.unmatchable),
        "metrics": done.metrics,
        "comparison": compared.as_json() if compared is not None else None,
    }


def _show(done: Run, compared: Comparison | None) -> None:
    put(f"{done.config['task']} ({done.config['solver']}): {len(done.samples)} samples")
    rows = [*_rows("", done.metrics["all"])]
    for key, values in done.metrics["groups"].items():
        for value, figures in values.items():
            rows += _rows(f"{key}={value}", figures)
    rows += _rows("cost", done.metrics["cost"])
    put_table(("", "figure", "value", "95 % interval"), rows, aligned=True)
    if compared is not None:
        put(f"against {compared.before}: {compared.samples} samples in both runs")
        _show_changes(compared)
    put(str(done.folder))


def _rows(group: str, figures: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    for name, figure in figures.items():
        low, high = figure.get("low"), figure.get("high")
        interval = "" if low is None or high is None else f"{_number(low)} – {_number(high)}"
        yield group, name, _number(figure["value"]), interval


def _show_changes(compared: Comparison) -> None:
    """The headline, over all and by group, and whatever differs beyond the noise."""
    headline = compared.changes[0].figure
    shown = [c for c in compared.changes if c.verdict != "noise" or c.figure == headline]
    put_table(
        ("", "figure", "before", "after", "difference", "95 % interval", ""),
        [
            (
                change.group,
                change.figure,
                _number(change.before),
                _number(change.after),
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


def _number(value: float | None) -> str:
    if value is None:
        return "none"
    return f"{value:.4f}" if abs(value) < 1000 else f"{value:,.0f}"
