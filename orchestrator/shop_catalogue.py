"""The items of one edition, held in memory as arrays, so that choosing among all takes little."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tools.recommendation.shop import Constraints

_WORD = re.compile(r"\w+")
_ARTICLES = frozenset(("a", "an", "the"))


class CatalogueRow(NamedTuple):
    """What is held of an item."""

    id: str
    title: str
    categories: Sequence[str]
    price: float | None
    available: bool


class Catalogue:
    """Items by their row, in the order of the import.

    Attributes:
        edition: of which they are.
        ids: the items' ids by row.
        rows: each id's row.
        popularity: (n,) how many people took each item, since `count` was last told.
    """

    def __init__(self, edition: int, rows: Sequence[CatalogueRow]) -> None:
        self.edition = edition
        self.ids = tuple(row.id for row in rows)
        self.rows = {identity: number for number, identity in enumerate(self.ids)}
        self.popularity = np.zeros(len(rows), dtype=np.float64)
        self._titles = [row.title for row in rows]
        self._available = np.array([row.available for row in rows], dtype=bool)
        prices = [np.nan if row.price is None else row.price for row in rows]
        self._prices = np.array(prices, dtype=np.float64)
        self._names: dict[str, str] = {}
        members: dict[str, list[int]] = {}
        for number, row in enumerate(rows):
            for name in row.categories:
                members.setdefault(name.casefold(), []).append(number)
                if row.available:
                    self._names.setdefault(name.casefold(), name)
        self._members = {name: np.array(each) for name, each in members.items()}

    @property
    def categories(self) -> tuple[str, ...]:
        """Every category of an item that is available, by name."""
        return tuple(sorted(self._names.values()))

    @property
    def is_empty(self) -> bool:
        """Whether no item is available."""
        return not self._available.any()

    def count(self, people: Mapping[str, int]) -> None:
        """Take in how many people took each item."""
        self.popularity = np.array([people.get(each, 0) for each in self.ids], dtype=np.float64)

    def allowed(self, where: Constraints) -> NDArray[np.bool_]:
        """Which rows may be shown, (n,). An item whose price isn't known meets no bound on it."""
        mask = self._available.copy()
        if where.price_min is not None:
            mask &= self._prices >= where.price_min
        if where.price_max is not None:
            mask &= self._prices <= where.price_max
        if where.price_below is not None:
            mask &= self._prices < where.price_below
        if where.categories:
            mask &= self._among(where.categories)
        if where.excluded_categories:
            mask &= ~self._among(where.excluded_categories)
        mask[[self.rows[each] for each in where.excluded_items if each in self.rows]] = False
        return mask

    def named(self, title: str) -> str | None:
        """The id of the item that a title means, whatever the case, a word more or less.

        Where some of its words are missing, it must be the only item that has those left.
        """
        wanted = _words(title)
        if not wanted:
            return None
        shared = Counter(row for word in wanted for row in self._rows_by_word.get(word, ()))
        apart = {row: len(wanted) + len(self._words[row]) - 2 * n for row, n in shared.items()}
        near = [
            row
            for row, difference in apart.items()
            if difference <= 1 and shared[row] in (len(wanted), len(self._words[row]))
        ]
        if near:
            return self.ids[min(near, key=lambda row: (apart[row], -self.popularity[row], row))]
        holding = [row for row, n in shared.items() if n == len(wanted) > 1]
        return self.ids[holding[0]] if len(holding) == 1 else None

    def _among(self, categories: Sequence[str]) -> NDArray[np.bool_]:
        mask = np.zeros(len(self.ids), dtype=bool)
        for name in categories:
            mask[self._members.get(name.casefold(), [])] = True
        return mask

    @cached_property
    def _words(self) -> list[frozenset[str]]:
        return [_words(title) for title in self._titles]

    @cached_property
    def _rows_by_word(self) -> dict[str, list[int]]:
        rows: dict[str, list[int]] = {}
        for row, words in enumerate(self._words):
            for word in words:
                rows.setdefault(word, []).append(row)
        return rows


def _words(title: str) -> frozenset[str]:
    return frozenset(_WORD.findall(title.casefold())) - _ARTICLES
