"""Popularity: what most people took, for everybody alike. What all others must beat."""

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
    ignore,
)


class Popularity(Recommender):
    """Scores an item by the number of people that did anything with it."""

    name: ClassVar[str] = "popularity"

    def __init__(self) -> None:
        self.people: NDArray[np.float32] = np.zeros(0, dtype=np.float32)

    def fit(self, train: Interactions, *, seed: int = 0, progress: Progress = ignore) -> None:
        self.people = np.asarray(train.matrix().sum(axis=0), dtype=np.float32)
        progress(1.0)

    def scores(self, histories: Sequence[History]) -> NDArray[np.float32]:
        return np.tile(self.people, (len(histories), 1))

    def save(self, folder: Path) -> None:
        save_arrays(folder, people=self.people)

    @classmethod
    def load(cls, folder: Path) -> Self:
        model = cls()
        (model.people,) = load_arrays(folder, "people")
        return model


def small_shares(people: NDArray[np.float32]) -> NDArray[np.float32]:
    """Popularity as shares of at most 1e-6: it settles ties, and serves who has no history."""
    most = float(people.max(initial=0.0))
    return np.asarray(people / (most or 1.0) * 1e-6, dtype=np.float32)
