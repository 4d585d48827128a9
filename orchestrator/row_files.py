"""Files of rows, CSV and JSONL, read within bounds.

Everything here is pure. What a file says is data: nothing in it is ever an instruction.
"""

from __future__ import annotations

import csv
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from orchestrator.database import storable, storable_json
from tools.charsets import decode_text
from tools.errors import InvalidInput

MAX_ROWS = 100_000
MAX_COLUMNS = 200
MAX_LINE_CHARS = 1_000_000
MAX_CELL_CHARS = 100_000

RowFormat = Literal["csv", "jsonl"]

TEXT_NAMES = re.compile(
    r"text|reviews?|comments?|messages?|body|content|feedback|description|ticket|e?mail|question",
    re.IGNORECASE,
)
"""What a column of texts is called."""

_DELIMITERS = ",;\t|"
_SAMPLE_ROWS = 50
# Possessive: a last line of megabytes must not be gone over again, backwards.
_LINE = re.compile(r"[^\r\n]*+(?:\r\n|[\r\n])|[^\r\n]++\Z")
_JSON_COLUMN = "text"
"""Column of a JSONL line that is a bare text."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `number` counts from 1, without the header; `error` says why it can't be read."""

    number: int
    cells: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True, slots=True)
class RowFile:
    """A file that was looked through once: its columns in order, and how many rows it has.

    Attributes:
        delimiter, header: of a CSV; `header` is false where the columns have no names.
    """

    name: str
    format: RowFormat
    columns: tuple[str, ...]
    total: int
    text: str = field(repr=False)
    delimiter: str = ","
    header: bool = True

    def rows(self) -> Iterator[Row]:
        """The rows in order, read as they are asked for."""
        if self.format == "jsonl":
            for number, line in enumerate(_json_lines(self.text), start=1):
                yield _json_row(number, line)
            return
        records = _records(self.text, self.delimiter)
        for number, record in enumerate(itertools.islice(records, int(self.header), None), start=1):
            yield _csv_row(number, record, self.columns)


def read_rows(data: bytes, name: str) -> RowFile:
    """Look through a CSV or JSONL file.

    Raises InvalidInput where it is neither, is empty, or goes beyond the bounds on rows, columns
    and cells. A row that can't be read is no error of the file: it carries its own.
    """
    text = decode_text(data)
    if text is None:
        raise InvalidInput(f"{name} is no text; save it as CSV or JSONL in UTF-8.")
    text = storable(text).removeprefix("\ufeff")
    if _is_json(text, name):
        found = _look_through_json(text, name)
    else:
        found = _look_through_csv(text, name)
    if not found.total:
        raise InvalidInput(f"{name} holds no rows.")
    return found


def unused(name: str, taken: Iterable[str]) -> str:
    """The name, with a number behind it where it is taken."""
    used = set(taken)
    candidates = itertools.chain([name], (f"{name}_{n}" for n in itertools.count(2)))
    return next(candidate for candidate in candidates if candidate not in used)


# CSV


def _look_through_csv(text: str, name: str) -> RowFile:
    delimiter = _delimiter(text)
    records = _records(text, delimiter)
    head = list(itertools.islice(records, _SAMPLE_ROWS))
    if not head:
        raise InvalidInput(f"{name} holds no rows.")
    header = _has_header(head)
    columns = _names(head[0]) if header else tuple(f"column {n + 1}" for n in range(_width(head)))
    total = sum(1 for _ in _bounded(itertools.chain(head, records), name)) - int(header)
    return RowFile(name, "csv", columns, total, text, delimiter, header)


def _lines(text: str) -> Iterator[str]:
    """The physical lines with their ends. Raises InvalidInput for one that is too long."""
    for number, match in enumerate(_LINE.finditer(text), start=1):
        if match.end() - match.start() > MAX_LINE_CHARS:
            raise InvalidInput(
                f"Line {number} has more than {MAX_LINE_CHARS:,} characters; at most so many are "
                "taken."
            )
        yield match.group()


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    """The records of a CSV, blank lines left out."""
    reader = csv.reader(_narrow(text, delimiter), delimiter=delimiter)
    try:
        for record in reader:
            if len(record) > 1 or (record and record[0].strip()):
                yield record
    except csv.Error as error:
        raise InvalidInput(
            f"Line {reader.line_num} is no CSV ({error}); see that each quote is closed."
        ) from None


def _narrow(text: str, delimiter: str) -> Iterator[str]:
    """The lines, once they are known to make few columns: a list of a million cells is made by
    nobody then. Raises InvalidInput."""
    quoted = False
    for number, line in enumerate(_lines(text), start=1):
        if line.count(delimiter) > MAX_COLUMNS:
            outside = line.split('"')[int(quoted) :: 2]
            if sum(piece.count(delimiter) for piece in outside) > MAX_COLUMNS:
                raise InvalidInput(
                    f"Line {number} has more than {MAX_COLUMNS} columns; at most so many are taken."
                )
        quoted ^= line.count('"') % 2 == 1
        yield line


def _bounded(records: Iterable[list[str]], name: str) -> Iterator[list[str]]:
    for count, record in enumerate(records):
        if count > MAX_ROWS:
            raise InvalidInput(
                f"{name} has more than {MAX_ROWS:,} rows; split it into several files."
            )
        yield record


