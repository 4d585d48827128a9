"""What the tool that recommends asks of a shop: its items, its people, and what suits them.

The orchestrator has the shop that is kept in the database; tests may bring a smaller one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from model_servers.images import Image

EventKind = Literal["view", "click", "cart", "buy", "rate", "like", "dislike"]


class Item(BaseModel):
    """Something that can be recommended. `price` is in the shop's currency; None: not known."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    text: str = ""
    categories: tuple[str, ...] = ()
    price: float | None = None
    currency: str = "EUR"
    available: bool = True
    picture: str | None = None


class Event(BaseModel):
    """What somebody did with an item; `value` is the rating of a "rate", else its weight."""

    model_config = ConfigDict(frozen=True)

    item: str
    kind: EventKind
    value: float = 1.0
    at: datetime


class Constraints(BaseModel):
    """What every item that is shown must meet. They become filters of the vector query.

    Items that are not available are never shown, whatever the constraints.
    """

    model_config = ConfigDict(frozen=True)

    price_min: float | None = None
    price_max: float | None = None
    price_below: float | None = Field(default=None, description="Strictly less: 'cheaper'.")
    categories: tuple[str, ...] = ()
    """At least one of them."""
    excluded_categories: tuple[str, ...] = ()
    excluded_items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """An item with a score from one source; scores of one answer compare with each other."""

    item: Item
    score: float


@dataclass(frozen=True, slots=True)
class Words:
    """Asks for the items nearest to words."""

    text: str


@dataclass(frozen=True, slots=True)
class Like:
    """Asks for the items nearest to another one, in words and looks."""

    item: str


@dataclass(frozen=True, slots=True)
class Looks:
    """Asks for the items whose pictures are nearest to this one."""

    image: Image


@dataclass(frozen=True, slots=True)
class Past:
    """Asks for what suits somebody with this history: item ids, oldest first. Items of the history
    are left out; with an empty one it is what most people took."""

    items: tuple[str, ...] = ()


Source = Words | Like | Looks | Past


@dataclass(frozen=True, slots=True)
class Candidates:
    """What the sources gave.

    Attributes:
        rankings: of each source, in their order, the best items first.
        version: of the trained model that a Past was put to, such as "v3"; None where none is
            trained: then the order is that of what most people took.
        because: item id → the item of the history that weighed most, where one did.
    """

    rankings: tuple[tuple[Match, ...], ...]
    version: str | None = None
    because: Mapping[str, Item] = field(default_factory=dict)


class Shop(Protocol):
    """The items and people of one shop. Every method raises StoreUnavailable when it can't."""

    async def is_empty(self) -> bool:
        """Whether there is nothing to recommend from."""
        ...

    async def categories(self) -> Sequence[str]:
        """Every category of an item that is available."""
        ...

    async def items(self, ids: Sequence[str]) -> Sequence[Item]:
        """Items by id, in this order; unknown ones are left out."""
        ...

    async def named(self, title: str) -> Item | None:
        """The item whose title this is, or nearly: whatever the case, and a word more or less."""
        ...

    async def history(self, customer: str) -> Sequence[Event] | None:
        """What somebody did, oldest first; None for a customer nobody knows."""
        ...

    async def candidates(
        self, sources: Sequence[Source], where: Constraints, limit: int
    ) -> Candidates:
        """The best `limit` items of each source, among those allowed; at most one is a Past.

        The items are as they are now, though what found them may be older: see that they meet the
        constraints still.
        """
        ...

    async def rerank(
        self, customer: str | None, history: Sequence[str], matches: Sequence[Match], show: int
    ) -> tuple[str | None, Sequence[Match]]:
        """The bandit's choice of `show` from these, best first, with the id of the showing.

        `history` is the customer's, item ids, oldest first; empty where nothing is known.

        What is shown is logged with its propensities under that id: clicks name it. The id is
        None where no bandit is in service: then the order is left as it is.
        """
        ...
