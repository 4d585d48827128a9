"""What the runs of a plan gave, row by row, as columns beside the rows: in CSV and in JSONL."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from orchestrator.plan import Plan, Step
from orchestrator.row_files import Row, unused
from orchestrator.turn import StepReport
from tools.contracts import Kind, Tool
from tools.registry import Registry

Cells = Mapping[str, JsonValue]
"""What a row's run gave, by column."""

_FORMULA = re.compile(r"[=+\-@\t\r]")
_PLAIN_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?\s*%?", re.IGNORECASE)


class ResultColumns:
    """The columns that a plan's results fill: for each step its ports, labels with their score.

    Args:
        taken: names of the rows' own columns, which come first.
    """

    def __init__(self, plan: Plan, registry: Registry, taken: Sequence[str]) -> None:
        self._ports: list[tuple[str, str, Kind, tuple[str, ...]]] = []
        names: list[str] = []
        for step in plan.steps:
            for port, kind in _ports(step, registry[step.tool]):
                name = unused(_name(step, registry[step.tool], port), (*taken, *names))
                own = (name, unused(f"{name}_score", (*taken, *names)))[: 1 + (kind == "labels")]
                names += own
                self._ports.append((step.id, port, kind, own))
        self.names = tuple(names)

    def cells(self, reports: Sequence[StepReport]) -> dict[str, JsonValue]:
        """The results by column; a step that did not run fills none."""
        by_id = {report.id: report.result for report in reports if report.result is not None}
        made: dict[str, JsonValue] = {}
        for step_id, port, kind, own in self._ports:
            if step_id in by_id:
                made |= zip(own, _values(by_id[step_id], port, kind), strict=False)
        return made


def _ports(step: Step, tool: Tool) -> list[tuple[str, Kind]]:
    """The default port; all of them where the step switches something more on."""
    ports = list(tool.outputs.items())
    return ports if any(value is True for value in step.args.values()) else ports[:1]


def _name(step: Step, tool: Tool, port: str) -> str:
    """What the column is called: by what was asked for, as "sentiment" or "translation_fr"."""
    args = step.args
    if tool.outputs[port] == "labels":
        return str(args["task"]) if isinstance(args.get("task"), str) else "label"
    if tool.outputs[port] == "entities":
        types = args.get("types")
        return "_".join(map(str, types)) if isinstance(types, list) else "entities"
    title = tool.titles.get("en", port) if port == next(iter(tool.outputs)) else port
    target = args.get("target_language")
    parts = [title.lower(), target] if isinstance(target, str) else [title.lower()]
    return re.sub(r"\W+", "_", "_".join(parts))


def _values(result: Mapping[str, Any], port: str, kind: Kind) -> tuple[JsonValue, ...]:
    found = result.get(port)
    if kind == "labels" and isinstance(found, list):
        if result.get("abstained"):
            return (None, None)
        chosen = result.get("chosen") or [item["label"] for item in found[:1]]
        score = next((item["score"] for item in found if item["label"] in chosen), None)
        return ("; ".join(map(str, chosen)), score)
    if kind == "entities" and isinstance(found, list):
        several = len({item["type"] for item in found}) > 1
        told = [f"{i['text']} ({i['type']})" if several else str(i["text"]) for i in found]
        return (list[JsonValue](dict.fromkeys(told)),)
    return (found,)


def safe_cell(text: str) -> str:
    """The cell so that no spreadsheet takes it for a formula: a quote stands before one."""
    if _FORMULA.match(text) and not _PLAIN_NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def csv_line(values: Iterable[JsonValue]) -> str:
    """A record of a CSV; lists are joined, what is not there is empty."""
    line = io.StringIO()
    csv.writer(line).writerow([safe_cell(_shown(value)) for value in values])
    return line.getvalue()


def json_line(values: Mapping[str, JsonValue]) -> str:
    return json.dumps(values, ensure_ascii=False) + "\n"


def _shown(value: JsonValue) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(map(_shown, value))
    return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class ResultTable:
    """The lines of the results: the rows' own columns, those of the results, and the error.

    Args:
        inputs, columns: names that differ from one another.
    """

    inputs: tuple[str, ...]
    columns: tuple[str, ...]

    def csv_header(self) -> str:
        return csv_line([*self.inputs, *self.columns, self._own("error")])

    def lines(self, row: Row, cells: Cells, error: str | None) -> tuple[str, str]:
        """The row as a line of a CSV, and of JSONL; `error` says why it failed, where it did."""
        given: list[JsonValue] = [row.cells.get(name, "") for name in self.inputs]
        made = [cells.get(name) for name in self.columns]
        record = dict(zip((*self.inputs, *self.columns), (*given, *made), strict=True))
        return (
            csv_line([*given, *made, error]),
            json_line({self._own("row"): row.number, **record, self._own("error"): error}),
        )

    def _own(self, name: str) -> str:
        return unused(name, (*self.inputs, *self.columns))
