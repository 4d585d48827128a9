"""The reports of a run's folder, as text and as files in it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.report.content import Report, report_of
from evals.report.document import as_document
from evals.report.markdown import as_markdown_text
from evals.report.run_files import ReportError, Run, read_run
from evals.task import OURS, EvalTask
from model_servers.contracts import SwitchboardError

if TYPE_CHECKING:
    from evals.compare import Comparison

PAGE, PULL_REQUEST, DOCUMENT = "report.html", "report.md", "report.json"


def write_report(
    run_dir: Path, baseline_dir: Path | None = None, *, task: EvalTask | None = None
) -> Path:
    """Write report.html, report.md and report.json into the run's folder; gives the page's path.

    Each is written whole or not at all. `task` is the runs' task where it is none of
    `evals/tasks`: its metrics put the samples in order and compare the two runs.

    Raises:
        ReportError: a folder holds no run, or can't be written.
    """
    report = _report(run_dir, baseline_dir, task)
    _write(run_dir / PULL_REQUEST, as_markdown_text(report))
    _write(run_dir / DOCUMENT, _json(report))
    return _write(run_dir / PAGE, _html(report))


def as_html(run_dir: Path, baseline_dir: Path | None = None) -> str:
    """One page that asks nobody for anything. Raises ReportError."""
    return _html(_report(run_dir, baseline_dir))


def as_markdown(run_dir: Path, baseline_dir: Path | None = None) -> str:
    """For a pull request. Raises ReportError."""
    return as_markdown_text(_report(run_dir, baseline_dir))


def as_json(run_dir: Path, baseline_dir: Path | None = None) -> str:
    """One document; what is no finite number is null. Raises ReportError."""
    return _json(_report(run_dir, baseline_dir))


def _report(run_dir: Path, baseline_dir: Path | None, task: EvalTask | None = None) -> Report:
    run = read_run(run_dir)
    task = task or _task_of(run)
    if baseline_dir is None and task is not None:
        # What was solved beside it, in the same run.
        beside = task.ran_beside(str(run.config.get("solver", OURS)))
        folders = (run_dir / name for name in beside)
        baseline_dir = next((path for path in folders if (path / "metrics.json").is_file()), None)
    if baseline_dir is None:
        return report_of(run, task=task)
    paired = _paired(baseline_dir, run_dir, task)
    return report_of(run, read_run(baseline_dir), task=task, paired=paired)


def _task_of(run: Run) -> EvalTask | None:
    """The run's task, where it is one of `evals/tasks`."""
    from evals.task_list import UnknownTask, load_task

    try:
        return load_task(str(run.config.get("task")))
    except UnknownTask:
        return None


def _paired(baseline_dir: Path, run_dir: Path, task: EvalTask | None) -> Comparison | None:
    """None where the runs can't be compared sample by sample: they share none, are of two tasks,
    or their task isn't here. The report tells that it compares by intervals then."""
    from evals.compare import compare

    try:
        return compare(baseline_dir, run_dir, task=task)
    except SwitchboardError:
        return None


def _html(report: Report) -> str:
    from evals.report.html import as_html as page

    return page(report)


def _json(report: Report) -> str:
    document = _finite(as_document(report))
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _write(file: Path, text: str) -> Path:
    beside = file.with_name(f".{file.name}.writing")
    try:
        # Half a surrogate pair, which JSON can hold and UTF-8 cannot, becomes a question mark.
        beside.write_bytes(text.encode("utf-8", "replace"))
        beside.replace(file)
    except OSError as error:
        raise ReportError(f"{file.name} can't be written: {error.strerror}.") from error
    return file


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return value
