"""What a report reads: the files of a run's folder, as typed data.

A run may have been cut short, or be of a task without some parts: only the folder itself must be
there. What is missing is empty, and the report says so.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError, field_validator

from evals.run_folder import Solved, Unfinished, unfinished
from evals.task import BadRow, Prediction, Sample
from model_servers.contracts import SwitchboardError


class ReportError(SwitchboardError):
    """No report can be made of a folder."""

    code = "report_error"
    http_status = 400


class Figure(BaseModel):
    """A measured figure and its 95 % interval. None stands for what could not be computed."""

    model_config = ConfigDict(frozen=True)

    value: float | None
    low: float | None = None
    high: float | None = None

    @field_validator("value", "low", "high")
    @classmethod
    def _finite(cls, number: float | None) -> float | None:
        return number if number is not None and math.isfinite(number) else None


Figures = Mapping[str, Figure]


class Confusion(BaseModel):
    """Counts by gold (rows) and prediction (columns), in the order of `labels`."""

    model_config = ConfigDict(frozen=True)

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @field_validator("counts")
    @classmethod
    def _not_negative(cls, counts: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
        if any(count < 0 for row in counts for count in row):
            raise ValueError("a count is below zero")
        return counts


@dataclass(frozen=True, slots=True)
class Run:
    """A run's folder, read.

    Attributes:
        headline: the figure by which runs are compared first; None before there are any.
        lower_is_better: the figures of which less is better.
        unmatchable: ids of samples whose gold no prediction can match, and why.
        unread_lines: lines of samples.jsonl that hold no sample: the last one, where the run was
            cut off while it wrote.
        unfinished: how much of the run there is, where that is not all.
    """

    name: str
    config: Mapping[str, JsonValue]
    environment: Mapping[str, JsonValue]
    dataset: Mapping[str, JsonValue]
    solved: tuple[Solved, ...]
    bad_rows: tuple[BadRow, ...]
    figures: Figures
    groups: Mapping[str, Mapping[str, Figures]]
    cost: Figures
    confusion: Confusion | None
    headline: str | None = None
    lower_is_better: frozenset[str] = frozenset()
    unmatchable: Mapping[str, str] = field(default_factory=dict)
    unread_lines: int = 0
    unfinished: Unfinished | None = None


def read_run(folder: Path) -> Run:
    """Read a run's folder.

    Raises:
        ReportError: there is no such folder, it holds no run, or a file in it is no JSON.
    """
    if not folder.is_dir():
        raise ReportError(f"There is no run in {folder.name!r}: the folder does not exist.")
    if not any((folder / name).is_file() for name in ("config.json", "metrics.json")):
        raise ReportError(
            f"{folder.name!r} holds no run: config.json and metrics.json are missing."
        )
    metrics = _read_object(folder / "metrics.json")
    dataset = _read_object(folder / "dataset.json")
    lines = list(_read_lines(folder / "samples.jsonl"))
    config = _read_object(folder / "config.json")
    try:
        figures = _figures(metrics.get("all"))
        headline = metrics.get("headline", config.get("headline"))
        return Run(
            name=folder.resolve().name,
            config=config,
            environment=_read_object(folder / "environment.json"),
            dataset=dataset,
            solved=tuple(line for line in lines if line is not None),
            bad_rows=tuple(BadRow.model_validate(row) for row in _rows(dataset.get("bad_rows"))),
            figures=figures,
            groups={
                group: {value: _figures(figures) for value, figures in _items(values)}
                for group, values in _items(metrics.get("groups"))
            },
            cost=_figures(metrics.get("cost")),
            confusion=_confusion(metrics.get("confusion")),
            headline=headline if headline in figures else next(iter(figures), None),
            lower_is_better=_names(metrics.get("lower_is_better")),
            unmatchable={
                str(row.get("id")): str(row.get("reason"))
                for row in _rows(dataset.get("unmatchable"))
                if isinstance(row, dict)
            },
            unread_lines=lines.count(None),
            unfinished=unfinished(folder, len(lines) - lines.count(None)),
        )
    except ValidationError as error:
        raise ReportError(f"{folder.name!r} is not as a run writes it: {_first(error)}.") from error


def _read_object(file: Path) -> dict[str, Any]:
    """A file's JSON object; an empty one where there is no such file."""
    try:
        found = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ReportError(f"{file.name} is no JSON: {error}.") from error
    if not isinstance(found, dict):
        raise ReportError(f"{file.name} holds no JSON object.")
    return found


def _read_lines(file: Path) -> Iterator[Solved | None]:
    if not file.is_file():
        return
    with file.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if not line.strip():
                continue
            try:
                found = json.loads(line)
                yield Solved(
                    Sample.model_validate(found["sample"]),
                    Prediction.model_validate(found["prediction"]),
                    found.get("trace"),
                )
            except (ValueError, KeyError, TypeError):
                yield None


def _items(found: Any) -> list[tuple[str, Any]]:
    return list(found.items()) if isinstance(found, dict) else []


def _rows(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []


def _names(found: Any) -> frozenset[str]:
    """Of a list of names, or of an object that holds true for them."""
    if isinstance(found, dict):
        return frozenset(name for name, holds in found.items() if holds is True)
    return frozenset(map(str, _rows(found)))


def _figures(found: Any) -> dict[str, Figure]:
    """Figures by name, whether a figure stands with its interval or as a bare number."""
    figures: dict[str, Figure] = {}
    for name, figure in _items(found):
        if isinstance(figure, dict) and "value" in figure:
            figures[name] = Figure.model_validate(figure)
        elif isinstance(figure, int | float):
            figures[name] = Figure(value=figure)
        elif isinstance(figure, dict):
            inner = _figures(figure)
            figures |= {f"{name}/{key}": value for key, value in inner.items()}
    return figures


def _confusion(found: Any) -> Confusion | None:
    """As {"labels", "counts"}, or as {gold: {predicted: count}}."""
    if not isinstance(found, dict) or not found:
        return None
    if "labels" in found and isinstance(found["labels"], list):
        table = found.get("counts", found.get("matrix"))
        confusion = Confusion.model_validate({"labels": found["labels"], "counts": table})
    else:
        rows = {gold: dict(_items(row)) for gold, row in found.items()}
        labels = list(dict.fromkeys([*rows, *(label for row in rows.values() for label in row)]))
        counts = [[rows.get(gold, {}).get(label, 0) for label in labels] for gold in labels]
        confusion = Confusion.model_validate({"labels": labels, "counts": counts})
    size = len(confusion.labels)
    if len(confusion.counts) != size or any(len(row) != size for row in confusion.counts):
        raise ReportError("The confusion matrix in metrics.json is not square.")
    return confusion


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
