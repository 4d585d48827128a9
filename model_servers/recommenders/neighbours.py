"""Neighbours: items that the same people took (item-kNN), people that took the same (user-kNN).

Both by cosine similarity of 0/1 columns or rows, shrunk towards zero where few events speak for it:
Sarwar et al. 2001, "Item-based collaborative filtering recommendation algorithms".
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

from model_servers.recommenders.arrays import load_arrays, load_sparse, save_arrays, sparse_parts
from model_servers.recommenders.contract import (
    History,
    Interactions,
    Progress,
    Recommender,
    heaviest,
    history_matrix,
    ignore,
)
from model_servers.recommenders.popularity import small_shares

_ROWS_AT_ONCE = 512


class ItemKnn(Recommender):
    """Scores an item by its similarity to those of the history.

    Args:
        neighbours: kept of each item.
        shrink: added to the number of people behind a similarity.
    """

    name: ClassVar[str] = "item_knn"

    def __init__(self, *, neighbours: int = 300, shrink: float = 50.0) -> None:
        self._neighbours = neighbours
        self._shrink = shrink
        self._similar = csr_array((0, 0), dtype=np.float32)
        self._popular: NDArray[np.float32] = np.zeros(0, dtype=np.float32)

    def fit(self, train: Interactions, *, seed: int = 0, progress: Progress = ignore) -> None:
        taken = train.matrix()
        columns = taken.T.tocsr()
        people = np.asarray(taken.sum(axis=0), dtype=np.float32)
        lengths = np.sqrt(people)
        kept: list[csr_array] = []
        for start in range(0, train.n_items, _ROWS_AT_ONCE):
            both = (columns[start : start + _ROWS_AT_ONCE] @ taken).tocsr()
            kept.append(self._nearest(both, start, lengths))
            progress(min(1.0, (start + _ROWS_AT_ONCE) / train.n_items))
        from scipy.sparse import vstack

        self._similar = csr_array(vstack(kept, format="csr"))
        self._popular = small_shares(people)

    def _nearest(self, both: csr_array, start: int, lengths: NDArray[np.float32]) -> csr_array:
        """The similarities of some rows of items, the highest of each row alone."""
        for row in range(both.shape[0]):
            begin, end = both.indptr[row], both.indptr[row + 1]
            columns, counts = both.indices[begin:end], both.data[begin:end]
            cosine = counts / (lengths[start + row] * lengths[columns] + self._shrink)
            cosine[columns == start + row] = 0.0
            if len(cosine) > self._neighbours:
                least = np.partition(cosine, -self._neighbours)[-self._neighbours]
                cosine[cosine < least] = 0.0
            both.data[begin:end] = cosine
        both.eliminate_zeros()
        return both

    def scores(self, histories: Sequence[History]) -> NDArray[np.float32]:
        taken = history_matrix(histories, len(self._popular))
        # The similarities' rows are the items that are scored.
        return np.asarray((taken @ self._similar.T).toarray() + self._popular, dtype=np.float32)

    def because(self, history: History, items: Sequence[int]) -> list[int | None]:
        past = np.asarray(history, dtype=np.intp)
        return heaviest(self._similar[list(items)].toarray()[:, past], past)

    def save(self, folder: Path) -> None:
        save_arrays(folder, popular=self._popular, **sparse_parts(self._similar))

    @classmethod
    def load(cls, folder: Path) -> Self:
        model = cls()
        model._similar = load_sparse(folder)
        (model._popular,) = load_arrays(folder, "popular")
        return model


class UserKnn(Recommender):
    """Scores an item by the people who took it and are most like the history.

    Args:
        neighbours: people that are asked.
        shrink: added to the lengths behind a similarity.
    """

    name: ClassVar[str] = "user_knn"

    def __init__(self, *, neighbours: int = 20, shrink: float = 20.0) -> None:
        self._neighbours = neighbours
        self._shrink = shrink
        self._taken = csr_array((0, 0), dtype=np.float32)
        self._popular: NDArray[np.float32] = np.zeros(0, dtype=np.float32)

    def fit(self, train: Interactions, *, seed: int = 0, progress: Progress = ignore) -> None:
        self._taken = train.matrix()
        self._popular = small_shares(np.asarray(self._taken.sum(axis=0), dtype=np.float32))
        progress(1.0)

    def scores(self, histories: Sequence[History]) -> NDArray[np.float32]:
        own = history_matrix(histories, len(self._popular))
        both = (own @ self._taken.T).toarray()
        own_lengths = np.sqrt(np.asarray(own.sum(axis=1)))
        lengths = np.sqrt(np.asarray(self._taken.sum(axis=1)))
        similar = both / (own_lengths[:, None] * lengths[None, :] + self._shrink)
        if similar.shape[1] > self._neighbours:
            least = np.partition(similar, -self._neighbours, axis=1)[:, [-self._neighbours]]
            similar[similar < least] = 0.0
        # An average: whoever took much is not heard more for one item.
        weights = diags_array(1.0 / np.maximum(similar.sum(axis=1), 1e-9)) @ similar
        return np.asarray(weights @ self._taken + self._popular, dtype=np.float32)

    def save(self, folder: Path) -> None:
        settings = np.array([self._neighbours, self._shrink])
        save_arrays(folder, settings=settings, popular=self._popular, **sparse_parts(self._taken))

    @classmethod
    def load(cls, folder: Path) -> Self:
        settings, popular = load_arrays(folder, "settings", "popular")
        model = cls(neighbours=int(settings[0]), shrink=float(settings[1]))
        model._taken = load_sparse(folder)
        model._popular = popular
        return model
