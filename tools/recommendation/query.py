"""From what was said and given to what the shop is asked: names resolved, constraints joined."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from tools.recommendation.allowed import WordGroups
from tools.recommendation.shop import Constraints, Event, Item, Looks, Shop
from tools.recommendation.wishes import Wish

if TYPE_CHECKING:
    from model_servers.images import Image

DEFAULT_COUNT = 5
_MOST_PAST = 500
_MOST_LIKE = 3
_TAKEN = frozenset({"buy", "rate", "like"})
_BOLD = re.compile(r"\*\*(?P<title>(?:\\.|[^*\\])+)\*\*")

NoteKind = Literal[
    "unknown_customer",
    "no_history",
    "unknown_item",
    "cheaper_than_what",
    "price_unknown",
    "nearest_to_picture",
    "other_currency",
    "fewer",
]


class Note(BaseModel):
    """Something that has to be said beside the items.

    - unknown_customer, no_history: nobody knows `about`, or what they like; popular items come.
    - unknown_item: no item is called `about`; its words were looked for.
    - cheaper_than_what: no item was named or shown that the others could be cheaper than.
    - price_unknown: that of `about`, so that nothing can be cheaper for sure.
    - nearest_to_picture: `about` is the item that the picture was taken for.
    - other_currency: the prices are in `about`, whatever currency was said.
    - fewer: only `about` items meet the constraints.
    """

    model_config = ConfigDict(frozen=True)

    kind: NoteKind
    about: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a call gives besides its sentence; what is given goes before what is said.

    `shown` is the answer before, whose items a sentence may point at.
    """

    customer: str | None = None
    item: str | None = None
    taste: str | None = None
    image: Image | None = None
    shown: str | None = None
    count: int | None = None
    where: Constraints = field(default_factory=Constraints)


@dataclass(frozen=True, slots=True)
class Query:
    """What the shop is asked.

    Attributes:
        past: the items of the customer's history, oldest first; None where there is no customer,
            or nothing is known of them.
    """

    count: int
    customer: str | None
    past: tuple[str, ...] | None
    like: tuple[Item, ...]
    taste: str | None
    image: Image | None
    where: Constraints
    without: WordGroups
    currency: str | None
    notes: tuple[Note, ...]

    @property
    def asks_back(self) -> bool:
        """Whether it can't be told what is wanted: "something cheaper", and nothing else."""
        lost = any(note.kind == "cheaper_than_what" for note in self.notes)
        return lost and self.taste is None and self.customer is None and not self.where.categories


async def make_query(asked: Asked, wish: Wish, shop: Shop) -> Query:
    """Resolve what was said against the shop. Raises StoreUnavailable."""
    notes: list[Note] = []
    customer = asked.customer or wish.customer
    history = None if customer is None else await shop.history(customer)
    if customer is not None and not history:
        notes.append(
            Note(kind="no_history" if history == [] else "unknown_customer", about=customer)
        )
    like, unknown = await _meant(asked, wish, shop)
    notes += [Note(kind="unknown_item", about=name) for name in unknown]
    taste = " ".join(filter(None, [asked.taste or wish.taste, *unknown])) or None
    limit, said = await _price_of(asked, wish, like, shop)
    notes += said
    where = _joined(asked.where, wish, limit)
    disliked = _disliked(history or ())
    out = [
        *where.excluded_items,
        *(item.id for item in like),
        *[item.id for item in await _named(wish.excluded_names, shop)],
        *disliked,
        *dict.fromkeys(e.item for e in (history or ())[-_MOST_PAST:] if e.kind in _TAKEN),
    ]
    past = [e.item for e in history or () if e.item not in disliked]
    return Query(
        count=asked.count or wish.count or DEFAULT_COUNT,
        customer=customer,
        past=tuple(past[-_MOST_PAST:]) or None,
        like=like,
        taste=taste,
        image=asked.image,
        where=where.model_copy(update={"excluded_items": tuple(dict.fromkeys(out))}),
        without=(*wish.excluded_words, *((name,) for name in wish.excluded_names)),
        currency=wish.prices.currency,
        notes=tuple(notes),
    )


