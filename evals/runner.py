"""Runs a task: each sample through the public way in, kept as it is done, then the figures."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from evals.datasets import limited
from evals.environment import environment
from evals.run_folder import RunError, RunFolder, Solved, dataset_facts, open_folder
from evals.scoring import score
from evals.task import OURS, BadRow, Dataset, EvalTask, Prepares, Sample, Solve, Way
from evals.task_list import load_task
from evals.watched import predict
from evals.ways import ByUrl, ServiceGone, Traced, open_in_process, settings_for
from model_servers.contracts import SwitchboardError
from orchestrator.commands.counted_bar import CountedBar

CONCURRENCY = 4
FIGURES = "metrics.json"


class TaskBroken(SwitchboardError):
    """A task's own code failed, which is no fault of what it measures."""

    code = "task_broken"


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run.

    Attributes:
        folder: where all of it is kept.
        metrics: what metrics.json holds: "headline", "all", "groups", "cost".
        errors: how many samples the solver gave an error for.
        unmatchable: why no prediction can match a sample's gold, by the sample's id.
        beside: the same samples solved by the task's baselines that cost next to nothing; where a
            baseline ran, by ours.
    """

    folder: Path
    config: Mapping[str, Any]
    metrics: Mapping[str, Any]
    samples: tuple[Solved, ...]
    bad_rows: tuple[BadRow, ...]
    unmatchable: Mapping[str, str]
    beside: tuple[Run, ...] = ()

    @property
    def errors(self) -> int:
        return sum(solved.prediction.error is not None for solved in self.samples)

    def figure(self, name: str) -> float | None:
        """A figure over all samples, or a cost; None where it is no number. Raises RunError."""
        known = {**self.metrics["cost"], **self.metrics["all"]}
        if name not in known:
            raise RunError(f"There is no figure {name!r} here; there are: {', '.join(known)}.")
        value: float | None = known[name]["value"]
        return value


def run(
    task: EvalTask | str,
    *,
    data: Path | str | None = None,
    out: Path | str | None = None,
    limit: int | None = None,
    seed: int = 0,
    solver: str = OURS,
    way: Way | str | None = None,
    profile: str | None = None,
    concurrency: int = CONCURRENCY,
    progress: bool = False,
) -> Run:
    """Run a task to its figures; a folder with an interrupted run of the same is gone on with.

    Args:
        task: a task, or the name of one in `evals/tasks`.
        data: the folder or file that the task reads; the task's own where None.
        out: the run's folder; a new one below `runs` where None.
        limit: so many samples at most, drawn with `seed`, of every label and group by its share.
        solver: "switchboard", or one of the task's baselines; ours runs after a baseline, on the
            same samples.
        way: a way in, or the URL of a running service; None opens a service in this process, on a
            home of the run's own.
        profile: of the service in this process.
        concurrency: samples at work at once.
        progress: whether to show a bar on a terminal.

    Raises:
        RunError: there is nothing to run, or the folder can't be used (RunInUse, RunMismatch).
        ServiceGone: the service went away; what is done is kept.
        TaskBroken: the task's own code failed.
        SwitchboardError: what the task's `load`, a solver's `prepare`, or opening the service
            raises.
    """
    return asyncio.run(
        run_async(
            task,
            data=data,
            out=out,
            limit=limit,
            seed=seed,
            solver=solver,
            way=way,
            profile=profile,
            concurrency=concurrency,
            progress=progress,
        )
    )


async def run_async(
    task: EvalTask | str,
    *,
    data: Path | str | None = None,
    out: Path | str | None = None,
    limit: int | None = None,
    seed: int = 0,
    solver: str = OURS,
    way: Way | str | None = None,
    profile: str | None = None,
    concurrency: int = CONCURRENCY,
    progress: bool = False,
) -> Run:
    """`run`, where an event loop runs already."""
    task = load_task(task) if isinstance(task, str) else task
    alone = partial(
        _run_alone,
        task,
        data=source_of(task, data),
        limit=limit,
        seed=seed,
        way=way,
        profile=profile,
        concurrency=concurrency,
        progress=progress,
    )
    path = Path(out) if out is not None else default_folder(task.name, solver)
    done = await alone(solver, path)
    others = [await alone(name, path / name) for name in task.ran_beside(solver)]
    return replace(done, beside=tuple(others))


async def _run_alone(
    task: EvalTask,
    solver: str,
    path: Path,
    *,
    data: Path,
    limit: int | None,
    seed: int,
    way: Way | str | None,
    profile: str | None,
    concurrency: int,
    progress: bool,
) -> Run:
    """One solver's run, with nothing beside it. Raises as `run` does."""
    solve = _solver(task, solver)
    dataset = await asyncio.to_thread(task.load, data, seed)
    chosen = choose(dataset, limit, seed)
    unmatchable = _unmatchable(task, chosen)
    config = _config(task, dataset, solver, way, profile, limit=limit, seed=seed)
    with open_folder(path, config) as folder:
        if not (path / "environment.json").exists():
            own = settings_for(Path(), profile) if way is None else None
            folder.write("environment.json", environment(concurrency=concurrency, service=own))
        folder.write("dataset.json", dataset_facts(dataset, chosen, unmatchable))
        todo = [sample for sample in chosen if sample.id not in folder.done]
        if todo:
            if isinstance(solve, Prepares):
                await solve.prepare()
            with CountedBar(task.name, wanted=progress) as bar:
                async with _opened(way, path / "service", profile, solver) as opened:
                    await _solve_all(todo, solve, opened, folder, at_once=concurrency, bar=bar)
        solved = tuple(folder.done[sample.id] for sample in chosen)
        metrics = await asyncio.to_thread(score, task, solved, seed=seed)
        folder.write(FIGURES, metrics)
    return Run(path, config, metrics, solved, dataset.bad_rows, unmatchable)


