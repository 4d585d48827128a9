"""Contextual bandits that re-rank candidates, and learn from what is done with those shown.

All items share one linear model of the reward over features of the item and of who asks
(`joint_features`), so that a click on one item tells of others like it. mabwiser keeps one
regression for each arm: with items as arms nothing passes from one item to another, and with one
arm for all it draws other coefficients for each candidate, keeps its random numbers to itself and
inverts the matrix at each click. So the model is our own; mabwiser's LinUCB is what it is tested
against, and what the simulators compare it with.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Self

import numpy as np

from model_servers.recommenders.errors import RecommenderError
from model_servers.recommenders.ridge import Floats, RidgeModel
from model_servers.recommenders.slates import Indices, draw_slate, slate_shares

REWARDS: Mapping[str, float] = MappingProxyType(
    {"view": 0.0, "click": 1.0, "cart": 2.0, "buy": 3.0, "like": 1.0, "dislike": -1.0}
)
"""What each kind of event is worth; an item that was shown and left alone is worth 0."""

_FLOOR = 0.1
_FLOOR_ROWS = 200
"""The floor of the propensities falls with 1/√rows from here on: what it costs is sub-linear."""


class LinearBandit(ABC):
    """Shows what may be best: `choose`, then `learn` what came of it.

    `choose` changes nothing, so that showings may run at once; `learn` may not run beside it.
    """

    def __init__(self, model: RidgeModel) -> None:
        self.model = model

    @property
    def floor(self) -> float:
        """The part of the chance that all candidates share just now."""
        return float(_FLOOR / np.sqrt(1.0 + self.model.rows / _FLOOR_ROWS))

    def choose(
        self, features: Floats, show: int, random: np.random.Generator
    ) -> tuple[Indices, Floats]:
        """Choose `show` of n candidates by their features (n, width), best first.

        Returns:
            Their indices, and the propensity of each: its chance at its place given those above
            it (see `draw_slate`), positive and exact given the draws that made the scores.

        Raises:
            RecommenderError: the features have another width, or there are no candidates.
        """
        scores = self._scores(features, random)
        return draw_slate(lambda left: _wins(scores, left), len(features), show, self.floor, random)

    def chances(self, features: Floats, random: np.random.Generator) -> Floats:
        """How likely each of n candidates (n, width) is to get the first place: (n,)."""
        scores = self._scores(features, random)
        return slate_shares(lambda left: _wins(scores, left), len(features), self.floor)

    def learn(self, features: Floats, rewards: Floats) -> None:
        """Learn what came of items that were shown: rows (n, width), rewards (n,)."""
        self.model.learn(features, rewards)

    def credit(self, features: Floats, rewards: Floats) -> None:
        """Add rewards that came after their rows were learned, such as a purchase."""
        self.model.credit(features, rewards)

    def save(self, path: Path) -> None:
        """Write what was learned into a file, whole or not at all."""
        self.model.save(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read back what `save` wrote. Raises RecommenderError where that can't be."""
        return cls(RidgeModel.load(path))

    @abstractmethod
    def _scores(self, features: Floats, random: np.random.Generator) -> Floats:
        """Scores of the candidates, (draws, n): in each draw the highest wins."""


class LinUCB(LinearBandit):
    """Takes each candidate for as good as it may be: mean + alpha · width (Li et al. 2010)."""

    def __init__(self, model: RidgeModel, *, alpha: float = 0.5) -> None:
        super().__init__(model)
        self._alpha = alpha

    def _scores(self, features: Floats, random: np.random.Generator) -> Floats:
        bound = self.model.means(features) + self._alpha * self.model.widths(features)
        return bound[None, :]


class LinearThompson(LinearBandit):
    """Shows each candidate as often as it is likely to be best (Agrawal and Goyal 2013).

    The coefficients are drawn many times, and the winner is drawn from how often each candidate
    won. That is Thompson sampling as it always was, for the winner of a draw taken at random is
    the winner of a random draw; but here its chance, given the draws, is known and not estimated.
    """

    def __init__(self, model: RidgeModel, *, scale: float = 0.3, draws: int = 64) -> None:
        """
        Args:
            model: what is learned.
            scale: of the noise in a reward; a click that is as likely as not has 0.5.
            draws: how many decide each showing.
        """
        super().__init__(model)
        if not scale > 0 or draws < 1:
            raise RecommenderError("Thompson sampling needs a scale above 0, and a draw or more.")
        self._scale = scale
        self._draws = draws

    def _scores(self, features: Floats, random: np.random.Generator) -> Floats:
        expected = self.model.means(features)
        noise = self.model.draws(self._draws, self._scale, random) - self.model.coefficients
        return expected + noise @ np.asarray(features, dtype=np.float64).T


def _wins(scores: Floats, left: Indices) -> Floats:
    """In which part of the draws (draws, n) each candidate that is left is the best of them."""
    best = scores[:, left].argmax(axis=1)
    return np.bincount(best, minlength=len(left)) / len(scores)
