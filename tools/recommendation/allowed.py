"""Whether an item may be shown: what a shop filtered by is checked again on every item."""

from __future__ import annotations

from collections.abc import Iterable

from tools.recommendation.shop import Constraints, Item
from tools.recommendation.vocabulary import contains, without_denials

WordGroups = tuple[tuple[str, ...], ...]
"""Things that an item must not be about: each by all its names, of which none may occur."""


def meets(item: Item, where: Constraints, without: WordGroups = ()) -> bool:
    """Whether an item is there, and meets every constraint.

    An item whose price is not known meets no bound of the price.
    """
    categories = _folded(item.categories)
    return (
        item.available
        and item.id not in where.excluded_items
        and _costs(item.price, where)
        and (not where.categories or not categories.isdisjoint(_folded(where.categories)))
        and categories.isdisjoint(_folded(where.excluded_categories))
        and not any(is_about(item, names) for names in without)
    )


def _folded(categories: Iterable[str]) -> frozenset[str]:
    return frozenset(category.casefold() for category in categories)


def is_about(item: Item, names: Iterable[str]) -> bool:
    """Whether an item's title, text or categories have every word of one of the names.

    "Free of leather" is not about leather.
    """
    told = without_denials(f"{item.title}. {item.text}. {'. '.join(item.categories)}")
    return any(contains(told, name) for name in names)


def _costs(price: float | None, where: Constraints) -> bool:
    bounds = (where.price_min, where.price_max, where.price_below)
    if price is None:
        return all(bound is None for bound in bounds)
    return (
        (where.price_min is None or price >= where.price_min)
        and (where.price_max is None or price <= where.price_max)
        and (where.price_below is None or price < where.price_below)
    )


def contradicts_itself(where: Constraints) -> bool:
    """Whether no price at all meets the bounds."""
    low = where.price_min
    return low is not None and (
        (where.price_max is not None and low > where.price_max)
        or (where.price_below is not None and low >= where.price_below)
    )


def loosened(where: Constraints) -> dict[str, Constraints]:
    """The constraints with one of them left out at a time, by its field's name."""
    return {
        name: where.model_copy(update={name: type(where).model_fields[name].default})
        for name in ("price_max", "price_below", "price_min", "categories", "excluded_categories")
        if getattr(where, name) not in (None, ())
    }
