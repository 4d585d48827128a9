"""What every recommender is: fitted on interactions, it scores all items for a history.

A history is what one person did, oldest first, as item numbers. Scoring takes histories and not
user numbers, so that what somebody did a moment ago counts at once, and somebody new is served by
the first click without a new fit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Progress = Callable[[float], None]
"""Is told how far a fit is, from 0 to 1."""

History = Sequence[int] | NDArray[np.int32]
"""Item numbers, oldest first; empty for somebody of whom nothing is known."""


def ignore(_: float) -> None:
    """A Progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class Interactions:
    """What people did, one row an event, in order of time. Arrays have one length, n.

    Attributes:
        users: int32, numbers below `n_users`.
        items: int32, numbers below `n_items`.
        values: float32; how much each counts: a rating, or the weight of its kind of event.
        times: int64, seconds since 1970.
        n_users, n_items: how many there are, with those of whom no event tells.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    values: NDArray[np.float32]
    times: NDArray[np.int64]
    n_users: int
    n_items: int

    def __len__(self) -> int:
        return len(self.users)

    def histories(self) -> list[NDArray[np.int32]]:
        """Every user's items, oldest first; events of the same second stay in their order."""
        order = np.argsort(self.users, kind="stable")
        ends = np.cumsum(np.bincount(self.users, minlength=self.n_users))
        return np.split(self.items[order], ends[:-1])

    def matrix(self) -> csr_array:
        """Users by items, float32, 1 where there is any event."""
        ones = np.ones(len(self), dtype=np.float32)
        matrix = csr_array((ones, (self.users, self.items)), shape=(self.n_users, self.n_items))
        matrix.sum_duplicates()
        matrix.data[:] = 1.0
        return matrix


def history_matrix(histories: Sequence[History], n_items: int) -> csr_array:
    """Histories as rows of a 0/1 matrix (len(histories), n_items), float32."""
    lengths = [len(history) for history in histories]
    none = np.empty(0, dtype=np.int32)
    columns = np.concatenate([none, *(np.asarray(h, dtype=np.int32) for h in histories)])
    rows = np.repeat(np.arange(len(histories)), lengths)
    ones = np.ones(len(columns), dtype=np.float32)
    matrix = csr_array((ones, (rows, columns)), shape=(len(histories), n_items))
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix


def heaviest(weights: NDArray[np.floating], past: NDArray[np.intp]) -> list[int | None]:
    """What weighed most for each of some items.

    Args:
        weights: (n, len(past)), what each past item weighs for each of n items.
        past: item numbers of a history.

    Returns:
        For each of the n the past item with the highest weight; None where none is above zero.
    """
    if not len(past):
        return [None] * len(weights)
    best = weights.argmax(axis=1)
    counts = weights[np.arange(len(weights)), best] > 0
    return [int(past[b]) if c else None for b, c in zip(best, counts, strict=True)]


class Recommender(ABC):
    """Ranks items for a history. Fitted by `fit` or read back by `load`, and not changed after, so
    that several threads may ask it at once.

    Attributes:
        name: as `switchboard recommend` writes it.
    """

    name: ClassVar[str]

    @abstractmethod
    def fit(self, train: Interactions, *, seed: int = 0, progress: Progress = ignore) -> None:
        """Learn. The same seed, data and machine give the same scores. Raises RecommenderError."""

    @abstractmethod
    def scores(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Scores (len(histories), n_items), higher is better; items of the history are scored too.

        The scores of one row compare with each other, not with those of another recommender. An
        empty history gives what suits most people.
        """

    def because(self, history: History, items: Sequence[int]) -> list[int | None]:
        """For each of some items the item of the history that weighed most for it; None where none
        can be named."""
        return [None] * len(items)

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write it into a folder that is there and empty: arrays and JSON, never pickles."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` wrote. Raises RecommenderError where it can't be read."""
