"""The report for a pull request: a short table of figures, the rest folded away."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from evals.report.comparison import Change, Verdict
from evals.report.content import FigureRow, Report, Table
from evals.report.plots import as_seconds
from evals.report.shapes import difference, interval, line_of, number

SIGNS = {
    Verdict.REGRESSED: "🔴 regressed",
    Verdict.BETTER: "🟢 better",
    Verdict.WORSE: "🟠 worse",
    Verdict.NOISE: "within noise",
    Verdict.UNKNOWN: "no interval",
}
WORST_IN_MARKDOWN = 10
LONGEST_TABLE = 60
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$:])")


def as_markdown_text(report: Report) -> str:
    """GitHub's Markdown, short enough for a comment or a job's summary."""
    run, versus = report.run, report.versus
    parts = [f"## {inert(report.task)}: {_state(report)}", _facts(report)]
    if run.unfinished:
        parts.append(f"**{inert(run.unfinished.sentence)}**")
    if report.figures:
        parts.append(_figures(report.figures, versus is not None))
    if versus and versus.differs:
        parts.append("\n".join(f"- not as the baseline: {inert(one)}" for one in versus.differs))
    if versus:
        beyond = versus.beyond_noise
        parts.append(_folded(f"Beyond the noise: {len(beyond)} figures", _beyond(beyond)))
    if report.classes:
        parts.append(_folded("By class", _grid(report.classes)))
    parts += [_folded(f"By {inert(table.of)}", _grid(table)) for table in report.groups]
    parts.append(_folded("Worst samples", _worst(report)))
    bad = (f"{inert(row.file)}, line {row.line}: {inert(row.reason)}" for row in run.bad_rows[:20])
    parts.append(_folded(f"Rows that could not be read: {len(run.bad_rows)}", _list(bad)))
    return "\n\n".join(part for part in parts if part) + "\n"


def inert(text: object, longest: int = 160) -> str:
    """Text on one line that is no markup, no link and no mention, whatever it holds."""
    line = line_of(str(text), longest).replace("&", "&amp;").replace("<", "&lt;")
    return _MARKUP.sub(r"\\\1", line.replace(">", "&gt;").replace("@", "@\u2060"))


def _state(report: Report) -> str:
    if not report.headline:
        return "no figures"
    row = report.headline
    told = f"{inert(row.name)} {number(row.figure.value, row.name)}"
    if row.change:
        told += f" ({difference(row.change)}, {row.change.verdict.value})"
    return told


def _facts(report: Report) -> str:
    run = report.run
    facts = [f"{len(run.solved):,} samples", f"{report.errors:,} errors"]
    if report.speed:
        facts += [
            f"median {as_seconds(report.speed.median_s)}",
            f"95 % within {as_seconds(report.speed.p95_s)}",
            f"{report.speed.mean_tokens:,.0f} tokens a sample",
            f"{report.speed.no_llm_share:.0%} without the LLM",
        ]
    if version := run.dataset.get("version"):
        facts.append(f"data {inert(version)}")
    if report.versus:
        facts.append(f"baseline {inert(report.versus.baseline.name)}")
    return " · ".join(facts)


def _figures(rows: Sequence[FigureRow], compared: bool) -> str:
    head = ["figure", "value", "95 % interval"]
    if compared:
        head += ["baseline", "difference", "verdict"]
    return _table(head, (_figure(row, compared) for row in rows[:LONGEST_TABLE]))


def _figure(row: FigureRow, compared: bool) -> list[str]:
    cells = [inert(row.name), number(row.figure.value, row.name), interval(row.figure, row.name)]
    if not compared:
        return cells
    change = row.change
    if change is None:
        return [*cells, "", "", "not in the baseline"]
    return [*cells, number(change.baseline, row.name), difference(change), SIGNS[change.verdict]]


def _beyond(changes: Sequence[Change]) -> str:
    return _table(
        ["figure", "over", "value", "baseline", "difference", "verdict"],
        (
            [
                inert(change.figure),
                inert(change.group or "all"),
                number(change.ours, change.figure),
                number(change.baseline, change.figure),
                difference(change),
                SIGNS[change.verdict],
            ]
            for change in changes[:LONGEST_TABLE]
        ),
    )


def _grid(table: Table) -> str:
    return _table(
        [inert(table.of), *map(inert, table.columns)],
        (
            [inert(name), *(number(cell.figure.value, cell.name) if cell else "" for cell in cells)]
            for name, cells in table.rows[:LONGEST_TABLE]
        ),
    )


def _worst(report: Report) -> str:
    return _table(
        ["sample", "gold", "prediction"],
        (
            [
                inert(one.sample.id, 60),
                inert(line_of(one.sample.gold), 80),
                inert(one.prediction.error or line_of(one.prediction.value), 80),
            ]
            for one in report.weak[:WORST_IN_MARKDOWN]
        ),
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return ""
    aligned = ["---", *("---:" for _ in head[1:])]
    return "\n".join([f"| {' | '.join(head)} |", f"| {' | '.join(aligned)} |", *lines])


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _folded(title: str, body: str) -> str:
    """Nothing where there is nothing to fold. The empty lines let GitHub read the body."""
    if not body:
        return ""
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"
