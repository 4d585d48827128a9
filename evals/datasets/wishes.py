"""Wishes to a shop, with the constraints that can be checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evals.datasets.reading import Reading, RowError
from evals.task import Dataset

_NUMBERS = ("count", "below", "at_most", "at_least")
_LISTS = ("any_of", "none_of", "without")
_TEXTS = ("customer", "like", "cheaper_than")


def wishes(path: Path) -> Dataset:
    """The file `wishes.jsonl` of a folder with a shop: `request`, and what it asks for beside it.

    Returns:
        inputs {"request"}, gold the rest, as `WishesMet` reads it.

    Raises:
        DatasetError: there is no such file, or no row that can be read.
    """
    reading = Reading(path, "a folder with wishes.jsonl, items.csv and interactions.csv")
    for file in reading.files("wishes.jsonl"):
        for line, record in reading.records(file):
            with reading.row(file, line):
                request = record.pop("request", None)
                if not isinstance(request, str) or not request.strip():
                    raise RowError("has no request")
                for name, value in record.items():
                    _check(name, value)
                reading.add(f"wish-{line}", {"request": request}, record, {})
    return reading.dataset()


def _check(name: str, value: Any) -> None:
    if name in _NUMBERS:
        right = isinstance(value, int | float) and not isinstance(value, bool)
    elif name in _LISTS:
        right = isinstance(value, list) and all(isinstance(each, str) for each in value)
    else:
        right = name in _TEXTS and isinstance(value, str)
    if not right:
        raise RowError(f"{name!r} is not known, or is not what it should be")
