"""Where people are in a picture, point by point, by MediaPipe's selfie segmentation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from model_servers.contracts import ItemError
from model_servers.images import Image, wrong_image

_SIDE = 256


class PersonMask:
    """For each picture, how likely each of its points is part of a person: float32, (h, w).

    One mask for all people. Made for people who fill much of the picture: give it the part around
    a small one.

    Args:
        path: the TensorFlow Lite file.
        threads: that one run may use.
    """

    memory_mb: ClassVar[float] = 60
    max_batch: ClassVar[int] = 4

    def __init__(self, path: Path, threads: int) -> None:
        self._path = path
        self._threads = threads
        self._interpreter: Any = None

    def load(self) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(str(self._path), num_threads=self._threads)
        self._interpreter.allocate_tensors()

    def predict(self, batch: Sequence[Image]) -> list[NDArray[np.float32] | ItemError]:
        return [wrong_image(image) or self._mask(image) for image in batch]

    def unload(self) -> None:
        self._interpreter = None

    def _mask(self, image: Image) -> NDArray[np.float32]:
        import cv2

        small = cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        source, target = (
            details[0]["index"]
            for details in (
                self._interpreter.get_input_details(),
                self._interpreter.get_output_details(),
            )
        )
        self._interpreter.set_tensor(source, small[None].astype(np.float32) / 255)
        self._interpreter.invoke()
        mask = self._interpreter.get_tensor(target)[0, :, :, 0]
        height, width = image.shape[:2]
        return np.asarray(cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR))
