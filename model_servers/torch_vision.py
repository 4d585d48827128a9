"""Vision models of the hub on torch: their weights, how their pictures are prepared, one pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from model_servers.contracts import ItemError, WeightsError
from model_servers.images import Image

Item = TypeVar("Item")
Found = TypeVar("Found")


class TorchVision:
    """A network and what prepares its pictures, both as transformers saves them.

    Args:
        kind: the class of transformers that opens the network, such as
            "AutoModelForObjectDetection".
        folder: the weights as safetensors, config.json and preprocessor_config.json.
        device: such as "cuda"; None takes what there is.

    Raises WeightsError where the folder does not hold such a model.
    """

    def __init__(self, kind: str, folder: Path, device: str | None) -> None:
        import torch
        import transformers

        # transformers leaves the loading of processors untyped.
        processors: Any = transformers.AutoImageProcessor
        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        try:
            # The other backend needs torchvision; and weights in a pickle could run code.
            self.processor: Any = processors.from_pretrained(
                str(folder), backend="pil", local_files_only=True
            )
            model: Any = getattr(transformers, kind).from_pretrained(
                str(folder), dtype=torch.float32, use_safetensors=True, local_files_only=True
            )
        except (OSError, ValueError) as error:
            raise WeightsError(
                f"The files of {folder.name} can't be opened as a model of their kind; pull them "
                "again."
            ) from error
        self.model: Any = model.to(self._device).eval()

    def look(self, images: Sequence[Image] | Sequence[Sequence[Image]], **inputs: Any) -> Any:
        """What the network makes of pictures, or of videos as their frames, all in one pass.

        Args:
            inputs: further tensors that the network takes.
        """
        import torch

        # A picture one or three pixels high would be taken for one whose colours come first.
        prepared = self.processor(
            list(images), input_data_format="channels_last", return_tensors="pt"
        )
        inputs = {"pixel_values": prepared["pixel_values"]} | inputs
        with torch.inference_mode():
            return self.model(**{name: value.to(self._device) for name, value in inputs.items()})


def each_good(
    items: Sequence[Item],
    wrong: Callable[[Item], ItemError | None],
    look: Callable[[list[Item]], Sequence[Found]],
) -> list[Found | ItemError]:
    """What `look` finds in the items that nothing is wrong with, together; errors for the rest."""
    errors = [wrong(item) for item in items]
    good = [item for item, error in zip(items, errors, strict=True) if error is None]
    found = iter(look(good) if good else ())
    return [next(found) if error is None else error for error in errors]


def free_gpu_memory() -> None:
    """Gives back what torch keeps of a GPU's memory for models to come; nothing without a GPU."""
    import torch

    torch.cuda.empty_cache()