def source_of(task: EvalTask, data: Path | str | None) -> Path:
    """Where a run's data is. Raises RunError where the task brings none, or there is none."""
    source = Path(data) if data is not None else task.default_data
    if source is None:
        form = f": {task.data_form}" if task.data_form else ""
        raise RunError(f"{task.name} brings no data; say where it is with --data{form}.")
    if not source.exists():
        raise RunError(f"There is no data in {source}.")
    return source


def choose(dataset: Dataset, limit: int | None, seed: int) -> tuple[Sample, ...]:
    """The samples of a run, in the data's order; of a limit, every label and group by its share,
    and a larger one adds to what a smaller one drew. Raises RunError where there are none, or where
    two have the same id."""
    samples = dataset.samples
    if not samples:
        raise RunError(f"{dataset.name} has no samples; {len(dataset.bad_rows)} rows are bad.")
    id_, count = Counter(sample.id for sample in samples).most_common(1)[0]
    if count > 1:
        raise RunError(f"{dataset.name} has {count} samples with the id {id_!r}.")
    return samples if limit is None else limited(dataset, limit, seed).samples


def default_folder(task: str, solver: str) -> Path:
    """A new folder's name, by the time."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    return Path("runs") / f"{task}-{solver}-{now}"


def _solver(task: EvalTask, name: str) -> Solve:
    if name == OURS:
        return task.solve
    if name not in task.baselines:
        known = ", ".join([OURS, *task.baselines])
        raise RunError(f"{task.name} has no solver {name!r}; there are: {known}.")
    return task.baselines[name]


def _unmatchable(task: EvalTask, samples: Sequence[Sample]) -> dict[str, str]:
    if task.unmatchable is None:
        return {}
    reasons = {sample.id: task.unmatchable(sample) for sample in samples}
    return {id_: reason for id_, reason in reasons.items() if reason is not None}


def _config(
    task: EvalTask,
    dataset: Dataset,
    solver: str,
    way: Way | str | None,
    profile: str | None,
    *,
    limit: int | None,
    seed: int,
) -> dict[str, Any]:
    """All that the figures are to depend on. No paths: reports are shown to others."""
    config: dict[str, Any] = {
        "task": task.name,
        "task_version": task.version,
        "headline": task.headline,
        "dataset": dataset.name,
        "dataset_version": dataset.version,
        "solver": solver,
        "limit": limit,
        "seed": seed,
        "service": "in process",
    }
    if isinstance(way, str):
        config["service"] = way
    elif way is not None:
        config["service"] = str(getattr(way, "name", type(way).__name__))
    else:
        from orchestrator.chat_models import chat_model_of

        settings = settings_for(Path(), profile)
        config["profile"] = settings.profile
        config["chat_model"] = chat_model_of(settings)
    return config


@asynccontextmanager
async def _opened(
    way: Way | str | None, home: Path, profile: str | None, solver: str
) -> AsyncIterator[Way]:
    """The way in; one that is given stays open."""
    if way is None:
        async with open_in_process(settings_for(home, profile, patient=solver != OURS)) as own:
            yield own
    elif isinstance(way, str):
        from orchestrator.settings import get_settings

        settings = get_settings()
        key = settings.api_key.get_secret_value() if settings.api_key else None
        async with ByUrl(way, api_key=key, timeout_s=settings.request_timeout_s) as remote:
            await remote.check()
            yield remote
    else:
        yield way


async def _solve_all(
    samples: Sequence[Sample],
    solve: Solve,
    way: Way,
    folder: RunFolder,
    *,
    at_once: int,
    bar: CountedBar,
) -> None:
    """Solve the samples, so many at once, and keep each as it is done.

    After a failure no more are begun, and those under way are let finish.
    """
    waiting = iter(samples)
    total = len(folder.done) + len(samples)
    errors = sum(solved.prediction.error is not None for solved in folder.done.values())
    failures: list[SwitchboardError] = []

    def show() -> None:
        bar.show(len(folder.done), total, f"{errors:,} errors" if errors else "")

    async def work() -> None:
        nonlocal errors
        for sample in waiting:
            try:
                solved = await _solved(sample, solve, way)
                folder.add(solved)
            except SwitchboardError as error:
                failures.append(error)
            if failures:
                return
            errors += solved.prediction.error is not None
            show()

    show()
    workers = [asyncio.create_task(work()) for _ in range(min(at_once, len(samples)))]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    if failures and isinstance(failures[0], ServiceGone):
        raise ServiceGone(
            f"{failures[0].message} {len(folder.done)} of {total} samples are done and kept in "
            f"{folder.path}; run the same with --out {folder.path} to go on."
        )
    if failures:
        raise failures[0]


async def _solved(sample: Sample, solve: Solve, way: Way) -> Solved:
    try:
        prediction = await predict(sample, solve, way)
        trace = None
        if prediction.trace_id is not None and isinstance(way, Traced):
            trace = await way.trace(prediction.trace_id)
    except SwitchboardError:
        raise
    except Exception as error:
        raise TaskBroken(
            f"The task's code failed on sample {sample.id!r}: {type(error).__name__}: {error}."
        ) from error
    return Solved(sample, prediction, trace)
