"""The bandit that orders what a shop shows, and learns from what people do with it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from orchestrator.shop_store import Pressed, Shown
from tools.recommendation.shop import Match

if TYPE_CHECKING:
    from model_servers.recommenders.bandit import LinUCB

Floats = NDArray[np.float64]

ITEM_WIDTH = 48
CATEGORY_WIDTH = 16
TASTE_WIDTH = 6
_WIDTH = 2 + ITEM_WIDTH + CATEGORY_WIDTH + TASTE_WIDTH * CATEGORY_WIDTH
_PLACE = 1
"""The feature that is the place in the order that came: the prior trusts it alone."""
_MAX_HISTORY = 50
MAX_CANDIDATES = 200


class ShopBandit:
    """A BanditInService: LinUCB over an item's own features, its categories, and these joined
    with the history of who asks.

    Before anything is learned it keeps the order that it is given, but for the small part of the
    places that are drawn at random, so that what is logged can judge other policies.

    Args:
        path: the file of what it learned; where there is none it has learned nothing.
        random: what it draws from.
    """

    def __init__(self, path: Path, random: np.random.Generator | None = None) -> None:
        self._path = path
        self._random = random or np.random.default_rng()
        self._bandit: LinUCB | None = None
        self._busy = asyncio.Lock()

    async def choose(
        self,
        customer: str | None,
        history: Sequence[str],
        matches: Sequence[Match],
        show: int,
    ) -> Sequence[Shown]:
        """See BanditInService. Raises RecommenderError where its file can't be read."""
        some = matches[:MAX_CANDIDATES]
        features = item_features(some, history)
        async with self._busy:
            bandit = await self._opened()
            chosen, chances = await asyncio.to_thread(bandit.choose, features, show, self._random)
        return [
            Shown(some[row].item.id, float(chance), features[row].tolist())
            for row, chance in zip(chosen, chances, strict=True)
        ]

    async def learn(self, pressed: Pressed) -> None:
        """See BanditInService. What was shown beside the first that is pressed is worth 0."""
        from model_servers.recommenders.bandit import REWARDS

        reward = REWARDS.get(pressed.kind, 0.0)
        async with self._busy:
            bandit = await self._opened()
            await asyncio.to_thread(_learn, bandit, pressed, reward)
            await asyncio.to_thread(_save, bandit, self._path)

    async def _opened(self) -> LinUCB:
        if self._bandit is None:
            self._bandit = await asyncio.to_thread(_open, self._path)
        return self._bandit


def item_features(matches: Sequence[Match], history: Sequence[str]) -> Floats:
    """Features (n, width) of candidates in the order in which they came.

    Ids and categories are hashed to directions of unit length, so that no list of all of them is
    kept, and one that is new begins where the prior is.
    """
    from model_servers.recommenders.joint_features import products

    count = len(matches)
    places = 1.0 / np.log2(np.arange(2, count + 2))
    ids = np.array([_direction("item", m.item.id, ITEM_WIDTH) for m in matches])
    kinds = np.array([_mean("category", m.item.categories, CATEGORY_WIDTH) for m in matches])
    taste = _mean("taste", history[-_MAX_HISTORY:], TASTE_WIDTH)
    return np.hstack(
        [
            np.ones((count, 1)),
            places[:, None],
            ids.reshape(count, ITEM_WIDTH),
            kinds.reshape(count, CATEGORY_WIDTH),
            products(taste, kinds.reshape(count, CATEGORY_WIDTH)),
        ]
    )


def _mean(what: str, names: Sequence[str], width: int) -> Floats:
    """The mean direction of some names, of unit length; zeros for none."""
    if not names:
        return np.zeros(width)
    total = np.sum([_direction(what, name, width) for name in names], axis=0)
    length = float(np.linalg.norm(total))
    return np.asarray(total / length if length else total)


def _direction(what: str, name: str, width: int) -> Floats:
    """Signs by the hash of a name, of unit length: those of two names are nearly orthogonal."""
    digest = hashlib.blake2b(f"{what} {name}".encode(), digest_size=16).digest()
    bits = np.unpackbits(np.frombuffer(digest, dtype=np.uint8))[:width]
    return np.asarray((2.0 * bits - 1.0) / np.sqrt(width))


def _learn(bandit: LinUCB, pressed: Pressed, reward: float) -> None:
    own = np.array([pressed.shown.features])
    if pressed.beside:
        rows = np.array([pressed.shown.features, *(each.features for each in pressed.beside)])
        bandit.learn(rows, np.array([reward, *(0.0 for _ in pressed.beside)]))
    else:
        # Either the row was learned with the first press, or it was all that was shown.
        bandit.learn(own, np.array([reward]))


def _open(path: Path) -> LinUCB:
    from model_servers.recommenders.bandit import LinUCB
    from model_servers.recommenders.ridge import RidgeModel

    if path.exists():
        return LinUCB.load(path)
    prior = np.zeros(_WIDTH)
    prior[_PLACE] = 1.0
    return LinUCB(RidgeModel(_WIDTH, prior=prior), alpha=0.2)


def _save(bandit: LinUCB, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    bandit.save(path)
