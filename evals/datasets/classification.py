"""Labelled texts: CSV, TSV or JSONL with a text and a label in each row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import JsonValue

from evals.datasets.reading import Reading, RowError, first_of, text_in
from evals.task import Dataset

TEXT_COLUMNS = ("text", "sentence", "utterance", "query", "review", "content", "question", "input")
LABEL_COLUMNS = ("label", "category", "intent", "class", "sentiment", "topic", "target", "tag")
GROUP_COLUMNS = ("domain", "lang", "language", "source")
_SPLITS = {
    "train": ("train", "training"),
    "test": ("test", "testing"),
    "val": ("val", "valid", "validation", "dev"),
}


def split_of(name: str) -> str | None:
    """The split that a file's name tells of: "train", "test" or "val"."""
    words = set(re.split(r"[^a-z]+", name.lower()))
    return next((split for split, names in _SPLITS.items() if words & set(names)), None)


def labelled(path: Path, *, text: str | None = None, label: str | None = None) -> Dataset:
    """Texts with one label each, from a file or from a folder's files.

    A folder's files named after a split are read, all of them where none is; each sample's group
    "split" says which. Columns called as in GROUP_COLUMNS become groups. The id is the file's stem
    with the row's own id, or else its line.

    Args:
        path: a CSV, TSV or JSONL file, or a folder of them.
        text, label: the columns, where they are not among TEXT_COLUMNS and LABEL_COLUMNS.

    Returns:
        inputs {"text"}, gold the label as text.

    Raises:
        DatasetError: there is no such file, no such column, or no row that can be read.
    """
    texts = (text.lower(),) if text else TEXT_COLUMNS
    labels = (label.lower(),) if label else LABEL_COLUMNS
    reading = Reading(
        path,
        "CSV, TSV or JSONL files with a text column"
        f" ({', '.join(texts)}) and a label column ({', '.join(labels)})",
    )
    files = reading.files("*.csv", "*.tsv", "*.jsonl")
    for file in [f for f in files if split_of(f.stem)] or files:
        for line, row in _rows(reading, file, texts, labels):
            with reading.row(file, line):
                columns = list(row)
                text_name, label_name = first_of(texts, columns), first_of(labels, columns)
                if text_name is None or label_name is None:
                    raise RowError(f"has only {', '.join(map(repr, columns)) or 'nothing'}")
                reading.add(
                    f"{file.stem}:{_own_id(row, line)}",
                    {"text": text_in(row, text_name)},
                    _label(row[label_name]),
                    _groups(row, file),
                )
    return reading.dataset()


def _rows(
    reading: Reading, file: Path, texts: tuple[str, ...], labels: tuple[str, ...]
) -> Iterator[tuple[int, dict[str, JsonValue]]]:
    """The file's rows; a table whose header lacks a column is refused as a whole."""
    if file.suffix.lower() == ".jsonl":
        yield from reading.objects(file)
        return
    header, rows = reading.table(file)
    if first_of(texts, header) is None or first_of(labels, header) is None:
        shown = ", ".join(name[:40] for name in header[:10])
        reading.refuse(f"has a file without such columns: {file.name!r} has {shown or 'none'}")
    for line, cells in rows:
        yield line, dict(zip(header, cells, strict=True))


def _own_id(row: dict[str, JsonValue], line: int) -> str:
    value = row.get("id")
    return str(value) if isinstance(value, str | int) and str(value).strip() else str(line)


def _label(value: JsonValue) -> str:
    if isinstance(value, str | int) and str(value).strip():
        return str(value).strip()
    raise RowError("has no label")


def _groups(row: dict[str, JsonValue], file: Path) -> dict[str, str]:
    groups = {
        name: value
        for name in GROUP_COLUMNS
        if isinstance(value := row.get(name), str) and 0 < len(value) <= 40
    }
    split = split_of(file.stem)
    return groups | ({"split": split} if split else {})
