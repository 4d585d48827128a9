"""NanoDet, an anchor-free detector of 80 classes: from a picture to boxes.

Each point of three grids gives 80 scores, and for each edge of its box a distribution over 0 to 10
steps of the grid, whose mean is the distance (generalised focal loss, Li et al. 2020).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from model_servers.boxes import Boxes, Floats, join, suppress
from model_servers.images import Image, letterbox
from model_servers.onnx_session import open_session

SIDE = 416
STRIDES = (8, 16, 32)
BINS = 11
SAME_OBJECT = 0.6
"""Overlap from which on two boxes of a class are one object, as its authors have it."""
# As the network was trained: blue first, each less the mean of its training pictures.
_MEANS = np.array([103.53, 116.28, 123.675], np.float32)
_DEVIATIONS = np.array([57.375, 57.12, 58.395], np.float32)
_GREY = 114


def build(folder: Path, target: Path) -> None:
    """Converts the published graph in `folder` to ONNX."""
    from model_servers.tfjs_graph import convert

    scores = {f"scores_{s}": f"Identity{n}" for s, n in zip(STRIDES, ("", "_1", "_2"), strict=True)}
    bins = {f"bins_{s}": f"Identity_{n}" for s, n in zip(STRIDES, (3, 4, 5), strict=True)}
    convert(folder / "nanodet.json", folder / "nanodet.bin", target, scores | bins)


class NanoDet:
    """The network, ready to look.

    Args:
        path: the ONNX file that `build` writes.
        threads: that one look may use.
    """

    def __init__(self, path: Path, threads: int) -> None:
        self._session = open_session(path, threads)
        self._names = [output.name for output in self._session.get_outputs()]

    def look(self, image: Image, least: float) -> Boxes:
        """What it sees with a score of at least `least`, in the picture's pixels."""
        inside = letterbox(image, SIDE, _GREY)
        values = (inside.square[:, :, ::-1].astype(np.float32) - _MEANS) / _DEVIATIONS
        found = self._session.run(None, {"image": values.transpose(2, 0, 1)[None]})
        answers = dict(zip(self._names, found, strict=True))
        boxes = suppress(read_answers(answers, least), SAME_OBJECT)
        return boxes._replace(edges=inside.boxes_in_picture(boxes.edges, image.shape[:2]))


def read_answers(answers: Mapping[str, Any], least: float) -> Boxes:
    """Boxes in the square's pixels, several for an object.

    Args:
        answers: scores_S (1, points, 80) and bins_S (1, points, 4 × 11) for each stride S.
        least: the score below which a box is not worth reading.
    """
    levels = []
    for stride in STRIDES:
        scores = answers[f"scores_{stride}"][0]
        points, classes = np.nonzero(scores >= least)
        distances = _mean_bins(answers[f"bins_{stride}"][0][points]) * stride
        columns = SIDE // stride
        centres = (np.stack([points % columns, points // columns], axis=1) + 0.5) * stride
        edges = np.concatenate([centres - distances[:, :2], centres + distances[:, 2:]], axis=1)
        levels.append(Boxes(edges.astype(np.float32), scores[points, classes], classes))
    return join(levels)


def _mean_bins(bins: Floats) -> Floats:
    """The mean of each edge's distribution, shape (n, 4), from logits (n, 4 × 11)."""
    logits = bins.reshape(len(bins), 4, BINS)
    shares = np.exp(logits - logits.max(axis=2, keepdims=True))
    shares /= shares.sum(axis=2, keepdims=True)
    return np.asarray(shares @ np.arange(BINS, dtype=np.float32), dtype=np.float32)
