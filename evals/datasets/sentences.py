"""Sentences to say: one a row, with its language where that is told."""

from __future__ import annotations

from pathlib import Path

from evals.datasets.classification import TEXT_COLUMNS
from evals.datasets.reading import Reading, RowError, first_of, text_in
from evals.task import Dataset

LANGUAGE_COLUMNS = ("language", "lang", "locale")


def sentences(path: Path) -> Dataset:
    """The texts of CSV, TSV or JSONL files, and the lines of text files.

    Args:
        path: a file, or a folder of them.

    Returns:
        inputs {"text"}, gold the same text; a column such as "language" becomes that group.

    Raises:
        DatasetError: there is no such file, or no row that can be read.
    """
    reading = Reading(
        path,
        "text files with a sentence a line, or CSV, TSV or JSONL files with a text column"
        f" ({', '.join(TEXT_COLUMNS)})",
    )
    for file in reading.files("*.csv", "*.tsv", "*.jsonl", "*.txt"):
        if file.suffix.lower() == ".txt":
            for line, row in reading.lines(file):
                if row.strip():
                    with reading.row(file, line):
                        _add(reading, f"{file.stem}:{line}", row, {})
            continue
        for line, record in reading.records(file):
            with reading.row(file, line):
                column = first_of(TEXT_COLUMNS, list(record))
                if column is None:
                    raise RowError(f"has only {', '.join(map(repr, record)) or 'nothing'}")
                said = first_of(LANGUAGE_COLUMNS, list(record))
                language = record[said] if said else None
                known = isinstance(language, str) and 0 < len(language) <= 40
                groups = {"language": str(language)} if known else {}
                _add(reading, f"{file.stem}:{line}", text_in(record, column), groups)
    return reading.dataset()


def _add(reading: Reading, id: str, text: str, groups: dict[str, str]) -> None:
    reading.add(id, {"text": text.strip()}, text.strip(), groups)
