"""What the loaders of boxes share: where an image lies, and the form of a gold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from pydantic import JsonValue

from evals.datasets.reading import RowError


def gold_box(
    label: str,
    edges: Sequence[float],
    size: tuple[float, float],
    *,
    crowd: bool = False,
    polygons: Sequence[Sequence[float]] = (),
) -> dict[str, JsonValue]:
    """One object: its label, its box and its outlines.

    Args:
        edges: left, top, right and bottom in pixels; what stands over the image is cut off.
        size: the image's width and height in pixels.
        crowd: COCO's mark of a group too dense to tell apart, which is no miss.
        polygons: x and y in turns, in pixels.

    Raises:
        RowError: the box has no area inside the image.
    """
    width, height = size
    if not all(map(math.isfinite, edges)):
        raise RowError("has a box that is not finite")
    left, top, right, bottom = edges
    box = [max(left, 0.0), max(top, 0.0), min(right, width), min(bottom, height)]
    if box[0] >= box[2] or box[1] >= box[3]:
        raise RowError("has a box without area")
    found: dict[str, JsonValue] = {
        "label": label,
        "box": [round(edge, 3) for edge in box],
        "crowd": crowd,
    }
    if polygons:
        found["polygons"] = [[round(value, 3) for value in polygon] for polygon in polygons]
    return found


def file_within(root: Path, name: str, folders: Sequence[str] = ("",)) -> Path:
    """The file of that name in one of the root's folders, and never outside the root.

    Raises RowError where there is none.
    """
    for folder in folders:
        file = root / folder / name
        try:
            if file.is_file() and file.resolve().is_relative_to(root.resolve()):
                return file
        except (OSError, ValueError):  # a name that no file can have
            break
    raise RowError(f"names a file that is not there: {name[:80]!r}")
