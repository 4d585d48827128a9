"""`switchboard eval`: what the tasks are, how good it is at them, and what has changed."""

from __future__ import annotations

from pathlib import Path
from statistics import mean
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
    from collections.abc import Iterator

    from evals.compare import Comparison
    from evals.runner import Run
    from evals.task import EvalTask

app = typer.Typer(
    help="Measure how good it is: list, run, compare, report, ablate.", no_args_is_help=True
)

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
                    "needs_data": task.default_data is None,
                    "data_form": task.data_form,
                    "solvers": ["switchboard", *task.baselines],
                }
                for task in tasks
            ]
        )
        return
    put_table(
        ("task", "what it measures", "headline", "solvers", "data"),
        [
            (
                task.name,
                task.summary,
                task.headline,
                ", ".join(["switchboard", *task.baselines]),
                "its own" if task.default_data else f"--data {task.data_form}".rstrip(),
            )
            for task in tasks
        ],
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
    seed: Annotated[int, typer.Option(min=0, help="For all that is drawn.")] = 0,
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
        str, typer.Option(help="switchboard, or a baseline, with ours beside it.")
    ] = "switchboard",
    seeds: Annotated[
        int, typer.Option(min=1, help="So many runs, each with the next seed, and their mean.")
    ] = 1,
    concurrency: Annotated[int, typer.Option(min=1, help="Samples at work at once.")] = 4,
    fail_under: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC=X",
            help="Exit with 1 where a figure is lower, or, where less is better (wer, costs), "
            "higher; repeatable.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run tasks and print their figures; exits with 1 below a bound, or on a regression."""
    from evals.eval_output import show_seeds
    from evals.runner import default_folder, run

    bounds = [_bound(text) for text in fail_under or ()]
    if url is not None and profile is not None:
        raise BadUsage("--profile is the service's own matter where it is asked by --url.")
    suffered: list[str] = []
    reports: list[dict[str, Any]] = []
    for task in _loaded(tasks, solver, data, baseline, seeds):
        root = default_folder(task.name, solver) if out is None else out
        if out is not None and len(set(tasks)) > 1:
            root = out / task.name
        runs: list[Run] = []
        for number in range(seed, seed + seeds):
            try:
                done = run(
                    task,
                    data=data,
                    out=root if seeds == 1 else root / f"seed-{number}",
                    limit=limit,
                    seed=number,
                    solver=solver,
                    way=url,
                    profile=profile,
                    concurrency=concurrency,
                    progress=not as_json,
                )
            except KeyboardInterrupt:
                note(f"what is done is kept in {root}; run the same with --out {root} to go on")
                raise
            runs.append(done)
            report, regressions = _finished(done, task, baseline, shown=not as_json)
            reports.append(report)
            suffered += regressions
        if len(runs) > 1 and not as_json:
            show_seeds(runs)
        suffered += _below(runs, bounds)
    if as_json:
        put_json({"runs": reports, "ok": not suffered})
    for line in suffered:
        note(line)
    if suffered:
        raise typer.Exit(FAILED)


@app.command("ablate")
def ablate_(
    data: Annotated[
        Path | None, typer.Option(help="Requests with plans; default: those of `routing`.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what each part of routing brings: plan without it, and without the LLM."""
    from dataclasses import asdict

    from evals.ablation import FIGURES, REQUESTS, ablate

    done = ablate(data or REQUESTS, note)
    if as_json:
        put_json([asdict(each) for each in done])
        return
    put_table(
        ("without", *FIGURES, "median"),
        [
            (
                each.without,
                *(f"{each.figures[n]:.3f}" if n in each.figures else "" for n in FIGURES),
                f"{each.median_ms:.1f} ms",
            )
            for each in done
        ],
    )


@app.command("compare")
def compare_(before: RunPath, after: RunPath, as_json: AsJson = False) -> None:
    """Compare two runs of a task, sample by sample; exits with 1 where the second is worse."""
    from evals.compare import compare
    from evals.eval_output import regressions, show_comparison

    compared = compare(before, after)
    if as_json:
        put_json(compared.as_json())
    else:
        show_comparison(compared, compared.task)
    for line in regressions(compared):
        note(line)
    if compared.regressions:
        raise typer.Exit(FAILED)


@app.command("report")
def report_(
    run: RunPath,
    baseline: Annotated[Path | None, typer.Option(help="A run to compare with.")] = None,
) -> None:
    """Write a run's report beside it: a page, Markdown and JSON."""
    from evals.report import write_report
    from evals.report.run_files import read_run

    page = write_report(run, baseline)
    for folder in (run, baseline):
        if folder is not None and (cut := read_run(folder).unfinished):
            note(cut.sentence)
    put(str(page))


def _loaded(
    names: list[str], solver: str, data: Path | None, baseline: Path | None, seeds: int
) -> list[EvalTask]:
    """The tasks, before any work. Raises BadUsage, RunError, UnknownTask."""
    from evals.run_folder import read_json
    from evals.runner import source_of
    from evals.task import OURS
    from evals.task_list import load_task

    tasks = [load_task(name) for name in dict.fromkeys(names)]
    if baseline is not None and len(tasks) > 1:
        raise BadUsage("--baseline is a run of one task; run one.")
    if baseline is not None and seeds > 1:
        raise BadUsage("--baseline is one run, and --seeds asks for several; choose one of them.")
    if baseline is not None and not (baseline / "config.json").is_file():
        raise BadUsage(f"There is no run in {baseline}.")
    for task in tasks:
        source_of(task, data)
        if baseline is not None:
            other = read_json(baseline / "config.json").get("task")
            if other != task.name:
                raise BadUsage(f"{baseline} is a run of {other}; name one of {task.name}.")
        known = [OURS, *task.baselines]
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


def _finished(
    done: Run, task: EvalTask, baseline: Path | None, *, shown: bool
) -> tuple[dict[str, Any], list[str]]:
    """A run as JSON, and what has suffered against the baseline; printed where `shown`."""
    from evals.compare import compare
    from evals.eval_output import regressions, show_comparison, show_run, warn
    from evals.task import OURS

    warn(done)
    compared = None if baseline is None else compare(baseline, done.folder, task=task)
    beside = []
    if shown:
        show_run(done)
    for other in done.beside:
        theirs, ours = (other, done) if done.config["solver"] == OURS else (done, other)
        difference = compare(theirs.folder, ours.folder, task=task)
        beside.append(_as_json(other, difference))
        if shown:
            show_run(other)
            show_comparison(difference, f"{OURS} against {theirs.config['solver']}")
    if shown:
        if compared is not None:
            show_comparison(compared, f"against {compared.before}")
        put(str(done.folder))
    report = _as_json(done, compared)
    report["beside"] = beside
    return report, [] if compared is None else list(regressions(compared))


def _below(runs: list[Run], bounds: list[tuple[str, float]]) -> Iterator[str]:
    """What is worse than its bound, as a mean of the runs. What could not be computed is."""
    from evals.eval_output import number

    for name, bound in bounds:
        values = [run.figure(name) for run in runs]
        known = [value for value in values if value is not None]
        value = mean(known) if len(known) == len(values) else None
        is_cost = name in runs[0].metrics["lower_is_better"]
        met = value is not None and (value <= bound if is_cost else value >= bound)
        if not met:
            side = "above" if is_cost else "below"
            yield f"{runs[0].config['task']}: {name} is {number(value)}, {side} {bound:g}"


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
