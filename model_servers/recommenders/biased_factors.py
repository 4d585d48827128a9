"""Predicted ratings: an average, the bias of who rates and of what is rated, and their factors.

Koren, Bell & Volinsky 2009, "Matrix factorization techniques for recommender systems", fitted by
alternating ridge regressions, which have no step size to be tuned.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from model_servers.recommenders.arrays import load_arrays, save_arrays
from model_servers.recommenders.contract import Interactions, Progress, ignore

Floats = NDArray[np.float64]


class BiasedFactors:
    """Predicts which rating a person gives an item.

    Args:
        factors: of a person and of an item.
        regularization: of the factors, times the number of ratings behind them.
        bias_regularization: of the biases, the same way.
    """

    name: ClassVar[str] = "biased_factors"

    def __init__(
        self,
        *,
        factors: int = 8,
        regularization: float = 0.1,
        bias_regularization: float = 5.0,
        iterations: int = 12,
    ) -> None:
        self._factors = factors
        self._regularization = regularization
        self._bias_regularization = bias_regularization
        self._iterations = iterations
        self._range = np.zeros(3)
        self._user_bias: Floats = np.zeros(0)
        self._item_bias: Floats = np.zeros(0)
        self._users: Floats = np.zeros((0, factors))
        self._items: Floats = np.zeros((0, factors))

    def fit(self, train: Interactions, *, seed: int = 0, progress: Progress = ignore) -> None:
        """Learn from ratings, the `values` of the interactions."""
        values = train.values.astype(np.float64)
        mean = float(values.mean())
        self._range = np.array([mean, values.min(), values.max()])
        self._user_bias, self._item_bias = np.zeros(train.n_users), np.zeros(train.n_items)
        for _ in range(self._iterations):
            left = values - mean - self._user_bias[train.users]
            self._item_bias = self._shrunk(train.items, left, train.n_items)
            left = values - mean - self._item_bias[train.items]
            self._user_bias = self._shrunk(train.users, left, train.n_users)
        left = values - mean - self._user_bias[train.users] - self._item_bias[train.items]
        generator = np.random.default_rng(seed)
        self._items = generator.normal(0, 0.1, (train.n_items, self._factors))
        self._users = np.zeros((train.n_users, self._factors))
        by_user, by_item = np.argsort(train.users), np.argsort(train.items)
        for step in range(self._iterations):
            _solve(
                self._users,
                self._items[train.items[by_user]],
                train.users[by_user],
                left[by_user],
                self._regularization,
            )
            _solve(
                self._items,
                self._users[train.users[by_item]],
                train.items[by_item],
                left[by_item],
                self._regularization,
            )
            progress((step + 1) / self._iterations)

    def _shrunk(self, groups: NDArray[np.int32], values: Floats, n: int) -> Floats:
        """The mean of each group, shrunk towards zero."""
        total = np.bincount(groups, weights=values, minlength=n)
        return np.asarray(total / (np.bincount(groups, minlength=n) + self._bias_regularization))

    def predict(self, users: NDArray[np.int32], items: NDArray[np.int32]) -> Floats:
        """Ratings (n,) that these users give these items, within the range that was seen.

        Who or what was not seen has no bias and no factors: the rest decides.
        """
        mean, least, most = self._range
        own = (self._users[users] * self._items[items]).sum(axis=1)
        return np.asarray(
            np.clip(mean + self._user_bias[users] + self._item_bias[items] + own, least, most)
        )

    def save(self, folder: Path) -> None:
        """Write it into a folder that is there and empty."""
        save_arrays(
            folder,
            range=self._range,
            user_bias=self._user_bias,
            item_bias=self._item_bias,
            users=self._users,
            items=self._items,
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` wrote. Raises RecommenderError where it can't be read."""
        names = ("range", "user_bias", "item_bias", "users", "items")
        arrays = load_arrays(folder, *names)
        model = cls(factors=arrays[-1].shape[1])
        (model._range, model._user_bias, model._item_bias, model._users, model._items) = arrays
        return model


def _solve(
    own: Floats, seen: Floats, rows: NDArray[np.int32], values: Floats, regularization: float
) -> None:
    """The factors of one side by ridge regression on those of the other, in place.

    Args:
        own: (n, factors).
        seen: (ratings, factors), the other side's of each rating.
        rows: (ratings,), which of `own` gave or got each, in rising order.
    """
    starts = np.searchsorted(rows, np.arange(len(own) + 1))
    for row, (begin, end) in enumerate(pairwise(starts)):
        others = seen[begin:end]
        gram = others.T @ others
        gram[np.diag_indices_from(gram)] += regularization * max(end - begin, 1)
        own[row] = np.linalg.solve(gram, others.T @ values[begin:end])
