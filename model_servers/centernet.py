"""CenterNet on MobileNetV3, a detector of 80 classes: an object is the peak at its middle.

Objects as Points, Zhou et al. 2019; this one gives the distances to the four edges of the box.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from model_servers.boxes import Boxes, Floats, suppress
from model_servers.images import Image, letterbox
from model_servers.onnx_session import open_session

SIDE = 512
STRIDE = 4
SAME_OBJECT = 0.6
_GREY = 127


def build(folder: Path, target: Path) -> None:
    """Converts the published graph in `folder`, up to its two maps, to ONNX."""
    from model_servers.tfjs_graph import convert

    maps = {"scores": "tower_0/keypoints", "distances": "tower_0/wh"}
    convert(folder / "centernet.json", folder / "centernet.bin", target, maps)


class CenterNet:
    """The network, ready to look.

    Args:
        path: the ONNX file that `build` writes.
        threads: that one look may use.
    """

    def __init__(self, path: Path, threads: int) -> None:
        self._session = open_session(path, threads)

    def look(self, image: Image, least: float) -> Boxes:
        """What it sees with a score of at least `least`, in the picture's pixels."""
        inside = letterbox(image, SIDE, _GREY)
        scores, distances = self._session.run(
            ["scores", "distances"], {"image": inside.square[None].astype(np.float32)}
        )
        boxes = suppress(read_maps(scores[0], distances[0], least), SAME_OBJECT)
        return boxes._replace(edges=inside.boxes_in_picture(boxes.edges, image.shape[:2]))


def read_maps(scores: Floats, distances: Floats, least: float) -> Boxes:
    """Boxes in the square's pixels, at the peaks of each class's map.

    Args:
        scores: (rows, columns, classes).
        distances: (rows, columns, 4), from a point to the left, top, right and bottom, in pixels.
        least: the score below which a peak is none.
    """
    rows, columns, classes = np.nonzero(scores >= least)
    padded = np.pad(scores, ((1, 1), (1, 1), (0, 0)))
    around = [padded[rows + y, columns + x, classes] for y in range(3) for x in range(3)]
    peaks = scores[rows, columns, classes] >= np.max(around, axis=0) if len(rows) else slice(0)
    rows, columns, classes = rows[peaks], columns[peaks], classes[peaks]
    centres = np.stack([columns, rows], axis=1) * STRIDE
    reach = distances[rows, columns]
    edges = np.concatenate([centres - reach[:, :2], centres + reach[:, 2:]], axis=1)
    return Boxes(edges.astype(np.float32), scores[rows, columns, classes], classes)
