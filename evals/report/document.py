"""The report as one JSON document, for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from evals.report.comparison import Change
from evals.report.content import Report
from evals.report.run_files import Figures
from evals.run_folder import Solved

FORMAT = 1
"""Raised when a field changes its meaning or goes."""


def as_document(report: Report) -> dict[str, Any]:
    """All figures, whole; of the samples the worst, as the page shows them."""
    run, versus = report.run, report.versus
    return {
        "format": FORMAT,
        "task": report.task,
        "run": run.name,
        "headline": run.headline,
        "samples": len(run.solved),
        "unfinished": asdict(run.unfinished) if run.unfinished else None,
        "errors": report.errors,
        "figures": _figures(run.figures),
        "groups": {
            group: {value: _figures(figures) for value, figures in values.items()}
            for group, values in run.groups.items()
        },
        "cost": _figures(run.cost),
        "speed": asdict(report.speed) if report.speed else None,
        "confusion": run.confusion.model_dump(mode="json") if run.confusion else None,
        "calibration": [asdict(one) for one in report.calibration],
        "comparison": None
        if versus is None
        else {
            "baseline": versus.baseline.name,
            "differs": list(versus.differs),
            "changes": [_change(change) for change in versus.changes],
            "fell": list(versus.fell),
            "rose": list(versus.rose),
        },
        "worst": [_solved(one) for one in report.worst],
        "bad_rows": [row.model_dump() for row in run.bad_rows],
        "unmatchable": dict(run.unmatchable),
        "config": dict(run.config),
        "environment": dict(run.environment),
        "dataset": {name: run.dataset.get(name) for name in ("name", "version")},
    }


def _figures(figures: Figures) -> dict[str, Any]:
    return {name: figure.model_dump() for name, figure in figures.items()}


def _change(change: Change) -> dict[str, Any]:
    return asdict(change) | {"difference": change.difference}


def _solved(one: Solved) -> dict[str, Any]:
    return {"sample": one.sample.model_dump(), "prediction": one.prediction.model_dump()}
