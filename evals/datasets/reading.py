"""Reading a dataset's files: bounded, hashed, and with every unreadable row noted.

A loader opens a `Reading`, goes over its rows, and adds a sample for each. What is wrong with one
row is a `RowError`, which `Reading.row` notes as a bad row; what is wrong with the whole is a
`DatasetError`.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NoReturn

from pydantic import JsonValue, ValidationError

from evals.task import BadRow, Dataset, Sample
from model_servers.contracts import SwitchboardError

MAX_FILE_BYTES = 256 * 2**20
MAX_FILES = 50_000
MAX_BAD_ROWS = 10_000
_COLUMNS = {".csv": ",", ".tsv": "\t"}


class DatasetError(SwitchboardError):
    """A dataset that can't be read at all: missing, empty, too large, or of another format."""

    code = "dataset_error"
    http_status = 400


class RowError(ValueError):
    """A row that can't be read, and why. It never leaves a loader."""


class Reading:
    """One reading of a dataset.

    Attributes:
        path: the folder or file, as it was named.
        root: the folder in which the files lie.
        expected: what the format holds, for the sentence of an error.
    """

    def __init__(self, path: Path, expected: str) -> None:
        self.path = path
        self.expected = expected
        self._hash = hashlib.sha256()
        self._samples: dict[str, Sample] = {}
        self._bad_rows: list[BadRow] = []
        try:
            self.root = path if path.is_dir() else path.parent
            there = path.exists()
        except (OSError, ValueError) as error:  # a name that no file can have
            raise DatasetError(f"{path.name!r} can't be read.") from error
        if not there:
            raise DatasetError(f"There is no {path.name!r}. Expected: {expected}.")

    def files(self, *patterns: str) -> list[Path]:
        """The file itself where one was named, else the folder's files that match, sorted.

        Raises DatasetError where there is none, or more than MAX_FILES.
        """
        found = self.files_if_any(*patterns)
        if not found:
            self.refuse(f"has no {' or '.join(patterns)}")
        return found

    def files_if_any(self, *patterns: str) -> list[Path]:
        """As `files`; none is no error."""
        if self.path.is_file():
            return [self.path]
        found = sorted({f for p in patterns for f in self.path.glob(p) if f.is_file()})
        if len(found) > MAX_FILES:
            self.refuse(f"has more than {MAX_FILES:,} files")
        return found

    def name_of(self, file: Path) -> str:
        """The file's name as it stands in bad rows: relative to the folder."""
        return file.relative_to(self.root).as_posix()

    def data(self, file: Path) -> bytes:
        """The file's bytes, counted into the dataset's version."""
        try:
            if file.stat().st_size > MAX_FILE_BYTES:
                self.refuse(f"has a file over {MAX_FILE_BYTES // 2**20} MB: {file.name!r}")
            data = file.read_bytes()
        except OSError as error:
            raise DatasetError(f"{file.name!r} can't be read: {error.strerror}.") from error
        self._hash.update(data)
        return data

    def count_name(self, file: Path) -> None:
        """Count the name of a file that the loader does not read into the dataset's version."""
        self._hash.update(f"{self.name_of(file)}\n".encode("utf-8", "surrogateescape"))

    def text(self, file: Path, fallback: str | None = None) -> str:
        """The file's text without its byte order mark: UTF-8, or UTF-16 where the mark says so.

        A byte that is not UTF-8 becomes a lone surrogate, so that it spoils its own row only. With
        `fallback` a file that is not UTF-8 is read in that encoding instead.
        """
        data = self.data(file)
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            try:
                return data.decode("utf-16")
            except UnicodeDecodeError:
                self.refuse(f"has a file that is not whole UTF-16: {file.name!r}")
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            if fallback is not None:
                return data.decode(fallback)
            return data.decode("utf-8-sig", "surrogateescape")

    def lines(self, file: Path, fallback: str | None = None) -> Iterator[tuple[int, str]]:
        """Number, from 1, and text of every line, blank ones too.

        Only a line feed, with or without a carriage return before it, ends a line:
        `str.splitlines` would cut at the separators that running text may hold.
        """
        lines = self.text(file, fallback).split("\n")
        if not lines[-1]:
            del lines[-1]
        for number, line in enumerate(lines, 1):
            yield number, line.removesuffix("\r")

    def objects(self, file: Path) -> Iterator[tuple[int, dict[str, JsonValue]]]:
        """The objects of a JSONL file with their lines; what is none is a bad row."""
        for number, line in self.lines(file):
            if not line.strip():
                continue
            try:
                value = parse_json(line)
            except RowError as error:
                self.reject(file, number, str(error))
                continue
            if isinstance(value, dict):
                yield number, value
            else:
                self.reject(file, number, "is not a JSON object")

    def document(self, file: Path) -> JsonValue:
        """A file that is one JSON value."""
        try:
            return parse_json(self.text(file))
        except RowError as error:
            self.refuse(f"has a file that {error}: {file.name!r}")

    def table(self, file: Path) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
        """Header and rows of a CSV or TSV file, each row with the line on which it begins.

        A TSV file knows no quotes. A row with another number of cells is a bad row.
        """
        rows = self.cells(self.text(file), file, _COLUMNS.get(file.suffix.lower(), ","))
        _, header = next(rows, (0, []))
        header = [name.strip() for name in header]

        def body() -> Iterator[tuple[int, list[str]]]:
            for line, cells in rows:
                if len(cells) == len(header):
                    yield line, cells
                else:
                    self.reject(file, line, f"has {len(cells)} cells, its header {len(header)}")

        return header, body()

    def cells(self, text: str, file: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
        """The cells of each row that is not blank, with the line on which it begins."""
        lines = (f"{line}\n" for line in text.replace("\r\n", "\n").split("\n"))
        quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if delimiter == "," else csv.QUOTE_NONE
        rows = csv.reader(lines, delimiter=delimiter, quoting=quoting, strict=True)
        while True:
            line = rows.line_num + 1
            try:
                cells = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                self.reject(file, line, f"is not {file.suffix[1:].upper() or 'CSV'}: {error}")
                continue
            if any(cell.strip() for cell in cells):
                yield line, cells

    def records(self, file: Path) -> Iterator[tuple[int, dict[str, JsonValue]]]:
        """The rows of a CSV, TSV or JSONL file by column."""
        if file.suffix.lower() in _COLUMNS:
            header, rows = self.table(file)
            for line, cells in rows:
                yield line, dict(zip(header, cells, strict=True))
        else:
            yield from self.objects(file)

    def nested(
        self, file: Path, row: Mapping[str, JsonValue], name: str, place: str = ""
    ) -> Iterator[tuple[str, dict[str, JsonValue]]]:
        """The objects in a list of a JSON document, each with its place: "data[0].paragraphs[2]".

        What is none is a bad row.
        """
        place = f"{place}.{name}" if place else name
        children = row.get(name)
        if not isinstance(children, list):
            self.reject(file, 1, f"{place} is no list")
            return
        for number, child in enumerate(children):
            if isinstance(child, dict):
                yield f"{place}[{number}]", child
            else:
                self.reject(file, 1, f"{place}[{number}] is no object")

    @contextmanager
    def row(self, file: Path, line: int, place: str = "") -> Iterator[None]:
        """Note what goes wrong inside as a bad row; a place in a JSON document is put before it."""
        try:
            yield
        except RowError as error:
            self.reject(file, line, f"{place} {error}".lstrip())

    def reject(self, file: Path, line: int, reason: str) -> None:
        """Note a bad row. Raises DatasetError at MAX_BAD_ROWS: that is no file of this format."""
        if len(self._bad_rows) >= MAX_BAD_ROWS:
            first = f" The first, {_place(self._bad_rows[0])}."
            self.refuse(f"has more than {MAX_BAD_ROWS:,} rows that can't be read", first)
        self._bad_rows.append(
            BadRow(file=_printable(self.name_of(file)), line=line, reason=_printable(reason)[:300])
        )

    def add(
        self,
        id: str,
        inputs: Mapping[str, JsonValue],
        gold: JsonValue,
        groups: Mapping[str, str] | None = None,
    ) -> None:
        """Add a sample. Raises RowError where its id is taken, or no JSON file can hold it."""
        check_storable([id, inputs, gold, groups])
        if id in self._samples:
            raise RowError(f"has the id {id!r} of an earlier row")
        try:
            self._samples[id] = Sample(
                id=id, inputs=dict(inputs), gold=gold, groups=dict(groups or {})
            )
        except ValidationError as error:
            raise RowError("is nested too deep") from error

    @property
    def bad_rows(self) -> Sequence[BadRow]:
        """The rows that could not be read so far, in the order of the files."""
        return self._bad_rows

    def dataset(self) -> Dataset:
        """What was read. Raises DatasetError where no sample could be."""
        if not self._samples:
            bad = self._bad_rows
            first = f" The first of {len(bad):,} bad rows, {_place(bad[0])}." if bad else ""
            self.refuse("holds nothing to measure on", first)
        return Dataset(
            name=self.path.stem if self.path.is_file() else self.path.resolve().name,
            version=self._hash.hexdigest()[:12],
            samples=tuple(self._samples.values()),
            bad_rows=tuple(self._bad_rows),
        )

    def refuse(self, what: str, more: str = "") -> NoReturn:
        """Raise a DatasetError that says what the dataset is or has, and what was expected."""
        name = self.path.name or self.path.resolve().name
        raise DatasetError(_printable(f"{name!r} {what}. Expected: {self.expected}.{more}"))


def _printable(text: str) -> str:
    """Bytes that are not UTF-8 spelled out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _place(bad: BadRow) -> str:
    return f"{bad.file} line {bad.line}: {bad.reason}"


def parse_json(text: str) -> JsonValue:
    """The value, or RowError."""
    try:
        value: JsonValue = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise RowError(f"is not JSON: {error.msg} at column {error.colno}") from error
    except (ValueError, RecursionError) as error:
        raise RowError("is not JSON that can be kept: too deep, or a number too large") from error
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is no JSON number", name, 0)


def check_storable(value: object) -> None:
    """RowError where the value can't be written as JSON in UTF-8."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise RowError("holds bytes or escapes that are not UTF-8 text") from error
    except (ValueError, RecursionError) as error:
        raise RowError("holds a number too large, or is nested too deep") from error


def text_in(row: Mapping[str, JsonValue], *names: str) -> str:
    """The first of these fields that the row has, as text that is not blank; else RowError."""
    for name in names:
        if name in row:
            value = row[name]
            if isinstance(value, str) and value.strip():
                return value
            raise RowError(f"has no text in {name!r}")
    raise RowError(f"has no {' or '.join(map(repr, names))}")


def number_in(row: Mapping[str, JsonValue], name: str) -> float:
    """A finite number, or RowError."""
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e15:
        raise RowError(f"has no number in {name!r}")
    return float(value)


def list_in(row: Mapping[str, JsonValue], name: str) -> list[JsonValue]:
    """A list, or RowError."""
    value = row.get(name)
    if not isinstance(value, list):
        raise RowError(f"has no list in {name!r}")
    return value


def objects_in(row: Mapping[str, JsonValue], name: str) -> list[dict[str, JsonValue]]:
    """A list of objects, or RowError."""
    found: list[dict[str, JsonValue]] = []
    for value in list_in(row, name):
        if not isinstance(value, dict):
            raise RowError(f"has something else than objects in {name!r}")
        found.append(value)
    return found


def first_of(names: Sequence[str], columns: Sequence[str]) -> str | None:
    """The column that has the first of these names, whatever its case."""
    by_name = {column.lower(): column for column in reversed(columns)}
    return next((by_name[name] for name in names if name in by_name), None)
