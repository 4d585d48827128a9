"""What kind of thing each point of a picture belongs to, by SegFormer (Xie et al. 2021) on torch;
for the gpu profile."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model_servers.contracts import ItemError
from model_servers.images import Image, wrong_image
from model_servers.torch_vision import TorchVision, each_good, free_gpu_memory

_SIDE = 512
"""The longer side at which kinds are told apart: every kind has a score for each of its points."""


class Scene(NamedTuple):
    """`kinds` (h, w), uint16, are places in `names`: one for each point of the picture."""

    kinds: NDArray[np.uint16]
    names: tuple[str, ...]


class SegFormer:
    """For each picture its `Scene`.

    Args:
        folder: a SegFormer, or another network for semantic segmentation.
        device: such as "cuda"; None takes what there is.
    """

    memory_mb: ClassVar[float] = 1_000
    max_batch: ClassVar[int] = 8

    def __init__(self, folder: Path, *, device: str | None = None) -> None:
        self._folder = folder
        self._device = device
        self._network: TorchVision | None = None
        self._names: tuple[str, ...] = ()

    def load(self) -> None:
        self._network = TorchVision("AutoModelForSemanticSegmentation", self._folder, self._device)
        config = self._network.model.config
        self._names = tuple(config.id2label[place] for place in range(config.num_labels))

    def predict(self, batch: Sequence[Image]) -> list[Scene | ItemError]:
        return each_good(batch, wrong_image, self._look)

    def unload(self) -> None:
        self._network = None
        free_gpu_memory()

    def _look(self, images: list[Image]) -> list[Scene]:
        assert self._network is not None
        maps = self._network.processor.post_process_semantic_segmentation(
            self._network.look(images), target_sizes=[_small(image) for image in images]
        )
        return [
            Scene(_enlarged(found, image), self._names)
            for found, image in zip(maps, images, strict=True)
        ]


def _small(image: Image) -> tuple[int, int]:
    """Height and width at which the picture's longer side is at most `_SIDE`."""
    height, width = image.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _enlarged(found: Any, image: Image) -> NDArray[np.uint16]:
    """A map of kinds in the picture's own size."""
    import cv2

    height, width = image.shape[:2]
    kinds = found.cpu().numpy().astype(np.uint16)
    return np.asarray(cv2.resize(kinds, (width, height), interpolation=cv2.INTER_NEAREST))
