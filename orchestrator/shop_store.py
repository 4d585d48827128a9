"""A shop in the database: its items, what people did, what was shown and what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from orchestrator.database import Database, now, storable
from orchestrator.shop_catalogue import Catalogue, CatalogueRow
from orchestrator.tables import feedback as _feedback
from orchestrator.tables import interactions as _interactions
from orchestrator.tables import item_pictures as _pictures
from orchestrator.tables import items as _items
from orchestrator.tables import shop_editions as _editions
from orchestrator.tables import showings as _showings
from tools.errors import NotFound
from tools.recommendation.shop import Event, EventKind, Item

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

MAX_HISTORY = 1_000
"""How many events of one customer are read, the latest."""
_IDS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Shown:
    """An item that was shown at one place of a showing.

    Attributes:
        propensity: how likely the item was at that place, given those above it.
        features: what the bandit chose it by.
    """

    item: str
    propensity: float
    features: Sequence[float]


@dataclass(frozen=True, slots=True)
class Pressed:
    """Feedback that counts: what was shown, to whom, and what was done with it.

    `beside` is what else was shown there, where this is the first that was done with any of it:
    until then nobody may have looked.
    """

    showing: str
    customer: str | None
    shown: Shown
    kind: EventKind
    beside: Sequence[Shown] = ()


class Editions(NamedTuple):
    """The edition whose items are in service, and the last one that is live: the former, or one of
    interactions alone. None before the first import."""

    items: int | None
    latest: int | None


async def _editions_in_service(connection: AsyncConnection) -> Editions:
    with_items = sa.func.max(sa.case((_editions.c.has_items, _editions.c.id)))
    query = sa.select(with_items, sa.func.max(_editions.c.id)).where(_editions.c.live)
    return Editions(*(await connection.execute(query)).one())


class ShopStore:
    """Reads and writes. Every method raises DatabaseUnavailable when the database can't."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def editions(self) -> Editions:
        """The editions in service."""
        async with self._database.read() as connection:
            return await _editions_in_service(connection)

    async def catalogue(self, edition: int) -> Catalogue:
        """What choosing among the items of an edition takes, to be held in memory."""
        query = (
            sa.select(
                *(_items.c[name] for name in ("id", "title", "categories", "price", "available"))
            )
            .where(_items.c.edition == edition)
            .order_by(_items.c.position)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return await asyncio.to_thread(
            lambda: Catalogue(edition, [CatalogueRow(*row) for row in rows])
        )

    async def popularity(self) -> dict[str, int]:
        """How many people took each item; items that nobody took are left out."""
        async with self._database.read() as connection:
            rows = (await connection.execute(_popularity())).all()
        return {row.item: row.people for row in rows}

    async def items(self, edition: int, ids: Sequence[str]) -> tuple[list[Item], Editions]:
        """Items by id, in this order; unknown ones are left out. And the editions in service when
        they were read."""
        found: dict[str, Item] = {}
        fields = [_items.c[name] for name in Item.model_fields]
        async with self._database.read() as connection:
            wanted = list(dict.fromkeys(map(storable, ids)))
            for start in range(0, len(wanted), _IDS_AT_ONCE):
                some = wanted[start : start + _IDS_AT_ONCE]
                query = sa.select(*fields).where(_items.c.edition == edition, _items.c.id.in_(some))
                for row in (await connection.execute(query)).mappings():
                    found[row["id"]] = Item.model_validate(dict(row))
            editions = await _editions_in_service(connection)
        return [found[each] for each in ids if each in found], editions

    async def picture(self, edition: int, item: str) -> bytes | None:
        """An item's picture as JPEG, where it has one."""
        query = sa.select(_pictures.c.jpeg).where(
            _pictures.c.edition == edition, _pictures.c.item == storable(item)
        )
        async with self._database.read() as connection:
            return (await connection.execute(query)).scalar_one_or_none()

    async def history(self, customer: str) -> list[Event] | None:
        """The latest that a customer did, oldest first; None for one that nobody knows."""
        table = _interactions
        query = (
            sa.select(table.c.item, table.c.kind, table.c.value, table.c.at)
            .where(table.c.customer == storable(customer), _counts())
            .order_by(table.c.at.desc(), table.c.id.desc())
            .limit(MAX_HISTORY)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [Event.model_validate(dict(row)) for row in reversed(rows)] or None

    async def add_showing(self, showing: str, customer: str | None, shown: Sequence[Shown]) -> None:
        """Log what is shown, first place first."""
        at = now()
        rows = [
            {
                "id": showing,
                "position": position,
                "customer": None if customer is None else storable(customer),
                "item": each.item,
                "propensity": each.propensity,
                "features": list(each.features),
                "at": at,
            }
            for position, each in enumerate(shown)
        ]
        async with self._database.write() as connection:
            await connection.execute(_showings.insert(), rows)

    async def add_feedback(self, showing: str, item: str, kind: EventKind) -> Pressed | None:
        """Log what was done with an item that was shown; a customer's joins their history.

        Returns None where the same was said before. Raises NotFound for what was not shown.
        """
        query = sa.select(_showings).where(_showings.c.id == storable(showing))
        before = sa.select(sa.func.count()).where(_feedback.c.showing == storable(showing))
        async with self._database.write() as connection:
            rows = (await connection.execute(query)).mappings().all()
            row = next((each for each in rows if each["item"] == item), None)
            if row is None:
                raise NotFound("That was not shown there; ask for recommendations again.")
            first = not (await connection.execute(before)).scalar_one()
            at = now()
            told = {"showing": row["id"], "position": row["position"], "kind": kind, "at": at}
            if not await insert_ignoring(connection, _feedback, [told]):
                return None
            if row["customer"] is not None:
                event = {"customer": row["customer"], "item": item, "kind": kind}
                await insert_ignoring(connection, _interactions, [event | {"value": 1.0, "at": at}])
        beside = tuple(map(_shown, (each for each in rows if first and each is not row)))
        return Pressed(row["id"], row["customer"], _shown(row), kind, beside)

    async def events(self, *, after: int = 0, limit: int = 50_000) -> list[tuple[int, str, Event]]:
        """Events that count, in the order in which they came: number, customer and event.

        Args:
            after: the number of the last one that was read; 0 begins.
        """
        table = _interactions
        query = (
            sa.select(table.c.id, table.c.customer, table.c.item, table.c.kind, table.c.value)
            .add_columns(table.c.at)
            .where(table.c.id > after, _counts())
            .order_by(table.c.id)
            .limit(limit)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return [
            (number, customer, Event(item=item, kind=kind, value=value, at=at))
            for number, customer, item, kind, value, at in rows
        ]


def _shown(row: sa.RowMapping) -> Shown:
    return Shown(row["item"], row["propensity"], row["features"])


async def current_edition(connection: AsyncConnection) -> int | None:
    """The edition whose items are in service."""
    query = sa.select(sa.func.max(_editions.c.id)).where(_editions.c.live, _editions.c.has_items)
    edition: int | None = (await connection.execute(query)).scalar_one()
    return edition


async def insert_ignoring(
    connection: AsyncConnection, table: sa.Table, rows: Sequence[Mapping[str, Any]]
) -> int:
    """Insert rows but those that a unique key refuses; gives how many went in, for a single one."""
    from sqlalchemy.dialects import postgresql, sqlite

    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    done = await connection.execute(insert(table).on_conflict_do_nothing(), list(rows))
    return int(done.rowcount)


def _counts() -> sa.ColumnElement[bool]:
    """Whether an interaction counts: it happened here, or its import is live."""
    live = sa.select(_editions.c.id).where(_editions.c.live)
    return sa.or_(_interactions.c.edition.is_(None), _interactions.c.edition.in_(live))


def _popularity() -> sa.Select[tuple[str, int]]:
    """How many people took each item: a rating counts where it isn't below the average."""
    table = _interactions
    average = sa.select(sa.func.avg(table.c.value)).where(table.c.kind == "rate").scalar_subquery()
    liked = sa.or_(
        table.c.kind.not_in(("dislike", "rate")),
        sa.and_(table.c.kind == "rate", table.c.value >= average),
    )
    people = sa.func.count(sa.distinct(table.c.customer)).label("people")
    return sa.select(table.c.item, people).where(_counts(), liked).group_by(table.c.item)
