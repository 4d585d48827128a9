"""Masks: black and white pictures beside photos."""

from __future__ import annotations

import io
from pathlib import Path

from pydantic import JsonValue

from evals.datasets.boxes import file_within
from evals.datasets.pictures import PICTURE_SUFFIXES
from evals.datasets.reading import Reading, RowError
from evals.metrics.masks import mask_of
from evals.task import Dataset

_LIGHT = 128
"""From which brightness on, of 255, a mask's pixel is inside."""


def masks(path: Path) -> Dataset:
    """Photos of `images/` with the masks of `masks/`, PNG files by the same name: white inside.

    Returns:
        inputs {"image": path}, gold {"size": [height, width], "counts": COCO's run lengths}.

    Raises:
        DatasetError: there is no such folder, or no mask that can be read.
    """
    reading = Reading(path, "images/ and masks/*.png by the same names")
    if path.is_file():
        reading.refuse("is a file")
    for file in reading.files("masks/*.png"):
        with reading.row(file, 1):
            photo = _photo(path, file.stem)
            reading.add(file.stem, {"image": str(photo)}, _mask(reading, file))
    return reading.dataset()


def _photo(root: Path, stem: str) -> Path:
    for suffix in PICTURE_SUFFIXES:
        try:
            return file_within(root, f"{stem}{suffix}", ("images",))
        except RowError:
            continue
    raise RowError(f"is of a photo that is not there: {stem[:80]!r}")


def _mask(reading: Reading, file: Path) -> dict[str, JsonValue]:
    import numpy as np
    from PIL import Image

    try:
        with Image.open(io.BytesIO(reading.data(file))) as opened:
            brightness = np.asarray(opened.convert("L"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise RowError("is no picture that can be read") from error
    return mask_of(brightness >= _LIGHT)
