"""Where one shot of a video ends and the next begins, by TransNetV2."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from model_servers.contracts import ItemError
from model_servers.onnx_session import open_session
from model_servers.transnet import COLOURS, HEIGHT, WIDTH, WINDOW

Frames = NDArray[np.uint8]
"""Frames of a video made small: uint8, (n, 27, 48, 3), red first."""

_MARGIN = 25
"""Frames at each end of a window whose answer is not used: they lack neighbours."""
_STEP = WINDOW - 2 * _MARGIN


class ShotCuts:
    """For each video, (n,) the probability that a shot ends at each of its frames.

    Give every frame of the video, not samples. Work and memory grow with their number.

    Args:
        path: the ONNX file that `transnet.build` writes.
        threads: that one run may use.
    """

    memory_mb: ClassVar[float] = 450
    max_batch: ClassVar[int] = 1

    def __init__(self, path: Path, threads: int) -> None:
        self._path = path
        self._threads = threads
        self._session: Any = None

    def load(self) -> None:
        self._session = open_session(self._path, self._threads, arena=False)

    def predict(self, batch: Sequence[Frames]) -> list[NDArray[np.float32] | ItemError]:
        return [self._cuts(frames) for frames in batch]

    def unload(self) -> None:
        self._session = None

    def _cuts(self, frames: Frames) -> NDArray[np.float32] | ItemError:
        if frames.dtype != np.uint8 or frames.shape[1:] != (HEIGHT, WIDTH, 3) or not len(frames):
            return ItemError(
                f"Shots are found in frames of (n, {HEIGHT}, {WIDTH}, 3) bytes, at least one; "
                f"these are {frames.shape}."
            )
        found = []
        for start in range(0, len(frames), _STEP):
            # What lies before the first frame and after the last one looks as they do.
            places = np.clip(np.arange(WINDOW) + start - _MARGIN, 0, len(frames) - 1)
            window = frames[places]
            (cuts,) = self._session.run(
                ["cuts"],
                {
                    "frames": window.transpose(0, 3, 1, 2).astype(np.float32) / 255,
                    "histograms": histograms(window)[None],
                },
            )
            found.append(cuts[0, _MARGIN:-_MARGIN])
        return np.concatenate(found)[: len(frames)]


def histograms(frames: Frames) -> NDArray[np.float32]:
    """How often each of 512 colours occurs in each frame, (n, 512), as rows of length 1."""
    shades = frames.reshape(len(frames), -1, 3).astype(np.int64) >> 5
    colours = (shades[..., 0] << 6) + (shades[..., 1] << 3) + shades[..., 2]
    colours += np.arange(len(frames))[:, None] * COLOURS
    counts = np.bincount(colours.ravel(), minlength=len(frames) * COLOURS)
    rows = counts.reshape(len(frames), COLOURS).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)
