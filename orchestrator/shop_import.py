"""Take a shop's items and interactions in, of any size, all at once or not at all.

An import writes under an edition of its own, in short transactions, so that others can write
meanwhile. Nobody reads that edition until it is made live by one update: what is in service stays
as it was when an import fails, is stopped or is killed.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from model_servers.contracts import SwitchboardError
from orchestrator.database import Database, now
from orchestrator.errors import Conflict
from orchestrator.shop_csv import CsvRow, ShopCsv
from orchestrator.shop_pictures import read_picture
from orchestrator.shop_report import ImportProgress, ImportReport, Stage, Tally, Told
from orchestrator.shop_rows import (
    INTERACTION_COLUMNS,
    ITEM_COLUMNS,
    BadRow,
    Interaction,
    interaction_of,
    item_of,
)
from orchestrator.shop_store import current_edition, insert_ignoring
from orchestrator.tables import interactions as _interactions
from orchestrator.tables import item_pictures as _pictures
from orchestrator.tables import items as _items
from orchestrator.tables import shop_editions as _editions
from tools.errors import InvalidInput
from tools.pictures import encode
from tools.recommendation.item_vectors import ItemVectors, Pictured

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from model_servers.images import Image
    from tools.recommendation.shop import Item

log = logging.getLogger(__name__)

MAX_ITEMS = 500_000
"""Their ids are held in memory, so that interactions of unknown ones are found."""
MAX_INTERACTIONS = 50_000_000
_ITEMS_AT_ONCE = 256
_INTERACTIONS_AT_ONCE = 5_000


def ignore(_: ImportProgress) -> None:
    """A Told that nobody watches."""


class _Entry(NamedTuple):
    item: Item
    picture: Image | None
    jpeg: bytes | None


@dataclass(slots=True)
class _Counts:
    """What one import did so far."""

    items: int = 0
    pictures: int = 0
    taken: int = 0
    unknown: int = 0
    tallies: list[Tally] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


class ShopImport:
    """Imports into one shop, one at a time."""

    def __init__(self, database: Database, vectors: ItemVectors) -> None:
        self._database = database
        self._vectors = vectors
        self._running = asyncio.Lock()

    async def run(
        self, items: Path | None, interactions: Path | None, told: Told = ignore
    ) -> ImportReport:
        """Import a catalogue, interactions, or both.

        The catalogue is the whole one: an item that it does not name is gone. Interactions are
        added to those that there are; what is there already is not counted twice.

        Args:
            items, interactions: CSV files, as `ITEM_COLUMNS` and `INTERACTION_COLUMNS` say.
            told: hears how far it is, a few times a second.

        Raises:
            InvalidInput: a file can't be used; the message says where and why.
            Conflict: another import runs.
            SwitchboardError: the database, the vectors or the encoders fail.
        """
        if items is None and interactions is None:
            raise InvalidInput("Name a file of items, one of interactions, or both.")
        if self._running.locked():
            raise Conflict("Another import is running; wait until it has ended.")
        async with self._running:
            await self._discard_dead()
            edition, before = await self._begin(has_items=items is not None)
            try:
                report = await self._take(edition, before, items, interactions, told)
                await self._make_live(report)
            except BaseException:
                await self._undo(edition)
                raise
            if items is not None:
                await self._forget_older(edition)
            return report

    async def _take(
        self,
        edition: int,
        before: int | None,
        items: Path | None,
        interactions: Path | None,
        told: Told,
    ) -> ImportReport:
        counts = _Counts()
        if items is not None:
            known: Collection[str] = await self._take_items(edition, before, items, counts, told)
        else:
            known = await self._known_items(before)
        if interactions is not None:
            await self._take_interactions(edition, interactions, known, counts, told)
        return await self._report(edition, counts, has_items=items is not None)

    async def _take_items(
        self, edition: int, before: int | None, path: Path, counts: _Counts, told: Told
    ) -> set[str]:
        """Write the items under the edition; gives their ids."""
        seen: set[str] = set()
        with await asyncio.to_thread(ShopCsv, path, ITEM_COLUMNS) as file:
            tally = _started(file, counts)
            reading = _entries(file, tally, seen)
            while chunk := await asyncio.to_thread(_next, reading, _ITEMS_AT_ONCE):
                rows = [
                    each.item.model_dump() | {"edition": edition, "position": counts.items + n}
                    for n, each in enumerate(chunk)
                ]
                jpegs = [
                    {"edition": edition, "item": each.item.id, "jpeg": each.jpeg}
                    for each in chunk
                    if each.jpeg is not None
                ]
                async with self._database.write() as connection:
                    await connection.execute(_items.insert(), rows)
                    if jpegs:
                        await connection.execute(_pictures.insert(), jpegs)
                await self._vectors.add(
                    edition, [Pictured(each.item, each.picture) for each in chunk], before=before
                )
                counts.items += len(rows)
                counts.pictures += len(jpegs)
                told(_progress("items", file, tally))
            tally.check(ended=True)
        return seen

    async def _take_interactions(
        self, edition: int, path: Path, known: Collection[str], counts: _Counts, told: Told
    ) -> None:
        with await asyncio.to_thread(ShopCsv, path, INTERACTION_COLUMNS) as file:
            tally = _started(file, counts)
            reading = _events(file, tally, known, counts)
            while chunk := await asyncio.to_thread(_next, reading, _INTERACTIONS_AT_ONCE):
                rows = [each._asdict() | {"edition": edition} for each in chunk]
                async with self._database.write() as connection:
                    await insert_ignoring(connection, _interactions, rows)
                counts.taken += len(rows)
                told(_progress("interactions", file, tally))
            tally.check(ended=True)

    async def _report(self, edition: int, counts: _Counts, *, has_items: bool) -> ImportReport:
        new = sa.select(
            sa.func.count(), sa.func.count(sa.distinct(_interactions.c.customer))
        ).where(_interactions.c.edition == edition)
        async with self._database.read() as connection:
            added, customers = (await connection.execute(new)).one()
        bad = [tally.bad for tally in counts.tallies]
        return ImportReport(
            edition=edition,
            items=counts.items,
            pictures=counts.pictures,
            interactions=added,
            duplicates=counts.taken - added,
            customers=customers,
            bad_items=bad[0] if has_items else 0,
            bad_interactions=sum(bad[1:] if has_items else bad),
            unknown_items=counts.unknown,
            bad_pictures=sum(tally.bad_pictures for tally in counts.tallies),
            bad_lines=tuple(line for tally in counts.tallies for line in tally.lines),
            ignored_columns=tuple(counts.ignored),
        )

    async def _known_items(self, edition: int | None) -> set[str]:
        if edition is None:
            raise InvalidInput(
                "There are no items yet; import the catalogue first, or both files together."
            )
        async with self._database.read() as connection:
            query = sa.select(_items.c.id).where(_items.c.edition == edition)
            return set((await connection.execute(query)).scalars())

    # editions

    async def _begin(self, *, has_items: bool) -> tuple[int, int | None]:
        """A new edition, and the one whose items are in service."""
        async with self._database.write() as connection:
            before = await current_edition(connection)
            row = {"live": False, "has_items": has_items, "created_at": now()}
            done = await connection.execute(_editions.insert().values(**row))
        assert done.inserted_primary_key is not None
        return int(done.inserted_primary_key[0]), before

    async def _make_live(self, report: ImportReport) -> None:
        live = {"live": True, "report": report.model_dump(mode="json")}
        async with self._database.write() as connection:
            await connection.execute(
                _editions.update().where(_editions.c.id == report.edition).values(**live)
            )

    async def _undo(self, edition: int) -> None:
        """Delete what was written. What fails here is done at the start of the next import."""
        try:
            async with self._database.write() as connection:
                await _delete_edition(connection, edition)
            await self._vectors.drop(edition)
        except SwitchboardError:
            log.exception("what a failed import left will be deleted by the next one")

    async def _discard_dead(self) -> None:
        """Delete what imports left that were killed."""
        async with self._database.write() as connection:
            query = sa.select(_editions.c.id).where(sa.not_(_editions.c.live))
            dead = (await connection.execute(query)).scalars().all()
            for edition in dead:
                await _delete_edition(connection, edition)
        for edition in dead:
            await self._vectors.drop(edition)

    async def _forget_older(self, edition: int) -> None:
        """Delete the items of the editions before; nobody asks for them any more."""
        try:
            async with self._database.write() as connection:
                for table in (_items, _pictures):
                    await connection.execute(sa.delete(table).where(table.c.edition < edition))
            await self._vectors.keep_only(edition)
        except SwitchboardError:
            log.exception("the items before will be deleted after the next import")


async def _delete_edition(connection: AsyncConnection, edition: int) -> None:
    for table in (_interactions, _pictures, _items):
        await connection.execute(sa.delete(table).where(table.c.edition == edition))
    await connection.execute(sa.delete(_editions).where(_editions.c.id == edition))


def _started(file: ShopCsv, counts: _Counts) -> Tally:
    tally = Tally(file.name)
    counts.tallies.append(tally)
    counts.ignored += file.ignored
    return tally


def _next(rows: Iterator[Any], count: int) -> Sequence[Any]:
    return list(itertools.islice(rows, count))


def _rows(file: ShopCsv, tally: Tally, most: int) -> Iterator[CsvRow]:
    """The rows that can be read, counted within the limit."""
    for row in file.rows():
        if tally.rows >= most:
            raise InvalidInput(
                f"{file.name} has more than {most:,} rows; nothing of it was imported."
            )
        tally.rows += 1
        if row.error is None:
            yield row
        else:
            tally.refuse(row.line, row.error)
        tally.check(ended=False)


def _entries(file: ShopCsv, tally: Tally, seen: set[str]) -> Iterator[_Entry]:
    currency: str | None = None
    for row in _rows(file, tally, MAX_ITEMS):
        try:
            item = item_of(row.cells, currency)
            if item.id in seen:
                raise BadRow(f"the id {item.id!r} stands in the file before")
        except BadRow as error:
            tally.refuse(row.line, str(error))
            continue
        currency = item.currency
        seen.add(item.id)
        picture = None
        if item.picture is not None:
            try:
                picture = read_picture(file.folder, item.picture)
            except BadRow as error:
                tally.refuse_picture(row.line, str(error))
                item = item.model_copy(update={"picture": None})
        yield _Entry(item, picture, None if picture is None else encode(picture, "jpeg"))


def _events(
    file: ShopCsv, tally: Tally, known: Collection[str], counts: _Counts
) -> Iterator[Interaction]:
    today = now()
    for row in _rows(file, tally, MAX_INTERACTIONS):
        try:
            event = interaction_of(row.cells, today)
            if event.item not in known:
                counts.unknown += 1
                raise BadRow(f"there is no item {event.item[:40]!r} in the catalogue")
        except BadRow as error:
            tally.refuse(row.line, str(error))
            continue
        yield event


def _progress(stage: Stage, file: ShopCsv, tally: Tally) -> ImportProgress:
    return ImportProgress(stage, file.bytes_read, file.total_bytes, tally.rows, tally.bad)
