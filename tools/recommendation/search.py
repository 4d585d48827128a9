"""Asks the shop from every side that a wish has, and joins what it gives."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from tools.recommendation.allowed import contradicts_itself, loosened, meets
from tools.recommendation.diversity import fused, varied
from tools.recommendation.query import Query
from tools.recommendation.reasons import Evidence
from tools.recommendation.shop import Constraints, Item, Match, Ranked, Shop
from tools.recommendation.vocabulary import is_for_gifts

_LEAST_ASKED = 20
_ASKED = 4
"""How many times as many as are shown each source is asked for: a reason says "like", and not
"among all there is"."""
_POOL = 2
"""Of how many times as many as are shown the bandit may choose."""
_ROUNDS = 3
_PROBED = 200


@dataclass(frozen=True, slots=True)
class Found:
    """What meets a wish, best first, how it was found, and by which version of the model."""

    matches: tuple[Match, ...]
    evidence: Evidence
    version: str | None


class Loosening(BaseModel):
    """A constraint without which an item would do; a price bound's is the nearest to the bound."""

    model_config = ConfigDict(frozen=True)

    constraint: str
    item: str
    title: str
    price: float | None
    currency: str


async def search(query: Query, shop: Shop) -> Found:
    """The items that meet a wish, varied, for a bandit to choose from. Raises StoreUnavailable.

    What the shop found is checked on the items as they are now: one that was sold out a moment
    ago, or is about something unwanted, is replaced by the next.
    """
    where, limit = query.where, max(_LEAST_ASKED, _ASKED * query.count)
    best = Found((), Evidence(), None)
    if contradicts_itself(where):
        return best
    for _ in range(_ROUNDS):
        found = await _ask(query, where, limit, shop)
        kept = [match for match in found.matches if meets(match.item, where, query.without)]
        best = Found(tuple(kept), found.evidence, found.version)
        dropped = {m.item.id for m in found.matches} - {m.item.id for m in kept}
        if len(kept) >= query.count or not dropped:
            break
        out = tuple(dict.fromkeys((*where.excluded_items, *sorted(dropped))))
        where = where.model_copy(update={"excluded_items": out})
    asked_for = {c for item in query.like for c in item.categories} | set(where.categories)
    pool = varied(best.matches, _POOL * query.count, frozenset(asked_for))
    return Found(tuple(pool), best.evidence, best.version)


async def _ask(query: Query, where: Constraints, limit: int, shop: Shop) -> Found:
    text = _text(query)
    near: list[Awaitable[Sequence[Match]]] = [
        shop.near(where, limit, like=item.id) for item in query.like
    ]
    if text is not None:
        near.append(shop.near(where, limit, text=text))
    if query.image is not None:
        near.append(shop.near(where, limit, image=query.image))
    ranked: Ranked | None = None
    if query.past is not None or not near:
        *lists, ranked = await _together(near, shop.ranked(query.past or (), where, limit))
        rankings = [*lists, ranked.matches]
    else:
        rankings = list(await asyncio.gather(*near))
    sources = [frozenset(match.item.id for match in ranking) for ranking in rankings]
    likes = len(query.like)
    by_model = sources[-1] if ranked is not None else frozenset()
    trained = ranked is not None and ranked.version is not None and query.past is not None
    evidence = Evidence(
        like=tuple(zip(query.like, sources[:likes], strict=True)),
        by_words=sources[likes] if text is not None else frozenset(),
        by_picture=sources[likes + (text is not None)] if query.image is not None else frozenset(),
        by_history=by_model if trained else frozenset(),
        popular=frozenset() if trained else by_model,
        taste=query.taste or text,
        because=await _past_items(ranked, query, shop) if ranked is not None and trained else {},
        wanted=where.categories,
        says_nothing=frozenset(
            c for item in query.like for c in item.categories if is_for_gifts(c)
        ),
    )
    return Found(tuple(fused(rankings)), evidence, ranked.version if ranked else None)


async def _together(
    near: Sequence[Awaitable[Sequence[Match]]], ranking: Awaitable[Ranked]
) -> tuple[*tuple[Sequence[Match], ...], Ranked]:
    lists, ranked = await asyncio.gather(asyncio.gather(*near), ranking)
    return (*lists, ranked)


def _text(query: Query) -> str | None:
    """The words to look by: the taste, with the categories that were asked for in other words."""
    if query.taste is None:
        # Categories alone are a filter: who is known, or what is popular, says which of them.
        return None
    said = query.taste.casefold()
    more = [c for c in query.where.categories if c.casefold() not in said]
    return " ".join([query.taste, *more])


async def _past_items(ranked: Ranked, query: Query, shop: Shop) -> dict[str, Item]:
    """For each item the one of the history that it is there for; only such as are known."""
    known = set(query.past or ())
    wanted = [past for past in dict.fromkeys(ranked.because.values()) if past in known]
    items = {item.id: item for item in await shop.items(wanted)}
    return {id_: items[past] for id_, past in ranked.because.items() if past in items}


async def what_would_help(query: Query, shop: Shop) -> tuple[Loosening, ...]:
    """The constraints of which one, left out, would let something through, with such an item.

    Raises StoreUnavailable.
    """
    options = [(name, where, query.without) for name, where in loosened(query.where).items()]
    if query.without:
        options.append(("excluded_words", query.where, ()))
    found = []
    for name, where, without in options:
        if contradicts_itself(where):
            continue
        ranked = await shop.ranked((), where, _PROBED)
        fresh = await shop.items([match.item.id for match in ranked.matches])
        fitting = [item for item in fresh if meets(item, where, without)]
        if fitting:
            item = _nearest(name, fitting)
            found.append(
                Loosening(
                    constraint=name,
                    item=item.id,
                    title=item.title,
                    price=item.price,
                    currency=item.currency,
                )
            )
    return tuple(found)


def _nearest(constraint: str, items: Sequence[Item]) -> Item:
    priced = [item for item in items if item.price is not None]
    if constraint in ("price_max", "price_below") and priced:
        return min(priced, key=lambda item: item.price or 0.0)
    if constraint == "price_min" and priced:
        return max(priced, key=lambda item: item.price or 0.0)
    return items[0]
