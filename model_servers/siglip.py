"""How well a caller's own labels fit a picture, by SigLIP (Zhai et al. 2023) on torch; for the gpu
profile."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model_servers.contracts import ItemError, WeightsError
from model_servers.images import Image, wrong_image
from model_servers.torch_vision import TorchVision, each_good, free_gpu_memory

_SENTENCE = "this is a photo of {}."
"""What its authors put a label into."""


class PictureAndLabels(NamedTuple):
    """A picture, and at least one label that it may fit, in any of the model's languages."""

    image: Image
    labels: tuple[str, ...]


class SigLip:
    """For each picture the share of each of its labels, float32 (labels), in their order.

    The shares add up to less than 1: what is missing is the share of "none of these".

    Args:
        folder: a SigLIP of one picture size, of either version, with its tokenizer.
        device: such as "cuda"; None takes what there is.
    """

    memory_mb: ClassVar[float] = 1_800
    max_batch: ClassVar[int] = 16

    def __init__(self, folder: Path, *, device: str | None = None) -> None:
        self._folder = folder
        self._device = device
        self._network: TorchVision | None = None
        self._tokenizer: Any = None

    def load(self) -> None:
        from transformers import AutoTokenizer

        self._network = TorchVision("AutoModel", self._folder, self._device)
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(
                str(self._folder), local_files_only=True
            )
        except (OSError, ValueError) as error:
            raise WeightsError(
                f"The tokenizer of {self._folder.name} can't be opened; pull the model again."
            ) from error

    def predict(self, batch: Sequence[PictureAndLabels]) -> list[NDArray[np.float32] | ItemError]:
        return each_good(batch, _wrong, self._fit)

    def unload(self) -> None:
        self._network = self._tokenizer = None
        free_gpu_memory()

    def _fit(self, items: list[PictureAndLabels]) -> list[NDArray[np.float32]]:
        """All pictures with all labels in one pass: often they are the same labels."""
        assert self._network is not None
        labels = list(dict.fromkeys(label for item in items for label in item.labels))
        tokens = self._tokenizer(
            # It was trained on small letters, and on sentences padded to its full length.
            [_SENTENCE.format(label.lower()) for label in labels],
            padding="max_length",
            truncation=True,
            max_length=self._network.model.config.text_config.max_position_embeddings,
            return_tensors="pt",
        )
        found = self._network.look([item.image for item in items], input_ids=tokens["input_ids"])
        logits = found.logits_per_image.float().cpu().numpy()
        return [
            _shares(logits[row, [labels.index(label) for label in item.labels]])
            for row, item in enumerate(items)
        ]


def _wrong(item: PictureAndLabels) -> ItemError | None:
    if not item.labels:
        return ItemError("There is no label to compare the picture with; give at least one.")
    return wrong_image(item.image)


def _shares(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Softmax beside "none of these", whose logit is 0: each label alone is as likely as not
    there."""
    top = max(float(logits.max()), 0.0)
    raised = np.exp(logits - top)
    return np.asarray(raised / (raised.sum() + np.exp(-top)), dtype=np.float32)
