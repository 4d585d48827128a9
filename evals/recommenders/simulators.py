"""People who are made, so that what would have been best for them is known.

Two simulators are of single showings: what a person likes is linear in features that are known, or
is not. In the third what is shown today changes what is liked tomorrow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model_servers.recommenders.joint_features import FourierFeatures, products
from model_servers.recommenders.ridge import Floats

N_ITEMS = 60
N_CANDIDATES = 20
_PERSON, _ITEM = 3, 5
_NOISE = 0.3
_PEOPLE_FOR_MEANS = 4_000


@dataclass(frozen=True, slots=True)
class Showing:
    """Somebody to whom one of some items is shown.

    Attributes:
        candidates: (k,) item numbers.
        features: (k, width), what the bandits know of person and item.
        context: (c,), what is known of the person alone.
        means: (k,), what each would earn on average: the optimum is the highest of them.
    """

    candidates: NDArray[np.intp]
    features: Floats
    context: Floats
    means: Floats


class SingleShowings:
    """People come one after the other, each with some of the items to choose from.

    Args:
        linear: whether what they like is linear in the features.
        seed: of the items, of what is liked, and of who comes.
    """

    def __init__(self, *, linear: bool, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._linear = linear
        self._items = self._random.normal(size=(N_ITEMS, _ITEM)) / np.sqrt(_ITEM)
        self._weights = self._random.normal(size=(1 + _PERSON, _ITEM))
        self._directions = self._random.normal(size=(_PERSON, _ITEM))
        self._wide = FourierFeatures(1 + _PERSON + _ITEM, 200, 1.5, self._random)
        people = np.stack([self._person() for _ in range(_PEOPLE_FOR_MEANS)])
        self.static = np.stack([self._means(person) for person in people]).mean(axis=0)
        """(n_items,) what each earns over all people: the best order that is one for all."""

    @property
    def width(self) -> int:
        """Of the features."""
        return (1 + _PERSON) * _ITEM if self._linear else 200

    def next(self) -> Showing:
        """Who comes next."""
        person = self._person()
        candidates = self._random.choice(N_ITEMS, size=N_CANDIDATES, replace=False)
        items = self._items[candidates]
        if self._linear:
            features = products(person, items)
        else:
            features = self._wide(np.hstack([np.tile(person, (len(items), 1)), items]))
        return Showing(candidates, features, person, self._means(person)[candidates])

    def reward(self, showing: Showing, chosen: int) -> float:
        """What the candidate of this place earns, with noise."""
        return float(showing.means[chosen] + self._random.normal(0, _NOISE))

    def _person(self) -> Floats:
        return np.concatenate([[1.0], self._random.normal(size=_PERSON)])

    def _means(self, person: Floats) -> Floats:
        if self._linear:
            return np.asarray(self._items @ (person @ self._weights))
        matching = self._items @ (person[1:] @ self._directions)
        return np.asarray(np.sin(1.5 * matching) + 0.3 * self._items[:, 0])


STEPS = 8
QUICK, DEEP = (0.55, 0.50, 0.45), (0.20, 0.18, 0.16)
"""How likely a click is on items that please at once, and on those that grow on people."""
_LEVELS = (0.2, 0.6, 1.0, 1.6)
"""What each is multiplied by at the person's level of interest."""
_START = 1
N_SESSION_ITEMS = len(QUICK) + len(DEEP)


class ChangingTaste:
    """Sessions of eight showings: items that please at once wear interest down by a level, those
    that grow on people raise it. The level follows from what was shown, and is not told."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def click(self, level: int, item: int) -> float:
        """Whether it is clicked, 1.0 or 0.0."""
        return float(self._random.random() < chance(level, item))


def chance(level: int, item: int) -> float:
    """How likely a click is."""
    return (*QUICK, *DEEP)[item] * _LEVELS[level]


def next_level(level: int, item: int) -> int:
    """The level of interest after an item."""
    change = -1 if item < len(QUICK) else 1
    return min(max(level + change, 0), len(_LEVELS) - 1)


def start_level() -> int:
    """The level at which every session begins."""
    return _START


def best_session() -> float:
    """Expected clicks of a session under the best policy, by dynamic programming."""
    to_come = [0.0] * len(_LEVELS)
    for _ in range(STEPS):
        to_come = [
            max(
                chance(level, item) + to_come[next_level(level, item)]
                for item in range(N_SESSION_ITEMS)
            )
            for level in range(len(_LEVELS))
        ]
    return to_come[_START]
