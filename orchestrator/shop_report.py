"""What came of an import: what was taken, what was not, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tools.errors import InvalidInput

SHOWN_BAD_ROWS = 20
"""How many bad rows of a file a report tells of; all are counted."""
MAX_BAD_SHARE = 0.5
"""A file of which more rows are bad than this is not what it should be: nothing of it is taken."""
_EARLY_ROWS = 10_000
"""From here on a file that is bad so far is not read to its end."""

Stage = Literal["items", "interactions"]


class BadLine(BaseModel):
    """A row that was not taken, or whose picture was not."""

    model_config = ConfigDict(frozen=True)

    file: str
    line: int
    why: str


class ImportReport(BaseModel):
    """What an import took.

    Attributes:
        edition: the number of the import.
        items, pictures: taken.
        interactions: that are new; `duplicates` were there already, or stand twice in the file.
        customers: who did them.
        bad_items, bad_interactions: rows not taken, those of `unknown_items` among the latter.
        bad_pictures: items that were taken without their picture.
        bad_lines: the first of them, for each file.
        ignored_columns: columns of the files that mean nothing here.
    """

    model_config = ConfigDict(frozen=True)

    edition: int
    items: int = 0
    pictures: int = 0
    interactions: int = 0
    duplicates: int = 0
    customers: int = 0
    bad_items: int = 0
    bad_interactions: int = 0
    unknown_items: int = 0
    bad_pictures: int = 0
    bad_lines: tuple[BadLine, ...] = ()
    ignored_columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import is with one of its files."""

    stage: Stage
    bytes_read: int
    total_bytes: int
    rows: int
    bad: int


Told = Callable[[ImportProgress], None]


@dataclass(slots=True)
class Tally:
    """Counts the rows of one file, and remembers the first bad ones."""

    file: str
    rows: int = 0
    bad: int = 0
    bad_pictures: int = 0
    lines: list[BadLine] = field(default_factory=list)

    def refuse(self, line: int, why: str) -> None:
        """Count a bad row."""
        self.bad += 1
        self._remember(line, why)

    def refuse_picture(self, line: int, why: str) -> None:
        """Count a picture that is not taken; its item is."""
        self.bad_pictures += 1
        self._remember(line, why)

    def check(self, *, ended: bool) -> None:
        """Raises InvalidInput where the file is not worth taking."""
        if ended and not self.rows:
            raise InvalidInput(f"{self.file} holds no rows.")
        if (ended or self.rows >= _EARLY_ROWS) and self.bad > MAX_BAD_SHARE * self.rows:
            first = self.lines[0]
            raise InvalidInput(
                f"{self.bad:,} of {self.rows:,} rows of {self.file} can't be taken, so nothing was "
                f"imported. The first is on line {first.line:,}: {first.why}."
            )

    def _remember(self, line: int, why: str) -> None:
        if len(self.lines) < SHOWN_BAD_ROWS:
            self.lines.append(BadLine(file=self.file, line=line, why=why))
