"""Matrix factorisation for ranking, by the library implicit: ALS and BPR.

Only the items' factors are kept. A person's are found from their history when it is scored, so a
click counts at once and somebody new needs no new fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, csr_matrix

from model_servers.recommenders.arrays import load_arrays, save_arrays
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

if TYPE_CHECKING:
    from collections.abc import Callable


class Als(Recommender):
    """Alternating least squares: Hu, Koren & Volinsky 2008, "Collaborative filtering for implicit
    feedback datasets".

    Args:
        factors, regularization, iterations: as in the paper.
        alpha: the confidence in what was taken; in what was not it is 1.

    On MovieLens-100k's validation events 32 factors (nDCG@10 0.068) do better than 64 to 150
    (0.064 to 0.066), and the paper's high alpha does worse than 1.
    """

    name: ClassVar[str] = "als"

    def __init__(
        self,
        *,
        factors: int = 32,
        regularization: float = 5.0,
        alpha: float = 1.0,
        iterations: int = 15,
    ) -> None:
        self._factors = factors
        self._regularization = regularization
        self._alpha = alpha
        self._iterations = iterations
        self._take(np.zeros((0, factors), dtype=np.float32), np.zeros(0, dtype=np.float32))

    def fit(self, train: Interactions, *, seed: int = 0, progress: Progress = ignore) -> None:
        from implicit.cpu.als import AlternatingLeastSquares
        from threadpoolctl import threadpool_limits

        taken = train.matrix()
        # implicit warns of threads of the algebra's own, even where nothing runs yet.
        with threadpool_limits(1, "blas"):
            model = AlternatingLeastSquares(
                factors=self._factors,
                regularization=self._regularization,
                alpha=self._alpha,
                iterations=self._iterations,
                random_state=seed,
                # Sums in one order, so that the same seed gives the same model.
                num_threads=1,
            )
            model.fit(
                csr_matrix(taken),
                show_progress=False,
                callback=_counted(self._iterations, progress),
            )
        taken_by = np.asarray(taken.sum(axis=0), dtype=np.float32)
        self._take(np.asarray(model.item_factors, dtype=np.float32), small_shares(taken_by))

    def scores(self, histories: Sequence[History]) -> NDArray[np.float32]:
        own = history_matrix(histories, len(self._items))
        people = np.zeros((len(histories), self._items.shape[1]), dtype=np.float32)
        for row in range(len(histories)):
            people[row] = self._person(own[[row]].indices)
        return np.asarray(people @ self._items.T + self._popular, dtype=np.float32)

    def _person(self, taken: NDArray[Any]) -> NDArray[np.float32]:
        """A person's factors, (factors,): the step of the fit that solves for people."""
        vectors = self._items[taken].astype(np.float64)
        taste = self._alpha * vectors.sum(axis=0)
        return np.linalg.solve(self._equations(vectors), taste).astype(np.float32)

    def because(self, history: History, items: Sequence[int]) -> list[int | None]:
        """The score is a sum over the history, with similarities that are the person's own: the
        paper's section 5."""
        past = np.unique(np.asarray(history, dtype=np.intp))
        vectors = self._items[past].astype(np.float64)
        weights = np.linalg.solve(self._equations(vectors), vectors.T)
        return heaviest(self._items[list(items)] @ weights, past)

    def _equations(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """The left side of a person's equations, (factors, factors), who took these items."""
        return np.asarray(self._gram + (self._alpha - 1.0) * vectors.T @ vectors)

    def _take(self, items: NDArray[np.float32], popular: NDArray[np.float32]) -> None:
        """Take what was fitted, and what all people's equations have in common."""
        self._items, self._popular = items, popular
        wide = items.astype(np.float64)
        self._gram: NDArray[np.float64] = wide.T @ wide + self._regularization * np.eye(
            wide.shape[1]
        )

    def save(self, folder: Path) -> None:
        settings = np.array([self._regularization, self._alpha])
        save_arrays(folder, settings=settings, items=self._items, popular=self._popular)

    @classmethod
    def load(cls, folder: Path) -> Self:
        settings, items, popular = load_arrays(folder, "settings", "items", "popular")
        model = cls(
            factors=items.shape[1], regularization=float(settings[0]), alpha=float(settings[1])
        )
        model._take(items, popular)
        return model


class Bpr(Recommender):
    """Bayesian personalised ranking: Rendle et al. 2009.

    The items' last factor is their bias. A history's factors are found by the same gradient as in
    the fit, over negatives that are drawn by a seed of their own.
    """

    name: ClassVar[str] = "bpr"
    _STEPS = 60
    _STEP_SIZE = 0.5

    def __init__(
        self,
        *,
        factors: int = 64,
        learning_rate: float = 0.05,
        regularization: float = 0.01,
        iterations: int = 100,
    ) -> None:
        self._factors = factors
        self._learning_rate = learning_rate
        self._regularization = regularization
        self._iterations = iterations
        self._items: NDArray[np.float32] = np.zeros((0, factors + 1), dtype=np.float32)

    def fit(self, train: Interactions, *, seed: int = 0, progress: Progress = ignore) -> None:
        from implicit.cpu.bpr import BayesianPersonalizedRanking

        model = BayesianPersonalizedRanking(
            factors=self._factors,
            learning_rate=self._learning_rate,
            regularization=self._regularization,
            iterations=self._iterations,
            random_state=seed,
            num_threads=1,
        )
        model.fit(
            csr_matrix(train.matrix()),
            show_progress=False,
            callback=_counted(self._iterations, progress),
        )
        self._items = np.asarray(model.item_factors, dtype=np.float32)

    def scores(self, histories: Sequence[History]) -> NDArray[np.float32]:
        people = self._people(histories)
        return np.asarray(people @ self._items[:, :-1].T + self._items[:, -1], dtype=np.float32)

    def _people(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Factors of histories, (len(histories), factors)."""
        generator = np.random.default_rng(0)
        taken = history_matrix(histories, len(self._items))
        events = taken.indices
        lengths = np.diff(taken.indptr)
        rows = np.repeat(np.arange(len(histories)), lengths)
        to_rows = csr_array(
            (1.0 / np.maximum(lengths[rows], 1), (rows, np.arange(len(rows)))),
            shape=(len(histories), len(rows)),
        )
        vectors, biases = self._items[:, :-1], self._items[:, -1]
        people = np.zeros((len(histories), vectors.shape[1]), dtype=np.float32)
        for _ in range(self._STEPS):
            others = generator.integers(len(self._items), size=len(events))
            apart = vectors[events] - vectors[others]
            margin = (people[rows] * apart).sum(axis=1) + biases[events] - biases[others]
            pull = apart / (1.0 + np.exp(np.clip(margin, -30, 30)))[:, None]
            people += self._STEP_SIZE * (to_rows @ pull - self._regularization * people)
        return people

    def save(self, folder: Path) -> None:
        save_arrays(folder, items=self._items)

    @classmethod
    def load(cls, folder: Path) -> Self:
        (items,) = load_arrays(folder, "items")
        model = cls(factors=items.shape[1] - 1)
        model._items = items
        return model


def _counted(iterations: int, progress: Progress) -> Callable[..., None]:
    """A callback of implicit's: it is told the number of each iteration."""
    return lambda iteration, *_: progress((iteration + 1) / iterations)
