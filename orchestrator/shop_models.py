"""What the shop asks of the trained model and of the bandit that are in service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from orchestrator.shop_store import Pressed, Shown
from tools.recommendation.shop import Match


@dataclass(frozen=True, slots=True)
class Scores:
    """How a trained model scores its items for one history.

    Attributes:
        version: of the model, such as "v3".
        items: ids of the items that it knows; one and the same object as long as it serves.
        values: (len(items),) the higher the better.
        because: ids of some items → for those where one weighed most, the id of that item of the
            history.
    """

    version: str
    items: Sequence[str]
    values: NDArray[np.float32]
    because: Callable[[Sequence[str]], Mapping[str, str]]


class RecommenderInService(Protocol):
    """The trained model that answers now; another may take over between two calls."""

    async def scores(self, history: Sequence[str]) -> Scores | None:
        """Scores for a history of item ids, oldest first; None where no model is trained."""
        ...


class BanditInService(Protocol):
    """What re-ranks, and learns from what is done with what it showed."""

    async def choose(
        self, customer: str | None, history: Sequence[str], matches: Sequence[Match], show: int
    ) -> Sequence[Shown]:
        """`show` of the matches, first place first; fewer where there are fewer."""
        ...

    async def learn(self, pressed: Pressed) -> None:
        """Learn what was done with an item that it showed."""
        ...
