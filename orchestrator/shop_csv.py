"""A shop's CSV files, of any size, read line by line within bounds of memory."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from orchestrator.database import storable
from tools.charsets import charset_of
from tools.errors import InvalidInput

MAX_LINE_CHARS = 100_000
MAX_COLUMNS = 200
DELIMITERS = ",;\t|"

_SAMPLE_BYTES = 1_000_000
_DELIMITER_NAMES = "a comma, a semicolon, a tab or a |"


@dataclass(frozen=True, slots=True)
class Columns:
    """What the first line of a file may name, in any order and case.

    Attributes:
        names: the columns, in the order in which a row's cells come.
        required: those that must be there; the cells of others are empty where they are not.
        aliases: what other systems call them.
    """

    names: tuple[str, ...]
    required: tuple[str, ...]
    aliases: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One row: the line on which it begins, from 1; its cells, or why it can't be read."""

    line: int
    cells: tuple[str, ...] = ()
    error: str | None = None


class ShopCsv:
    """An open file whose header was checked. A context manager; `rows` may be read once.

    Args:
        path: the file.
        columns: what it must hold.

    Raises:
        InvalidInput: it can't be read, is no text, or its first line does not name the columns.
    """

    def __init__(self, path: Path, columns: Columns) -> None:
        self.name = path.name
        self.folder = path.parent
        self.line = 0
        try:
            self.total_bytes = path.stat().st_size
            with path.open("rb") as raw:
                encoding = charset_of(raw.read(_SAMPLE_BYTES))
            if encoding is None:
                raise InvalidInput(f"{self.name} is no text; save it as CSV in UTF-8.")
            self._encoding = encoding
            self._text: IO[str] = path.open(encoding=encoding, newline="")
        except OSError as error:
            raise InvalidInput(f"{self.name} can't be read: {error.strerror}.") from None
        try:
            self.delimiter, self._places, self.ignored = self._header(columns)
        except BaseException:
            self._text.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._text.close()

    @property
    def bytes_read(self) -> int:
        """How far it was read; a little ahead of the rows, for it is read in blocks."""
        raw: IO[bytes] = self._text.buffer  # type: ignore[attr-defined]
        return raw.tell()

    def rows(self) -> Iterator[CsvRow]:
        """The rows in order, blank lines left out; one that can't be read carries its error.

        Raises InvalidInput where the rest of the file can't be read: a line that is too long, a
        quote that is never closed, bytes of another charset.
        """
        reader = csv.reader(self._lines(), delimiter=self.delimiter, strict=True)
        before, (width, places) = self.line, self._places
        while True:
            line = before + reader.line_num + 1
            try:
                record = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                said = str(error)
                if "end of data" in said or "field limit" in said:
                    raise InvalidInput(
                        f"{self.name}: a quote that opens in the row on line {line} is not closed; "
                        "close it, and write a quote inside a text twice."
                    ) from None
                yield CsvRow(line, error="a quote stands inside a text; write it twice there")
                continue
            if len(record) == width:
                yield CsvRow(line, tuple("" if at is None else record[at] for at in places))
            elif len(record) > 1 or (record and record[0].strip()):
                yield CsvRow(line, error=_wrong_width(len(record), width))

    def _header(
        self, columns: Columns
    ) -> tuple[str, tuple[int, tuple[int | None, ...]], tuple[str, ...]]:
        """The delimiter; how many cells a row has, and where those of `columns` are; the others."""
        header = next((line for line in self._lines() if line.strip()), None)
        if header is None:
            raise InvalidInput(f"{self.name} is empty; its first line names the columns.")
        best = max(DELIMITERS, key=lambda sign: len(_known(_names(header, sign, columns), columns)))
        names = _names(header, best, columns)
        missing = [name for name in columns.required if name not in names]
        if missing:
            # In the file's own words, not in ours for them.
            found = ", ".join(repr(cell.strip()[:40]) for cell in _cells(header, best)[:12])
            raise InvalidInput(
                f"{self.name} has no column {' and no column '.join(missing)}: its first line "
                f"gives {found}. The first line names the columns "
                f"({', '.join(columns.names)}), parted by {_DELIMITER_NAMES}."
            )
        if len(names) > MAX_COLUMNS:
            raise InvalidInput(f"{self.name} has more than {MAX_COLUMNS} columns.")
        twice = [name for name in columns.names if names.count(name) > 1]
        if twice:
            raise InvalidInput(f"{self.name} has the column {twice[0]} more than once.")
        places = tuple(names.index(name) if name in names else None for name in columns.names)
        ignored = tuple(name for name in names if name not in columns.names)
        return best, (len(names), places), ignored

    def _lines(self) -> Iterator[str]:
        """The physical lines, counted. Raises InvalidInput."""
        while True:
            try:
                line = self._text.readline(MAX_LINE_CHARS + 1)
            except UnicodeDecodeError:
                raise InvalidInput(
                    f"{self.name} begins as {self._encoding}, but what comes after line "
                    f"{self.line:,} is not; save the whole file in UTF-8."
                ) from None
            if not line:
                return
            self.line += 1
            if len(line) > MAX_LINE_CHARS:
                raise InvalidInput(
                    f"{self.name}: line {self.line:,} has more than {MAX_LINE_CHARS:,} characters; "
                    "see that lines end where rows end."
                )
            yield storable(line)


def _names(header: str, delimiter: str, columns: Columns) -> list[str]:
    names = [cell.strip().casefold() for cell in _cells(header, delimiter)]
    return [columns.aliases.get(name, name) for name in names]


def _cells(header: str, delimiter: str) -> list[str]:
    try:
        (cells,) = csv.reader([header], delimiter=delimiter)
    except (csv.Error, ValueError):
        return []
    return cells


def _known(names: list[str], columns: Columns) -> set[str]:
    return set(names).intersection(columns.names)


def _wrong_width(found: int, wanted: int) -> str:
    cells = "1 cell" if found == 1 else f"{found} cells"
    return (
        f"has {cells} where the first line names {wanted}; put a text that holds the delimiter "
        "or a line's end in quotes"
    )
