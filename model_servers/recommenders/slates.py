"""How several items are drawn at random, so that the chance of each is known exactly."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from model_servers.recommenders.errors import RecommenderError

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


def draw_slate(
    shares: Callable[[Indices], Floats],
    count: int,
    show: int,
    floor: float,
    random: np.random.Generator,
) -> tuple[Indices, Floats]:
    """Draw `show` of `count` candidates one after the other, without replacement.

    Each place is drawn from (1 - floor) · share + floor / left, over the candidates that are left:
    no chance is ever 0, and so every other policy can be judged by what is logged. A propensity
    is the chance of that item at that place given those above it; their product is the chance of
    the whole slate.

    Args:
        shares: candidates that are left → what a place is given by, adding up to 1.
        count: how many candidates there are.
        show: how many places there are; all candidates where there are fewer.
        floor: the part of the chance that all candidates share, in (0, 1].
        random: what is drawn from.

    Returns:
        The candidates' indices, first place first, and their propensities.

    Raises:
        RecommenderError: there is nothing to choose from, or a number is out of range.
    """
    if count < 1 or show < 1:
        raise RecommenderError("There must be a candidate to choose, and a place to show it in.")
    if not 0 < floor <= 1:
        raise RecommenderError("The floor of the propensities must be above 0, and 1 at most.")
    left = np.arange(count)
    chosen, propensities = [], []
    for _ in range(min(show, count)):
        chances = (1.0 - floor) * shares(left) + floor / len(left)
        reached = np.cumsum(chances)
        place = int(np.searchsorted(reached, random.random() * reached[-1], "right"))
        at = min(place, len(left) - 1)
        chosen.append(left[at])
        propensities.append(chances[at])
        left = np.delete(left, at)
    return np.array(chosen, dtype=np.intp), np.array(propensities)


def slate_shares(shares: Callable[[Indices], Floats], count: int, floor: float) -> Floats:
    """The chances (count,) of the first place, as `draw_slate` draws it."""
    return (1.0 - floor) * shares(np.arange(count)) + floor / count
