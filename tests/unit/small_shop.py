"""A shop in memory: by words, categories and counts, and no model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from tools.recommendation.allowed import meets
from tools.recommendation.diversity import likeness
from tools.recommendation.shop import (
    Candidates,
    Constraints,
    Event,
    EventKind,
    Item,
    Like,
    Looks,
    Match,
    Past,
    Source,
    Words,
)
from tools.recommendation.vocabulary import TOKEN, same_word

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def item(
    identity: str,
    title: str,
    price: float | None,
    *categories: str,
    text: str = "",
    available: bool = True,
    currency: str = "EUR",
) -> Item:
    return Item(
        id=identity,
        title=title,
        text=text,
        categories=categories,
        price=price,
        available=available,
        currency=currency,
    )


def event(identity: str, kind: EventKind = "buy") -> Event:
    return Event(item=identity, kind=kind, at=NOON)


CATALOGUE: tuple[Item, ...] = (
    item("swift", "Swift running shoe", 109, "running", "shoes", text="A light shoe for runners"),
    item("marten", "Marten trail shoe", 119, "running", "shoes", text="For mud and forest paths"),
    item("sandal", "Leather sandal", 45, "shoes", text="Of leather, for a runner at rest"),
    item("vegan", "Canvas shoe", 39, "shoes", text="Free of leather"),
    item("socks", "Merino socks", 24.9, "running", "gifts", text="Wool for any runner"),
    item("bottle", "Soft flask", 15, "running", "gifts", text="A runner drinks from it"),
    item("lamp", "Head torch", 49.99, "running", "gifts", text="For a runner at night"),
    item("band", "Arm band", 50, "running", "gifts", text="For a runner's phone"),
    item("gone", "Runner's cap", 12, "running", text="For a runner", available=False),
    item("marathon", "Your First Marathon", 21, "books", "gifts", text="For a runner who begins"),
    item("garden-book", "The Small Garden", 24, "books", "gifts"),
    item("heron", "Heron headphones", 89, "headphones"),
    item("wren", "Wren headphones", 59, "headphones"),
    item("jay", "Jay headphones", 199, "headphones"),
    item("priceless", "Headphones to be priced", None, "headphones"),
    item("blocks", "Wooden blocks", 29, "toys", text="For children"),
    item("train", "Wooden train", 35, "toys", "gifts", text="For children"),
)


class MemoryShop:
    """A Shop.

    Args:
        histories: what each customer did.
        trained: the version of a model that ranks by shared categories; None: by counts.
        stale: items as the sources still find them, though they have changed.
        showing: the id that a bandit gives; it turns the order round.
    """

    def __init__(
        self,
        items: Iterable[Item] = CATALOGUE,
        histories: Mapping[str, Sequence[Event]] | None = None,
        *,
        trained: str | None = None,
        stale: Iterable[Item] = (),
        showing: str | None = None,
    ) -> None:
        self._items = {each.id: each for each in items}
        self._indexed = self._items | {each.id: each for each in stale}
        self._histories = dict(histories or {})
        self._trained = trained
        self._showing = showing
        self.asked: list[tuple[Source, Constraints]] = []

    async def is_empty(self) -> bool:
        return not self._items

    async def categories(self) -> Sequence[str]:
        return sorted(
            {c for each in self._items.values() if each.available for c in each.categories}
        )

    async def items(self, ids: Sequence[str]) -> Sequence[Item]:
        return [self._items[each] for each in ids if each in self._items]

    async def named(self, title: str) -> Item | None:
        return next(
            (i for i in self._items.values() if i.title.casefold() == title.casefold()), None
        )

    async def history(self, customer: str) -> Sequence[Event] | None:
        return self._histories.get(customer)

    async def candidates(
        self, sources: Sequence[Source], where: Constraints, limit: int
    ) -> Candidates:
        because: dict[str, Item] = {}
        rankings = []
        for source in sources:
            self.asked.append((source, where))
            found = self._found(source, self._allowed(where), because)
            rankings.append(tuple(sorted(found, key=lambda match: -match.score)[:limit]))
        asked_past = any(isinstance(source, Past) for source in sources)
        return Candidates(tuple(rankings), self._trained if asked_past else None, because)

    def _found(
        self, source: Source, allowed: list[Item], because: dict[str, Item]
    ) -> Iterator[Match]:
        match source:
            case Words(text):
                return (Match(i, float(_shared(text, i))) for i in allowed)
            case Like(other):
                return (Match(i, likeness(i, self._items[other])) for i in allowed)
            case Looks():
                return (Match(i, 1 / n) for n, i in enumerate(allowed, start=1))
            case Past(history):
                return self._suiting(history, allowed, because)

    def _suiting(
        self, history: Sequence[str], allowed: list[Item], because: dict[str, Item]
    ) -> Iterator[Match]:
        counts = Counter(e.item for past in self._histories.values() for e in past)
        past = [self._items[each] for each in history if each in self._items]
        for i in allowed:
            if i.id in history:
                continue
            if self._trained is None or not past:
                yield Match(i, float(counts[i.id]))
            else:
                because[i.id] = max(past, key=lambda p, i=i: likeness(i, p))  # type: ignore[misc]
                yield Match(i, sum(likeness(i, p) for p in past))

    async def rerank(
        self, customer: str | None, history: Sequence[str], matches: Sequence[Match], show: int
    ) -> tuple[str | None, Sequence[Match]]:
        if self._showing is None:
            return None, matches[:show]
        return self._showing, list(reversed(matches))[:show]

    def _allowed(self, where: Constraints) -> list[Item]:
        return [self._items[each.id] for each in self._indexed.values() if meets(each, where)]


def _shared(text: str, each: Item) -> int:
    held = TOKEN.findall(f"{each.title} {each.text} {' '.join(each.categories)}")
    return sum(any(same_word(word, other) for other in held) for word in TOKEN.findall(text))
