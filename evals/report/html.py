"""The report as one HTML page that needs nothing else: no script, no other file, no other host.

Whatever comes from data passes through Jinja2's autoescaping; only the plots, which are made of
numbers, are markup.
"""

from __future__ import annotations

from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from evals.report import shapes
from evals.report.comparison import Verdict
from evals.report.content import FigureRow, Report
from evals.report.plots import (
    as_seconds,
    interval_strip,
    latency_ecdf,
    latency_histogram,
    reliability_plot,
)
from evals.report.quality import confidence
from evals.run_folder import Solved


def as_html(report: Report) -> str:
    """The whole page."""
    environment = Environment(
        loader=PackageLoader("evals.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=shapes.number,
        interval=shapes.interval,
        difference=shapes.difference,
        text=shapes.text_of,
        line=shapes.line_of,
        strip=_strip,
        percent=_percent,
        confidence=confidence,
        seconds=as_seconds,
    )
    style = (files("evals.report") / "templates" / "style.css").read_text("utf-8")
    return environment.get_template("page.html.j2").render(
        report=report,
        run=report.run,
        versus=report.versus,
        style=Markup(style),  # noqa: S704 - a file of this package
        plots=_plots(report),
        Verdict=Verdict,
    )


def _plots(report: Report) -> dict[str, Markup]:
    """The plots that there are data for."""
    plots: dict[str, Markup] = {}
    if report.calibration:
        plots["reliability"] = reliability_plot(report.calibration)
    if seconds := _seconds(report.run.solved):
        before = _seconds(report.versus.baseline.solved) if report.versus else []
        plots["histogram"] = latency_histogram(seconds)
        plots["ecdf"] = latency_ecdf(seconds, before)
    return plots


def _seconds(solved: tuple[Solved, ...]) -> list[float]:
    """Of the samples that were answered."""
    return [one.prediction.seconds for one in solved if one.prediction.error is None]


def _strip(row: FigureRow) -> Markup:
    """The figure on its scale; nothing where the scale's end isn't known."""
    top = shapes.top_of(row.name, row.figure)
    if top is None or row.figure.value is None:
        return Markup("")
    before = row.change.baseline if row.change else None
    return interval_strip(row.figure.value, row.figure.low, row.figure.high, top, before)


def _percent(row: FigureRow) -> str:
    """How much of its cell a figure's bar takes, as CSS."""
    top = shapes.top_of(row.name, row.figure)
    return "0%" if top is None else f"{100 * (row.figure.value or 0) / top:.1f}%"
