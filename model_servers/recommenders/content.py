"""Content: items whose words and looks are like those of the history."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from model_servers.recommenders.arrays import load_arrays, save_arrays
from model_servers.recommenders.contract import (
    History,
    Interactions,
    Progress,
    Recommender,
    heaviest,
    ignore,
)
from model_servers.recommenders.errors import RecommenderError
from model_servers.recommenders.popularity import small_shares


class Content(Recommender):
    """Scores an item by the cosine of its embedding with the mean of the history's.

    Args:
        embeddings: (n_items, d); of words, of pictures, or both beside each other.
        recency: how much less an event counts than the one after it, 1 counts all alike.
    """

    name: ClassVar[str] = "content"

    def __init__(self, embeddings: NDArray[np.float32], *, recency: float = 0.9) -> None:
        lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
        self._units = (embeddings / np.maximum(lengths, 1e-9)).astype(np.float32)
        self._recency = recency
        self._popular: NDArray[np.float32] = np.zeros(len(embeddings), dtype=np.float32)

    def fit(self, train: Interactions, *, seed: int = 0, progress: Progress = ignore) -> None:
        if train.n_items != len(self._units):
            raise RecommenderError(
                f"There are embeddings of {len(self._units)} items, and {train.n_items} items."
            )
        self._popular = small_shares(np.asarray(train.matrix().sum(axis=0), dtype=np.float32))
        progress(1.0)

    def scores(self, histories: Sequence[History]) -> NDArray[np.float32]:
        wanted = np.zeros((len(histories), self._units.shape[1]), dtype=np.float32)
        for row, history in enumerate(histories):
            if len(history):
                past = np.asarray(history, dtype=np.intp)
                weights = self._recency ** np.arange(len(past) - 1, -1, -1, dtype=np.float32)
                wanted[row] = weights @ self._units[past] / weights.sum()
        return np.asarray(wanted @ self._units.T + self._popular, dtype=np.float32)

    def because(self, history: History, items: Sequence[int]) -> list[int | None]:
        past = np.asarray(history, dtype=np.intp)
        weights = self._recency ** np.arange(len(past) - 1, -1, -1)
        return heaviest(weights * (self._units[list(items)] @ self._units[past].T), past)

    def save(self, folder: Path) -> None:
        save_arrays(
            folder,
            units=self._units,
            popular=self._popular,
            recency=np.array(self._recency),
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        units, popular, recency = load_arrays(folder, "units", "popular", "recency")
        model = cls(units, recency=float(recency))
        model._popular = popular
        return model
