"""What is being done in a video, by VideoMAE (Tong et al. 2022) on torch; for the gpu profile."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from model_servers.contracts import ItemError
from model_servers.image_classifier import likeliest
from model_servers.images import Image, wrong_image
from model_servers.torch_vision import TorchVision, each_good, free_gpu_memory

Clip = Sequence[Image]
"""Frames of some seconds of a video, in order, all of one size."""

LIKELIEST = 5
"""Actions that are told of a clip."""


class VideoMae:
    """For each clip the likeliest actions, by their English names, with their probabilities.

    It looks at a few frames (16), spread evenly over the clip; a clip of fewer has some of them
    looked at again.

    Args:
        folder: a VideoMAE that was trained to tell actions apart.
        device: such as "cuda"; None takes what there is.
    """

    memory_mb: ClassVar[float] = 1_200
    max_batch: ClassVar[int] = 8

    def __init__(self, folder: Path, *, device: str | None = None) -> None:
        self._folder = folder
        self._device = device
        self._network: TorchVision | None = None

    def load(self) -> None:
        self._network = TorchVision("AutoModelForVideoClassification", self._folder, self._device)

    def predict(self, batch: Sequence[Clip]) -> list[tuple[tuple[str, float], ...] | ItemError]:
        return each_good(batch, _wrong, self._watch)

    def unload(self) -> None:
        self._network = None
        free_gpu_memory()

    def _watch(self, clips: list[Clip]) -> list[tuple[tuple[str, float], ...]]:
        assert self._network is not None
        config = self._network.model.config
        logits = self._network.look([_spread(clip, config.num_frames) for clip in clips]).logits
        names = [config.id2label[place] for place in range(config.num_labels)]
        return [likeliest(row, names)[:LIKELIEST] for row in logits.softmax(dim=1).cpu().numpy()]


def _wrong(clip: Clip) -> ItemError | None:
    if not len(clip):
        return ItemError("The clip has no frames; send at least one.")
    if len({frame.shape for frame in clip}) > 1:
        return ItemError("The frames of a clip have one size; these have several.")
    return wrong_image(clip[0])


def _spread(clip: Clip, count: int) -> list[Image]:
    """So many frames, from the middles of equal parts of the clip."""
    places = (np.arange(count) + 0.5) * len(clip) / count
    return [clip[int(place)] for place in places]
