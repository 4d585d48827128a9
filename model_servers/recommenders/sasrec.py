"""SASRec: what somebody takes next, by the order in which they took what they have."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from model_servers.recommenders.contract import (
    History,
    Interactions,
    Progress,
    Recommender,
    ignore,
)
from model_servers.recommenders.errors import RecommenderError

if TYPE_CHECKING:
    from model_servers.recommenders.sasrec_network import SasRecNetwork
    from model_servers.recommenders.sasrec_training import Recipe

_SETTINGS, _WEIGHTS = "sasrec.json", "sasrec.safetensors"


class SasRec(Recommender):
    """See `sasrec_network` and `sasrec_training`.

    Args:
        recipe: how it is trained; None takes the defaults.
        length, width, heads, layers, dropout: of the network.
        checkpoints: a folder from which a fit that was cut off goes on.
    """

    name: ClassVar[str] = "sasrec"

    def __init__(
        self,
        *,
        recipe: Recipe | None = None,
        length: int = 30,
        width: int = 64,
        heads: int = 2,
        layers: int = 1,
        dropout: float = 0.3,
        checkpoints: Path | None = None,
    ) -> None:
        self._recipe = recipe
        self._shape = {
            "length": length,
            "width": width,
            "heads": heads,
            "layers": layers,
            "dropout": dropout,
        }
        self._checkpoints = checkpoints
        self._network: SasRecNetwork | None = None

    def fit(self, train: Interactions, *, seed: int = 0, progress: Progress = ignore) -> None:
        from model_servers.recommenders.sasrec_network import Shape
        from model_servers.recommenders.sasrec_training import Recipe, TrainingLoop

        shape = Shape(train.n_items, **self._shape)  # type: ignore[arg-type]
        loop = TrainingLoop(
            shape, self._recipe or Recipe(), seed=seed, checkpoints=self._checkpoints
        )
        self._network = loop.fit(train, progress).cpu()

    def scores(self, histories: Sequence[History]) -> NDArray[np.float32]:
        from model_servers.recommenders.sasrec_training import score

        if self._network is None:
            raise RecommenderError("SASRec is not trained yet.")
        return score(self._network, histories)

    def save(self, folder: Path) -> None:
        from safetensors.torch import save_file

        if self._network is None:
            raise RecommenderError("SASRec is not trained yet.")
        settings = json.dumps(asdict(self._network.shape))
        (folder / _SETTINGS).write_text(settings, encoding="utf-8")
        save_file(self._network.state_dict(), folder / _WEIGHTS)

    @classmethod
    def load(cls, folder: Path) -> Self:
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        from model_servers.recommenders.sasrec_network import SasRecNetwork, Shape

        try:
            shape = Shape(**json.loads((folder / _SETTINGS).read_bytes()))
            network = SasRecNetwork(shape)
            network.load_state_dict(load_file(folder / _WEIGHTS))
        except (OSError, ValueError, TypeError, RuntimeError, SafetensorError) as error:
            raise RecommenderError(
                f"The model in {folder.name} can't be read; train it anew."
            ) from error
        model = cls()
        model._network = network.eval()
        return model
