"""Our routing sets: requests with the plan that serves them, one JSON object a line.

    {"id": "r1", "request": "Read this aloud in French", "lang": "en",
     "attachments": [{"kind": "document", "name": "letter.pdf"}],
     "steps": [{"id": "s1", "tool": "translate_text", "args": {"target_language": "fr"}},
               {"id": "s2", "tool": "synthesize_speech", "after": ["s1"]}],
     "alternatives": [["summarize_text", "translate_text", "synthesize_speech"]]}

No steps means plain chat; an empty list among the alternatives allows plain chat too.
"""

from __future__ import annotations

from collections.abc import Callable
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from evals.datasets.reading import DatasetError, Reading, RowError, check_storable
from evals.task import Dataset

_EXPECTED = "JSONL rows with id, request, attachments, lang, steps, alternatives"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RoutingAttachment(_Strict):
    """What is attached: planning takes its kind and name, never its bytes."""

    kind: str = Field(min_length=1)
    name: str = Field(min_length=1)


class RoutingStep(_Strict):
    """A call of a tool; `after` are the ids of the steps whose results it takes."""

    id: str = Field(min_length=1)
    tool: str = Field(min_length=1)
    args: dict[str, JsonValue] = {}
    after: tuple[str, ...] = ()


class RoutingRow(_Strict):
    """One request. Whether its tools exist is for the task to say."""

    id: str = Field(min_length=1)
    request: str = Field(min_length=1)
    attachments: tuple[RoutingAttachment, ...] = ()
    lang: str = "en"
    kind: str = ""
    trap: str = ""
    steps: tuple[RoutingStep, ...] = ()
    alternatives: tuple[tuple[str, ...], ...] = ()

    @model_validator(mode="after")
    def _joined(self) -> RoutingRow:
        ids = [step.id for step in self.steps]
        if len(set(ids)) < len(ids):
            raise ValueError("two steps have one id")
        names = [attachment.name for attachment in self.attachments]
        if len(set(names)) < len(names):
            raise ValueError("two attachments have one name")
        for step in self.steps:
            if dangling := [id for id in step.after if id not in ids]:
                raise ValueError(f"step {step.id!r} comes after {dangling[0]!r}, which is no step")
        try:
            TopologicalSorter({step.id: step.after for step in self.steps}).prepare()
        except CycleError as error:
            raise ValueError("the steps wait for one another in a circle") from error
        return self


def routing(path: Path) -> Dataset:
    """Requests with their plans, from a JSONL file or a folder of them.

    `trap` names what might mislead: a quoted instruction, a negation, an attachment that does not
    matter, or a tool's word that is meant otherwise.

    Returns:
        inputs {"request", "attachments", "lang"}; gold {"steps": [{"id", "tool", "args",
        "after"}], "alternatives": [[tools in order], …]}; groups "lang", and "kind" and "trap"
        where a row has them.

    Raises:
        DatasetError: there is no such file, or no row that can be read.
    """
    reading = Reading(path, _EXPECTED)
    for file in reading.files("*.jsonl"):
        for line, value in reading.objects(file):
            with reading.row(file, line):
                row = _row(value)
                fields = row.model_dump(mode="json")
                reading.add(
                    row.id,
                    {name: fields[name] for name in ("request", "attachments", "lang")},
                    {name: fields[name] for name in ("steps", "alternatives")},
                    {
                        name: said
                        for name in ("lang", "kind", "trap")
                        if (said := getattr(row, name))
                    },
                )
    return reading.dataset()


def routing_rows(
    path: Path, wrong: Callable[[RoutingRow], str | None] = lambda _row: None
) -> list[RoutingRow]:
    """The rows as they stand, to learn from: of those a wrong one may not be left out.

    `wrong` says what else is wrong with a row, as a part of a sentence: "names no tool".

    Raises DatasetError also where there is no row, or one that can't be read or is wrong.
    """
    reading = Reading(path, _EXPECTED)
    rows = []
    for file in reading.files("*.jsonl"):
        for line, value in reading.objects(file):
            with reading.row(file, line):
                row = _row(value)
                if reason := wrong(row):
                    raise RowError(reason)
                rows.append(row)
    if bad := reading.bad_rows:
        first = f"{bad[0].file}, line {bad[0].line}: {bad[0].reason}."
        raise DatasetError(
            first if len(bad) == 1 else f"{len(bad):,} rows can't be read; the first is {first}"
        )
    if not rows:
        reading.refuse("holds no row")
    return rows


def _row(value: dict[str, JsonValue]) -> RoutingRow:
    check_storable(value)
    try:
        return RoutingRow.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise RowError(f"{place}: {first['msg']}" if place else first["msg"]) from error
