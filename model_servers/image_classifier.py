"""What a picture shows as a whole: one of ImageNet's 1,000 classes, and features to compare by."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model_servers.contracts import ItemError, WeightsError
from model_servers.efficientnet import FEATURES, SIDE
from model_servers.images import Image, resize, wrong_image
from model_servers.onnx_session import open_session

CLASSES = 1000
LIKELIEST = 20
"""Classes that a glance tells."""
DIMENSIONS = FEATURES
# The part of the shorter side that is looked at, as its authors evaluate it.
_SHARE = SIDE / (SIDE + 32)


class Glance(NamedTuple):
    """What the network makes of a picture.

    `classes` are the likeliest of ImageNet's classes by their English names, with their
    probabilities; `features` (1280) have length 1: their dot product says how alike two pictures
    are.
    """

    classes: tuple[tuple[str, float], ...]
    features: NDArray[np.float32]


class ImageClassifier:
    """A `Glance` at each picture, by EfficientNet-Lite0.

    Args:
        path: the ONNX file that `efficientnet.build` writes.
        names: a JSON list of what the classes are called.
        threads: that one run may use.
    """

    memory_mb: ClassVar[float] = 100
    max_batch: ClassVar[int] = 8

    def __init__(self, path: Path, names: Path, threads: int) -> None:
        self._path = path
        self._names_path = names
        self._threads = threads
        self._names: tuple[str, ...] = ()
        self._session: Any = None

    def load(self) -> None:
        self._names = _read_names(self._names_path)
        self._session = open_session(self._path, self._threads)

    def predict(self, batch: Sequence[Image]) -> list[Glance | ItemError]:
        wrong = [wrong_image(image) for image in batch]
        good = [_prepared(i) for i, error in zip(batch, wrong, strict=True) if error is None]
        rows = iter(self._rows(np.stack(good)) if good else ())
        return [next(rows) if error is None else error for error in wrong]

    def unload(self) -> None:
        self._session = None

    def _rows(self, images: NDArray[np.float32]) -> list[Glance]:
        scores, features = self._session.run(["scores", "features"], {"image": images})
        features = features / np.linalg.norm(features, axis=1, keepdims=True)
        return [
            Glance(likeliest(row, self._names), seen)
            for row, seen in zip(scores, features, strict=True)
        ]


def _prepared(image: Image) -> NDArray[np.float32]:
    """The middle of the picture, (3, 224, 224)."""
    height, width = image.shape[:2]
    side = max(1, round(min(height, width) * _SHARE))
    top, left = (height - side) // 2, (width - side) // 2
    middle = resize(image[top : top + side, left : left + side], SIDE, SIDE)
    values = (middle.astype(np.float32) - np.float32(127)) / np.float32(128)
    return np.asarray(values.transpose(2, 0, 1), dtype=np.float32)


def likeliest(scores: NDArray[np.float32], names: Sequence[str]) -> tuple[tuple[str, float], ...]:
    """The names of the best classes with their scores; classes of one name count together."""
    total: dict[str, float] = {}
    for place in np.argsort(-scores, kind="stable")[: 2 * LIKELIEST]:
        total[names[place]] = total.get(names[place], 0.0) + float(scores[place])
    return tuple(sorted(total.items(), key=lambda item: -item[1])[:LIKELIEST])


def _read_names(path: Path) -> tuple[str, ...]:
    """What ImageNet's classes are called, in order. Raises WeightsError."""
    names = json.loads(path.read_text("utf-8"))
    if len(names) != CLASSES:
        raise WeightsError(f"There are {len(names)} names for {CLASSES} classes.")
    return tuple(names)
