"""Objects of 80 kinds in pictures: two networks look, and their answers become one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from model_servers import centernet, nanodet
from model_servers.boxes import Boxes, fuse
from model_servers.centernet import CenterNet
from model_servers.contracts import ItemError
from model_servers.images import Image, wrong_image
from model_servers.nanodet import NanoDet

LEAST_SCORE = 0.05
"""Of a network's answer; what both are that unsure of is noise."""
MOST_BOXES = 100
"""That each network adds to a picture's answer; COCO's own bound."""
SAME_OBJECT = 0.6
"""The overlap at which each network's own suppression takes two boxes for one."""


_FILES = ("nanodet.onnx", "centernet.onnx")


def build(inputs: Mapping[str, Path], target: Path) -> None:
    """Converts both published graphs. The catalogue's builder."""
    target.mkdir()
    for network, file in zip((nanodet, centernet), _FILES, strict=True):
        network.build(inputs["coco-detectors-tfjs"], target / file)


class ObjectDetector:
    """For each picture its `Boxes`, surest first, with places in `COCO_LABELS` as classes.

    A score is the mean over both networks, where one that saw nothing counts as 0: what only one
    of them saw scores at most 0.5.

    Args:
        folder: what `build` writes.
        threads: that one look may use.
    """

    memory_mb: ClassVar[float] = 120
    max_batch: ClassVar[int] = 4

    def __init__(self, folder: Path, threads: int) -> None:
        self._folder = folder
        self._threads = threads
        self._networks: tuple[NanoDet, CenterNet] | None = None

    def load(self) -> None:
        nanodet_file, centernet_file = (self._folder / file for file in _FILES)
        self._networks = (
            NanoDet(nanodet_file, self._threads),
            CenterNet(centernet_file, self._threads),
        )

    def predict(self, batch: Sequence[Image]) -> list[Boxes | ItemError]:
        return [wrong_image(image) or self._look(image) for image in batch]

    def unload(self) -> None:
        self._networks = None

    def _look(self, image: Image) -> Boxes:
        assert self._networks is not None
        answers = [network.look(image, LEAST_SCORE) for network in self._networks]
        surest = [boxes.at(np.arange(min(MOST_BOXES, len(boxes.scores)))) for boxes in answers]
        return fuse(surest, SAME_OBJECT)
