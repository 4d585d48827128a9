"""The shop that is kept in the database and in the vectors, as the tool that recommends asks it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from orchestrator.errors import DatabaseError
from orchestrator.shop_catalogue import Catalogue
from orchestrator.shop_models import BanditInService, RecommenderInService, Scores
from orchestrator.shop_store import Editions, Pressed, ShopStore
from tools.knowledge.vectors import StoreUnavailable
from tools.recommendation.item_vectors import ItemVectors
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

T = TypeVar("T")

POPULARITY_S = 3_600.0
"""How old the counts of who took what may be; after an import they are made anew."""
_TRIES = 3


class DatabaseShop:
    """A Shop. Every method raises StoreUnavailable when the database or the vectors can't.

    Args:
        store: the database's side.
        vectors: the items' vectors.
        recommender: the trained model; without one the order is that of what most people took.
        bandit: what re-ranks; without one the order is left as it is.
    """

    def __init__(
        self,
        store: ShopStore,
        vectors: ItemVectors,
        recommender: RecommenderInService | None = None,
        bandit: BanditInService | None = None,
    ) -> None:
        self._store = store
        self._vectors = vectors
        self._recommender = recommender
        self._bandit = bandit
        self._catalogue: Catalogue | None = None
        self._counted: tuple[int | None, float] | None = None
        self._places: tuple[object, object, NDArray[np.intp]] | None = None

    async def is_empty(self) -> bool:
        catalogue = await self._current()
        return catalogue is None or catalogue.is_empty

    async def count(self) -> int:
        """How many items there are, those that are not available among them."""
        catalogue = await self._current()
        return 0 if catalogue is None else len(catalogue.ids)

    async def categories(self) -> Sequence[str]:
        catalogue = await self._current()
        return () if catalogue is None else catalogue.categories

    async def items(self, ids: Sequence[str]) -> Sequence[Item]:
        return await self._in_one_edition(
            lambda catalogue: self._store.items(catalogue.edition, ids), otherwise=[]
        )

    async def picture(self, item: str) -> bytes | None:
        """An item's picture as JPEG, for cards."""

        async def read(catalogue: Catalogue) -> tuple[bytes | None, Editions]:
            return await self._store.picture(catalogue.edition, item), await self._store.editions()

        return await self._in_one_edition(read, otherwise=None)

    async def named(self, title: str) -> Item | None:
        async def find(catalogue: Catalogue) -> tuple[Item | None, Editions]:
            identity = catalogue.named(title)
            ids = [] if identity is None else [identity]
            found, editions = await self._store.items(catalogue.edition, ids)
            return (found[0] if found else None), editions

        return await self._in_one_edition(find, otherwise=None)

    async def history(self, customer: str) -> Sequence[Event] | None:
        with _answering():
            return await self._store.history(customer)

    async def candidates(
        self, sources: Sequence[Source], where: Constraints, limit: int
    ) -> Candidates:
        async def find(catalogue: Catalogue) -> tuple[Candidates, Editions]:
            found = await asyncio.gather(
                *(self._asked(source, catalogue, where, limit) for source in sources)
            )
            version = next((each.version for each in found if each.version is not None), None)
            because = {item: past for each in found for item, past in each.because.items()}
            wanted = {item for each in found for item in each.scores} | set(because.values())
            # All are read at once: a read costs more than the rows that it brings.
            read, editions = await self._store.items(catalogue.edition, list(wanted))
            items = {item.id: item for item in read}
            rankings = tuple(
                tuple(
                    Match(items[id_], score) for id_, score in each.scores.items() if id_ in items
                )
                for each in found
            )
            there = {id_: items[past] for id_, past in because.items() if past in items}
            return Candidates(rankings, version, there), editions

        return await self._in_one_edition(find, otherwise=Candidates(((),) * len(sources)))

    async def rerank(
        self, customer: str | None, history: Sequence[str], matches: Sequence[Match], show: int
    ) -> tuple[str | None, Sequence[Match]]:
        if self._bandit is None or not matches:
            return None, matches[:show]
        with _answering():
            shown = await self._bandit.choose(customer, history, matches, show)
            showing = uuid4().hex
            await self._store.add_showing(showing, customer, shown)
        by_id = {match.item.id: match for match in matches}
        return showing, [by_id[each.item] for each in shown]

    async def feedback(self, showing: str, item: str, kind: EventKind) -> Pressed | None:
        """Take in what somebody did with an item that was shown, and learn from it.

        Returns None where the same was said before. Raises NotFound for what was not shown.
        """
        with _answering():
            pressed = await self._store.add_feedback(showing, item, kind)
        if pressed is not None and self._bandit is not None:
            await self._bandit.learn(pressed)
        return pressed

    async def _current(self) -> Catalogue | None:
        """The catalogue in service, read again where it changed or its counts are old."""
        with _answering():
            edition, latest = await self._store.editions()
            if edition is None:
                self._catalogue = None
                return None
            held = self._catalogue
            if held is None or held.edition != edition:
                held = await self._store.catalogue(edition)
                self._counted = None
            if not self._has_counted(latest):
                held.count(await self._store.popularity())
                self._counted = (latest, time.monotonic())
            self._catalogue = held
            return held

    def _has_counted(self, latest: int | None) -> bool:
        counted = self._counted
        return counted is not None and counted[0] == latest and _age_s(counted[1]) <= POPULARITY_S

    async def _in_one_edition(
        self, work: Callable[[Catalogue], Awaitable[tuple[T, Editions]]], *, otherwise: T
    ) -> T:
        """Do the work in the edition in service; again, where another is in service after it, which
        the work tells with its result."""
        catalogue = self._catalogue or await self._current()
        for _ in range(_TRIES):
            if catalogue is None:
                return otherwise
            with _answering():
                done, (edition, latest) = await work(catalogue)
            if edition == catalogue.edition and self._has_counted(latest):
                return done
            catalogue = await self._current()
        raise StoreUnavailable("The catalogue is being replaced just now; ask again.")

    async def _asked(
        self, source: Source, catalogue: Catalogue, where: Constraints, limit: int
    ) -> _Ranking:
        edition = catalogue.edition
        match source:
            case Words(text):
                near = await self._vectors.near_text(edition, text, where, limit)
            case Like(item):
                near = await self._vectors.near_item(edition, item, where, limit)
            case Looks(image):
                near = await self._vectors.near_image(edition, image, where, limit)
            case Past(history):
                return await self._suiting(history, catalogue, where, limit)
        return _Ranking({each.item: each.score for each in near})

    async def _suiting(
        self, history: Sequence[str], catalogue: Catalogue, where: Constraints, limit: int
    ) -> _Ranking:
        scored = None if self._recommender is None else await self._recommender.scores(history)
        allowed = catalogue.allowed(where)
        allowed[[catalogue.rows[each] for each in history if each in catalogue.rows]] = False
        values = catalogue.popularity if scored is None else self._by_row(catalogue, scored)
        best = _best(values, allowed, limit)
        scores = {catalogue.ids[row]: float(values[row]) for row in best}
        if scored is None:
            return _Ranking(scores)
        return _Ranking(scores, scored.version, scored.because(list(scores)))

    def _by_row(self, catalogue: Catalogue, scored: Scores) -> NDArray[np.float64]:
        """The model's scores by row of the catalogue.

        Items that are newer than the model stand below those that it knows, the popular ones first.
        """
        kept = self._places
        if kept is None or kept[0] is not scored.items or kept[1] is not catalogue.ids:
            rows = [catalogue.rows.get(each, -1) for each in scored.items]
            kept = self._places = (scored.items, catalogue.ids, np.array(rows, dtype=np.intp))
        rows_of_model = kept[2]
        there = rows_of_model >= 0
        values = np.asarray(scored.values, dtype=np.float64)
        lowest = float(values.min()) if len(values) else 0.0
        by_row = lowest - 1.0 - 1.0 / (1.0 + catalogue.popularity)
        by_row[rows_of_model[there]] = values[there]
        return np.asarray(by_row)


@dataclass(frozen=True, slots=True)
class _Ranking:
    """What one source gave: scores by item, the best first, and for some the item of the history
    that weighed most."""

    scores: Mapping[str, float]
    version: str | None = None
    because: Mapping[str, str] = field(default_factory=dict)


def _age_s(since: float) -> float:
    return time.monotonic() - since


def _best(values: NDArray[np.float64], allowed: NDArray[np.bool_], limit: int) -> NDArray[np.intp]:
    """The allowed rows with the highest values, highest first; of equal ones the first rows."""
    rows = np.flatnonzero(allowed)
    if 0 < limit < len(rows):
        # All that reach the value of the last place, so that ties there are settled by row, too.
        last = np.partition(values[rows], len(rows) - limit)[len(rows) - limit]
        rows = rows[values[rows] >= last]
    return rows[np.argsort(-values[rows], kind="stable")][: max(limit, 0)]


@contextmanager
def _answering() -> Iterator[None]:
    """The database's failures, as the tools know them."""
    try:
        yield
    except DatabaseError as error:
        raise StoreUnavailable(
            "The shop's database does not answer; try again when it is back."
        ) from error
