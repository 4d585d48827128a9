"""Traces in the database: many at once, bounded, each owner's own."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from orchestrator import traces as module
from orchestrator.database import Database, database_at, now
from orchestrator.errors import DatabaseUnavailable
from orchestrator.tables import traces as table
from orchestrator.traces import Recorded, TraceStore
from tools.contracts import NotFound

BEGUN = now()


def recorded(
    number: int, *, owner: str = "local", request: str | None = None, **more: Any
) -> Recorded:
    begun = BEGUN + timedelta(seconds=number)
    trace = {
        "id": f"turn_{number}",
        "kind": "turn",
        "request_id": request,
        "begun_at": begun.isoformat(),
        "duration_ms": 1.5,
        **more,
    }
    return Recorded(f"turn_{number}", request, owner, begun, trace)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with database_at(f"sqlite:///{tmp_path}/state.db") as database:
        yield database


async def count(database: Database) -> int:
    async with database.read() as connection:
        found = (await connection.execute(sa.select(sa.func.count()).select_from(table))).scalar()
        return int(found or 0)


class Counted:
    """A database that counts transactions, and refuses them where it is told to."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.writes = 0
        self.refuses = False
        self.wrote = asyncio.Event()
        self.read = database.read

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        if self.refuses:
            raise DatabaseUnavailable("The disk is full.")
        async with self._database.write() as connection:
            yield connection
        self.writes += 1
        self.wrote.set()


@pytest.mark.parametrize("written", [(), (1,), (1, 2)], ids=["waits", "some", "written"])
async def test_it_is_found_by_its_id_and_by_its_requests(
    database: Database, written: tuple[int, ...]
) -> None:
    store = TraceStore(database, kept=10)
    for number in (1, 2):
        store.keep(recorded(number, request="req_a"))
        if number in written:
            await store.write()
    assert (await store.get("turn_1", "local")).id == "turn_1"
    assert (await store.get("req_a", "local")).id == "turn_2", "the last one of that id"
    with pytest.raises(NotFound):
        await store.get("turn_3", "local")
    await store.close()


async def test_a_traces_own_id_goes_before_a_clients(database: Database) -> None:
    """A client may name its request as it likes, and as another trace is called."""
    store = TraceStore(database, kept=10)
    store.keep(recorded(1))
    store.keep(recorded(2, request="turn_1"))
    assert (await store.get("turn_1", "local")).id == "turn_1"
    await store.write()
    store.keep(recorded(3, request="turn_1"))
    assert (await store.get("turn_1", "local")).id == "turn_1"
    await store.close()


async def test_anothers_are_not_there(database: Database) -> None:
    store = TraceStore(database, kept=10)
    store.keep(recorded(1, owner="key_a", request="req_a"))
    for name in ("turn_1", "req_a"):
        with pytest.raises(NotFound):
            await store.get(name, "key_b")
    assert await store.list("key_b") == ()
    assert [trace.id for trace in await store.list("key_a")] == ["turn_1"]
    await store.close()


async def test_many_are_written_at_once_and_off_the_path(database: Database) -> None:
    counted = Counted(database)
    store = TraceStore(counted, kept=100, write_every_s=60)  # type: ignore[arg-type]
    for number in range(module.GROUP + 5):
        store.keep(recorded(number))
    await asyncio.sleep(0)
    assert counted.writes == 0
    await store.close()
    assert counted.writes == 2
    assert await count(database) == module.GROUP + 5


async def test_the_writer_writes_by_itself(database: Database) -> None:
    counted = Counted(database)
    store = TraceStore(counted, kept=100, write_every_s=0.01)  # type: ignore[arg-type]
    store.keep(recorded(1))
    async with asyncio.timeout(20):
        await counted.wrote.wait()
    assert await count(database) == 1
    await store.close()


async def test_only_the_newest_stay(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PRUNE_EVERY", 5)
    store = TraceStore(database, kept=3)
    for number in range(12):
        store.keep(recorded(number))
        await store.write()
    assert await count(database) <= 3 + 4
    await store.close()
    again = TraceStore(database, kept=3)
    again.keep(recorded(12))
    await again.write()
    assert [trace.id for trace in await again.list("local")] == ["turn_12", "turn_11", "turn_10"]
    await again.close()


async def test_a_task_that_goes_on_has_one_trace(database: Database) -> None:
    store = TraceStore(database, kept=10)
    store.keep(recorded(1, error="cancelled"))
    store.keep(recorded(1))
    assert (await store.get("turn_1", "local")).error is None
    await store.write()
    assert (await store.get("turn_1", "local")).error is None
    store.keep(recorded(1, error="deadline_exceeded"))
    assert (await store.get("turn_1", "local")).error == "deadline_exceeded"
    await store.write()
    assert (await store.get("turn_1", "local")).error == "deadline_exceeded"
    assert await count(database) == 1
    await store.close()


async def test_a_database_that_takes_nothing_loses_the_oldest_and_nothing_else(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 3)
    counted = Counted(database)
    store = TraceStore(counted, kept=10)  # type: ignore[arg-type]
    store.keep(recorded(0))
    await store.write()
    counted.refuses = True
    for number in range(1, 6):
        store.keep(recorded(number))
    assert store.dropped == 2
    listed = ["turn_5", "turn_4", "turn_3", "turn_0"]
    assert (await store.get("turn_0", "local")).id == "turn_0", "what is there is still read"
    assert [t.id for t in await store.list("local")] == listed, "and what waits"
    assert await count(database) == 1
    counted.refuses = False
    await store.close()
    assert await count(database) == 4
    assert [t.id for t in await store.list("local")] == listed


async def test_what_no_database_takes_is_made_so(database: Database) -> None:
    store = TraceStore(database, kept=10)
    odd = {"nan": math.nan, "bytes": b"\xff", "object": object, "text": "a\ud800\x00b"}
    store.keep(recorded(1, attributes=odd))
    waiting = await store.get("turn_1", "local")
    await store.write()
    stored = await store.get("turn_1", "local")
    assert stored == waiting
    assert stored.attributes["text"] == "ab"
    assert stored.attributes["nan"] is None
    await store.close()


async def test_a_store_that_keeps_none_writes_none(database: Database) -> None:
    store = TraceStore(database, kept=0)
    store.keep(recorded(1))
    await store.close()
    assert await count(database) == 0


async def test_closing_leaves_no_task(database: Database) -> None:
    before = asyncio.all_tasks()
    store = TraceStore(database, kept=10, write_every_s=60)
    store.keep(recorded(1))
    await store.close()
    assert asyncio.all_tasks() <= before
