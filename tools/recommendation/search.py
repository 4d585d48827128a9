"""Asks the shop from every side that a wish has, and joins what it gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from tools.recommendation.allowed import contradicts_itself, loosened, meets
from tools.recommendation.diversity import fused, varied
from tools.recommendation.query import Query
from tools.recommendation.reasons import Evidence
from tools.recommendation.shop import (
    Constraints,
    Item,
    Like,
    Looks,
    Match,
    Past,
    Shop,
    Source,
    Words,
)
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
    sources: list[Source] = [Like(item.id) for item in query.like]
    if text is not None:
        sources.append(Words(text))
    if query.image is not None:
        sources.append(Looks(query.image))
    if query.past is not None or not sources:
        sources.append(Past(tuple(query.past or ())))
    found = await shop.candidates(sources, where, limit)
    trained = found.version is not None and query.past is not None
    given: dict[type[Source], frozenset[str]] = {}
    likes = []
    for source, ranking in zip(sources, found.rankings, strict=True):
        given[type(source)] = ids = frozenset(match.item.id for match in ranking)
        if isinstance(source, Like):
            likes.append(ids)
    by_model = given.get(Past, frozenset())
    evidence = Evidence(
        like=tuple(zip(query.like, likes, strict=True)),
        by_words=given.get(Words, frozenset()),
        by_picture=given.get(Looks, frozenset()),
        by_history=by_model if trained else frozenset(),
        popular=frozenset() if trained else by_model,
        taste=query.taste or text,
        because=found.because if trained else {},
        wanted=where.categories,
        says_nothing=frozenset(
            c for item in query.like for c in item.categories if is_for_gifts(c)
        ),
    )
    return Found(tuple(fused(found.rankings)), evidence, found.version)


def _text(query: Query) -> str | None:
    """The words to look by: the taste, with the categories that were asked for in other words."""
    if query.taste is None:
        # Categories alone are a filter: who is known, or what is popular, says which of them.
        return None
    said = query.taste.casefold()
    more = [c for c in query.where.categories if c.casefold() not in said]
    return " ".join([query.taste, *more])


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
        (popular,) = (await shop.candidates([Past()], where, _PROBED)).rankings
        fitting = [match.item for match in popular if meets(match.item, where, without)]
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
