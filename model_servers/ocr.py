"""Lines of text in pictures, by PP-OCRv6 (Chinese, English, Japanese and Latin scripts)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model_servers.contracts import ItemError
from model_servers.images import Image, wrong_image

_LONGEST = 4
"""How many times longer than wide, or wider than long, a picture is looked at."""
_SHORTEST = 32


class TextLine(NamedTuple):
    """A line as it was read.

    `corners` (4, 2) are x and y in the picture's pixels: top left, top right, bottom right, bottom
    left as one reads the line, which may lean or stand upright. `score` is from 0 to 1.
    """

    text: str
    corners: NDArray[np.float32]
    score: float


class TextReader:
    """The lines of each picture, in the order in which they were found.

    Args:
        threads: that one run may use.
    """

    memory_mb: ClassVar[float] = 500
    max_batch: ClassVar[int] = 1

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._engine: Any = None

    def load(self) -> None:
        from rapidocr import RapidOCR

        self._engine = RapidOCR(
            params={
                "Global.log_level": "critical",
                "EngineConfig.onnxruntime.intra_op_num_threads": self._threads,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )
        # It loads its three networks when they are first needed, which takes seconds.
        self._engine(_written_sample())

    def predict(self, batch: Sequence[Image]) -> list[list[TextLine] | ItemError]:
        return [wrong_image(image) or self._lines(image) for image in batch]

    def unload(self) -> None:
        self._engine = None

    def _lines(self, image: Image) -> list[TextLine]:
        found = self._engine(_broadened(image)[:, :, ::-1])  # blue first
        if found.boxes is None or found.txts is None:
            return []
        # Not beyond the picture: some of what was looked at may have been added.
        far = np.array(image.shape[1::-1], np.float32)
        return [
            TextLine(text, np.clip(np.asarray(corners, np.float32), 0, far), float(score))
            for text, corners, score in zip(found.txts, found.boxes, found.scores, strict=True)
        ]


def _broadened(image: Image) -> Image:
    """A long strip with enough ground of its own colour added at the right or the bottom.

    The engine scales pictures by their shorter side: it would make millions of points of a line.
    """
    height, width = image.shape[:2]
    side = max(-(-max(height, width) // _LONGEST), _SHORTEST)
    if height >= side and width >= side:
        return image
    ground = np.median(image.reshape(-1, 3), axis=0).astype(np.uint8)
    broad = np.empty((max(height, side), max(width, side), 3), np.uint8)
    broad[:] = ground
    broad[:height, :width] = image
    return broad


def _written_sample() -> Image:
    """A picture with a word on it."""
    import cv2

    page = np.full((96, 320, 3), 255, np.uint8)
    cv2.putText(page, "Sample", (20, 64), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (0, 0, 0), 3)
    return page
