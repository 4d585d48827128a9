"""Choosing among foreign tools: MetaTool's queries for one tool and for two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import JsonValue

from evals.datasets.reading import Reading, RowError, text_in
from evals.task import Dataset

_EXPECTED = (
    "MetaTool: single_tool*.jsonl or all_clean_data.csv (query, tool), multi_tool_query_golden.json"
    " (query, [tools]), and descriptions in plugin_des.json and big_tool_des.json"
)
_SINGLE = ("single_tool*.jsonl", "all_clean_data.csv")
_MULTI = ("multi_tool*.json",)


def metatool(path: Path) -> Dataset:
    """Requests with the tool or tools that serve them, from a folder.

    The queries for one tool choose among the plugins, those for two among the big tools: see
    `metatool_tools`. A row whose tool has no description there is a bad row.

    Returns:
        inputs {"request"}, gold the list of tools, and the group "tools": "one" or "two".

    Raises:
        DatasetError: the files are missing, or no request can be read.
    """
    reading = Reading(path, _EXPECTED)
    if path.is_file():
        reading.refuse("is a file")
    tools = {group: _descriptions(reading, group) for group in _DESCRIPTIONS}
    for group, file, line, place, row in _rows(reading):
        with reading.row(file, line, place):
            request, names = text_in(row, "query", "Query"), _names(row)
            if unknown := [name for name in names if name not in tools[group]]:
                raise RowError(f"names a tool without description: {unknown[0][:80]!r}")
            id = f"{group}:{place.strip('[]') or line}"
            reading.add(id, {"request": request}, [*names], {"tools": group})
    return reading.dataset()


_DESCRIPTIONS = {"one": "plugin_des.json", "two": "big_tool_des.json"}


def metatool_tools(path: Path, group: str) -> Mapping[str, str]:
    """The tools' descriptions by name: group "one" are the plugins, "two" the big tools.

    Raises DatasetError where they can't be read.
    """
    return _descriptions(Reading(path.parent if path.is_file() else path, _EXPECTED), group)


def _descriptions(reading: Reading, group: str) -> dict[str, str]:
    file = next(iter(reading.files(_DESCRIPTIONS[group])))
    document = reading.document(file)
    if not isinstance(document, dict) or not document:
        reading.refuse(f"has no descriptions in {file.name!r}")
    return {name: text for name, text in document.items() if isinstance(text, str)}


def _rows(reading: Reading) -> Iterator[tuple[str, Path, int, str, dict[str, JsonValue]]]:
    for file in reading.files_if_any(*_SINGLE):
        for line, row in reading.records(file):
            yield "one", file, line, "", row
    for file in reading.files_if_any(*_MULTI):
        for place, row in reading.nested(file, {"": reading.document(file)}, ""):
            yield "two", file, 1, place, row


def _names(row: Mapping[str, JsonValue]) -> list[str]:
    value = row.get("tool", row.get("Tool"))
    names = value if isinstance(value, list) else [value]
    found = [name for name in names if isinstance(name, str) and name]
    if not found or len(found) != len(names):
        raise RowError("has no tool")
    return found
