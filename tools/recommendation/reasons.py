"""Why an item is recommended: only what is true of it, and of how it was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tools.recommendation.shop import Item
from tools.recommendation.vocabulary import (
    TOKEN,
    contains,
    fold,
    says_something,
    without_denials,
)

ReasonKind = Literal["like", "history", "words", "meaning", "trait", "popular", "picture"]
_MOST_WORDS = 4


class Reason(BaseModel):
    """One reason.

    - like: it is among the nearest to `item`, which was asked for.
    - history: the model weighed `item` of the customer's history most; without an item, the whole
      history.
    - words: `words` of the wish are in its title, its text or its categories.
    - meaning: it is among the nearest to `words` by meaning, though none of them is in it.
    - trait: `categories` are what was asked for, or what it shares with `item`; `cheaper_by` is
      how much less than `item` it costs, in the shop's currency.
    - popular: it is among what most people take.
    - picture: it is among the nearest to the picture that was sent.
    """

    model_config = ConfigDict(frozen=True)

    kind: ReasonKind
    item: str | None = None
    title: str | None = None
    words: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    cheaper_by: float | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """How the items were found: what each source was asked by, and what it gave.

    Attributes:
        like: items that were asked for, with the ids of what is near each.
        by_words, by_picture, popular, by_history: ids that each source gave.
        taste: the words that were asked by.
        because: item id → the item of the history that weighed most for it.
        wanted: categories that were asked for.
        says_nothing: categories that tell nothing where two items share one, such as gifts.
    """

    like: Sequence[tuple[Item, frozenset[str]]] = ()
    by_words: frozenset[str] = frozenset()
    by_picture: frozenset[str] = frozenset()
    by_history: frozenset[str] = frozenset()
    popular: frozenset[str] = frozenset()
    taste: str | None = None
    because: Mapping[str, Item] = field(default_factory=dict)
    wanted: tuple[str, ...] = ()
    says_nothing: frozenset[str] = frozenset()


def reasons_for(item: Item, found: Evidence) -> tuple[Reason, ...]:
    """Every reason that is true of an item, the most telling first; at least one for an item that
    any source gave."""
    return (
        *_like(item, found),
        *([Reason(kind="picture")] if item.id in found.by_picture else []),
        *_history(item, found),
        *_words(item, found),
        *_wanted(item, found),
        *([Reason(kind="popular")] if item.id in found.popular else []),
    )


def matched_words(item: Item, taste: str) -> tuple[str, ...]:
    """The words of a wish that an item's title, text or categories have, but for their number."""
    told = without_denials(f"{item.title}. {item.text}. {'. '.join(item.categories)}")
    said = {fold(word): word for word in TOKEN.findall(taste) if says_something(word)}
    return tuple(word for word in said.values() if contains(told, word))


def _like(item: Item, found: Evidence) -> list[Reason]:
    reasons = []
    for other, near in found.like:
        if item.id not in near:
            continue
        reasons.append(Reason(kind="like", item=other.id, title=other.title))
        shared = tuple(
            c for c in item.categories if c in other.categories and c not in found.says_nothing
        )
        less = _less(item, other)
        if shared or less is not None:
            reasons.append(
                Reason(
                    kind="trait",
                    item=other.id,
                    title=other.title,
                    categories=shared,
                    cheaper_by=less,
                )
            )
    return reasons


def _less(item: Item, other: Item) -> float | None:
    if item.price is None or other.price is None or item.currency != other.currency:
        return None
    return round(other.price - item.price, 2) if item.price < other.price else None


def _history(item: Item, found: Evidence) -> list[Reason]:
    if item.id not in found.by_history:
        return []
    past = found.because.get(item.id)
    if past is None:
        return [Reason(kind="history")]
    return [Reason(kind="history", item=past.id, title=past.title)]


def _words(item: Item, found: Evidence) -> list[Reason]:
    if found.taste is None or item.id not in found.by_words:
        return []
    matched = matched_words(item, found.taste)[:_MOST_WORDS]
    if matched:
        return [Reason(kind="words", words=matched)]
    return [Reason(kind="meaning", words=tuple(found.taste.split()[:_MOST_WORDS]))]


def _wanted(item: Item, found: Evidence) -> list[Reason]:
    named = tuple(category for category in item.categories if category in found.wanted)
    return [Reason(kind="trait", categories=named)] if named else []
