"""Pages that are described, and printed where they are needed: a text, and how it is printed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from evals.datasets.reading import Reading, RowError, number_in, text_in
from evals.task import Dataset

SIZES_PX, TURNED_DEG, NOISE = (6, 200), (-45, 45), (0, 100)
"""What a page may be like, from and to."""
_SMALL_PX = 20


def printed_pages(path: Path) -> Dataset:
    """The rows of a JSONL file: `text` with its line breaks, `language`, `font`, `size_px`,
    `turned_deg` (against the clock) and `noise` (standard deviation, of 255 greys).

    Returns:
        inputs {"page": the row without its language}, gold the text; the language becomes that
        group, and group "print" tells what is hard: "turned", "noisy", "small" or "clean".

    Raises:
        DatasetError: there is no such file, or no row that can be read.
    """
    reading = Reading(path, "a JSONL file of pages: text, language, font, size_px …")
    for file in reading.files("*.jsonl"):
        for line, row in reading.objects(file):
            with reading.row(file, line):
                text = text_in(row, "text")
                page: dict[str, JsonValue] = {
                    "text": text,
                    "font": text_in(row, "font"),
                    "size_px": round(_within(row, "size_px", SIZES_PX)),
                    "turned_deg": _within(row, "turned_deg", TURNED_DEG),
                    "noise": _within(row, "noise", NOISE),
                }
                groups = {"language": text_in(row, "language"), "print": _hard(row)}
                reading.add(f"{file.stem}:{line}", {"page": page}, text, groups)
    return reading.dataset()


def _within(row: Mapping[str, JsonValue], name: str, bounds: tuple[float, float]) -> float:
    value = number_in(row, name)
    if not bounds[0] <= value <= bounds[1]:
        raise RowError(f"has {name} {value:g}, not {bounds[0]:g} to {bounds[1]:g}")
    return value


def _hard(row: Mapping[str, JsonValue]) -> str:
    if row["turned_deg"]:
        return "turned"
    if row["noise"]:
        return "noisy"
    return "small" if number_in(row, "size_px") < _SMALL_PX else "clean"