async def _meant(asked: Asked, wish: Wish, shop: Shop) -> tuple[tuple[Item, ...], tuple[str, ...]]:
    """The items that others should be like, and names that no item has."""
    if asked.item is not None:
        by_id = await shop.items([asked.item])
        found = by_id[0] if by_id else await shop.named(asked.item)
        return ((found,), ()) if found is not None else ((), (asked.item,))
    if wish.quoted:
        named = [(name, await shop.named(name)) for name in wish.names]
        items = tuple({item.id: item for _, item in named if item is not None}.values())
        return items, tuple(name for name, item in named if item is None)
    for name in wish.names:
        if (found := await shop.named(name)) is not None:
            return (found,), ()
    if wish.names:
        return (), wish.names[-1:]
    if (wish.points or wish.cheaper or wish.not_dearer) and asked.image is None and asked.shown:
        return await _shown(asked.shown, wish, shop), ()
    return (), ()


async def _shown(answer: str, wish: Wish, shop: Shop) -> tuple[Item, ...]:
    """The items of an answer that a wish points at; titles stand there in bold."""
    titles = [re.sub(r"\\(.)", r"\1", match["title"]) for match in _BOLD.finditer(answer)]
    items = await _named(dict.fromkeys(titles), shop)
    if wish.place is not None:
        return tuple(items[wish.place - 1 : wish.place])
    return tuple(items[: _MOST_LIKE if wish.several else 1])


async def _named(names: Sequence[str] | dict[str, None], shop: Shop) -> list[Item]:
    found = await asyncio.gather(*(shop.named(name) for name in names))
    return list({item.id: item for item in found if item is not None}.values())


async def _price_of(
    asked: Asked, wish: Wish, like: Sequence[Item], shop: Shop
) -> tuple[float | None, list[Note]]:
    """The price of the other item, where it has to be cheaper than that, or no dearer."""
    if not (wish.cheaper or wish.not_dearer):
        return None, []
    notes = []
    if not like and asked.image is not None:
        found = await shop.candidates([Looks(asked.image)], Constraints(), 1)
        like = [match.item for match in found.rankings[0]]
        notes = [Note(kind="nearest_to_picture", about=item.title) for item in like]
    if not like:
        return None, [Note(kind="cheaper_than_what")]
    prices = [item.price for item in like if item.price is not None]
    if len(prices) < len(like):
        return None, [*notes, Note(kind="price_unknown", about=like[0].title)]
    return min(prices) * (wish.share or 1.0), notes


def _joined(given: Constraints, wish: Wish, other: float | None) -> Constraints:
    """The constraints that were given and those that were said: of two bounds the tighter.

    Args:
        other: the price that it must be below, or not above, as the wish says.
    """
    prices = wish.prices
    below, at_most = (other, None) if wish.cheaper else (None, other)
    lows = [p for p in (given.price_min, prices.at_least) if p is not None]
    highs = [p for p in (given.price_max, prices.at_most, at_most) if p is not None]
    belows = [p for p in (given.price_below, prices.below, below) if p is not None]
    return Constraints(
        price_min=max(lows, default=None),
        price_max=min(highs, default=None),
        price_below=min(belows, default=None),
        categories=given.categories or wish.categories,
        excluded_categories=tuple(
            dict.fromkeys((*given.excluded_categories, *wish.excluded_categories))
        ),
        excluded_items=given.excluded_items,
    )


def _disliked(history: Sequence[Event]) -> tuple[str, ...]:
    """What somebody turned down, and did not like again later."""
    last = {e.item: e.kind for e in history if e.kind in ("like", "dislike")}
    return tuple(item for item, kind in last.items() if kind == "dislike")