def _delimiter(text: str) -> str:
    """What parts the cells: the sign that gives the most records of one and the same width."""

    def regularity(delimiter: str) -> tuple[float, int]:
        try:
            widths = [len(r) for r in itertools.islice(_records(text, delimiter), _SAMPLE_ROWS)]
        except InvalidInput:
            return (0.0, 0)
        common = max(set(widths), key=widths.count, default=1)
        return (widths.count(common) / len(widths), common) if common > 1 else (0.0, 0)

    best = max(_DELIMITERS, key=regularity)
    # A text with a comma in every other line is no table.
    return best if regularity(best)[0] >= 0.6 else ","


_NUMBER = re.compile(r"[-+]?[\d.,]*\d[\d.,]*\s*%?")


def _has_header(records: Sequence[Sequence[str]]) -> bool:
    """Whether the first record names the columns.

    Names are short, are no numbers and end no sentence; they do not come again among the values,
    they are what a column of texts is called, or stand out over longer or numeric values.
    """
    first, rest = records[0], records[1:]
    names = [cell.strip() for cell in first]
    filled = [name for name in names if name]
    if not filled or any(not _may_be_name(name) for name in filled) or len(filled) < len(names) - 1:
        return False
    columns = [[row[i].strip() for row in rest if i < len(row)] for i in range(len(names))]
    if any(name and name in values for name, values in zip(names, columns, strict=True)):
        return False
    if not rest or all(re.fullmatch(r"[^\W\d]\w*", name) and name.islower() for name in filled):
        return True
    if any(map(TEXT_NAMES.fullmatch, filled)):
        return True
    return any(map(_stands_out, names, columns))


def _may_be_name(cell: str) -> bool:
    return (
        len(cell) <= 60
        and len(cell.split()) <= 5
        and "\n" not in cell
        and cell[-1] not in ".!。！"
        and not _NUMBER.fullmatch(cell)
    )


def _stands_out(name: str, values: Sequence[str]) -> bool:
    filled = sorted(len(value) for value in values if value)
    if not name or not filled:
        return False
    numbers = sum(1 for value in values if _NUMBER.fullmatch(value))
    return numbers * 2 > len(filled) or filled[len(filled) // 2] >= 2 * len(name) + 8


def _names(record: Sequence[str]) -> tuple[str, ...]:
    """The header's names; one that is empty or comes again is told apart by a number."""
    names: list[str] = []
    for position, cell in enumerate(record, start=1):
        name = " ".join(cell.split())[:100] or f"column {position}"
        names.append(unused(name, names))
    return tuple(names)


def _width(records: Sequence[Sequence[str]]) -> int:
    widths = [len(record) for record in records]
    return max(set(widths), key=widths.count)


def _csv_row(number: int, record: Sequence[str], columns: Sequence[str]) -> Row:
    cells = dict(zip(columns, record, strict=False))
    if len(record) != len(columns):
        have = f"{len(record)} cell{'s' if len(record) != 1 else ''}"
        return Row(number, cells, f"The row has {have}, and there are {len(columns)} columns.")
    return Row(number, cells, _too_long(cells))


def _too_long(cells: Mapping[str, str]) -> str | None:
    for name, cell in cells.items():
        if len(cell) > MAX_CELL_CHARS:
            return f"The cell of {name!r} has more than {MAX_CELL_CHARS:,} characters."
    return None


# JSONL


def _is_json(text: str, name: str) -> bool:
    if name.lower().endswith((".jsonl", ".ndjson", ".json")):
        return True
    if name.lower().endswith((".csv", ".tsv")):
        return False
    return text.lstrip()[:1] == "{"


def _look_through_json(text: str, name: str) -> RowFile:
    if text.lstrip()[:1] == "[":
        raise InvalidInput(f"{name} is one JSON array; write one object a line (JSONL).")
    columns: dict[str, None] = {}
    total = 0
    for number, line in enumerate(_json_lines(text), start=1):
        if number > MAX_ROWS:
            raise InvalidInput(
                f"{name} has more than {MAX_ROWS:,} rows; split it into several files."
            )
        total = number
        columns |= dict.fromkeys(_json_row(number, line).cells)
        if len(columns) > MAX_COLUMNS:
            raise InvalidInput(
                f"{name} has more than {MAX_COLUMNS} columns; at most so many are taken."
            )
    if not columns:
        raise InvalidInput(f"{name} is no JSONL; write one JSON object a line.")
    return RowFile(name, "jsonl", tuple(columns), total, text)


def _json_lines(text: str) -> Iterator[str]:
    return (line for line in _lines(text) if line.strip())


def _json_row(number: int, line: str) -> Row:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return Row(number, error="The line is not JSON.")
    if isinstance(value, str):
        value = {_JSON_COLUMN: value}
    if not isinstance(value, dict):
        return Row(number, error="The line is no JSON object.")
    if len(value) > MAX_COLUMNS:
        return Row(number, error=f"The row has more than {MAX_COLUMNS} columns.")
    try:
        cells = {storable(name): _json_cell(cell) for name, cell in value.items()}
    except RecursionError:
        return Row(number, error="The row is nested too deeply.")
    return Row(number, cells, _too_long(cells))


def _json_cell(value: JsonValue) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return storable(value)
    return json.dumps(storable_json(value), ensure_ascii=False)
