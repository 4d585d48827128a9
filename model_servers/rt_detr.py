"""Objects of 80 kinds in pictures, by RT-DETR (Lv et al. 2024) on torch; for the gpu profile."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from model_servers.boxes import Boxes
from model_servers.coco_labels import COCO_LABELS
from model_servers.contracts import ItemError, WeightsError
from model_servers.images import Image, wrong_image
from model_servers.object_detector import LEAST_SCORE, MOST_BOXES
from model_servers.torch_vision import TorchVision, each_good, free_gpu_memory


class RtDetr:
    """For each picture its `Boxes`, surest first, with places in `COCO_LABELS` as classes.

    Args:
        folder: an RT-DETR, of either version, that was trained on COCO's 80 kinds.
        device: such as "cuda"; None takes what there is.
    """

    memory_mb: ClassVar[float] = 1_000
    max_batch: ClassVar[int] = 16

    def __init__(self, folder: Path, *, device: str | None = None) -> None:
        self._folder = folder
        self._device = device
        self._network: TorchVision | None = None

    def load(self) -> None:
        network = TorchVision("AutoModelForObjectDetection", self._folder, self._device)
        # Its labels have names of their own ("sofa"), in COCO's order.
        kinds = network.model.config.num_labels
        if kinds != len(COCO_LABELS):
            raise WeightsError(
                f"{self._folder.name} tells {kinds} kinds of things apart, not COCO's "
                f"{len(COCO_LABELS)}; take one that was trained on COCO."
            )
        self._network = network

    def predict(self, batch: Sequence[Image]) -> list[Boxes | ItemError]:
        return each_good(batch, wrong_image, self._look)

    def unload(self) -> None:
        self._network = None
        free_gpu_memory()

    def _look(self, images: list[Image]) -> list[Boxes]:
        assert self._network is not None
        sizes = [image.shape[:2] for image in images]
        answers = self._network.processor.post_process_object_detection(
            self._network.look(images), threshold=LEAST_SCORE, target_sizes=sizes
        )
        return [
            Boxes(
                _inside(answer["boxes"].cpu().numpy(), size),
                answer["scores"].cpu().numpy(),
                answer["labels"].cpu().numpy(),
            ).at(np.arange(min(MOST_BOXES, len(answer["scores"]))))
            for answer, size in zip(answers, sizes, strict=True)
        ]


def _inside(edges: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Boxes cut off where they stand over a picture of this height and width."""
    height, width = size
    return np.asarray(np.clip(edges, 0, np.array([width, height] * 2, np.float32)))
