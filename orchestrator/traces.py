"""Traces, kept in the database and found by their ids."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa
from pydantic_core import to_jsonable_python

from model_servers.contracts import SwitchboardError
from orchestrator.database import Database, storable, storable_json
from orchestrator.tables import traces as _traces
from orchestrator.trace import Trace, TraceSummary
from tools.contracts import NotFound

log = logging.getLogger(__name__)

MAX_LISTED = 100
MAX_WAITING = 1_000
"""Traces that wait to be written; where more come, the oldest are dropped."""
WRITE_EVERY_S = 1.0
GROUP = 50
"""Traces in one transaction at most: making their JSON must not hold up the requests."""
LONGEST_PAUSE_S = 60.0
"""Between two tries, where the database takes nothing."""
_PRUNE_EVERY = 100


@dataclass(frozen=True, slots=True)
class Recorded:
    """A trace as it is handed in: the row of the table."""

    id: str
    request_id: str | None
    owner: str
    created_at: datetime
    trace: Mapping[str, Any]


class TraceStore:
    """Traces by owner: a key's id, or "local". Others' look as if they were not there.

    A task of its own writes what is handed in, many at once, off the path of requests.

    Args:
        kept: how many stay in the database; the oldest go.
        write_every_s: how long what is handed in waits for company.
    """

    def __init__(
        self, database: Database, *, kept: int, write_every_s: float = WRITE_EVERY_S
    ) -> None:
        self._database = database
        self._kept = kept
        self._write_every_s = write_every_s
        self._waiting: deque[Recorded] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()
        self._since_pruned = _PRUNE_EVERY
        self.dropped = 0
        """Traces that were lost since there was no room for them to wait."""

    def keep(self, trace: Recorded) -> None:
        """Have it written soon; where the same id was kept before, in its place. Never waits."""
        if self._kept == 0:
            return
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(trace)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(
                self._write_soon(), name="write-traces", context=contextvars.Context()
            )

    async def get(self, trace_id: str, owner: str) -> Trace:
        """A trace by its own id, or the last one of an HTTP request's id. Raises NotFound."""
        waiting = [trace for trace in reversed(self._waiting) if trace.owner == owner]
        newest = [trace for trace in waiting if trace.request_id == trace_id][:1]
        own = [trace for trace in waiting if trace.id == trace_id][:1]
        found = _json(own[0]) if own else await self._stored(trace_id, owner)
        if newest and (found is None or found["id"] != trace_id):
            found = _json(newest[0])
        if found is None:
            raise NotFound(
                "There is no such trace; the oldest ones are dropped as new ones come.",
                param="trace",
            )
        return Trace.model_validate(found)

    async def list(self, owner: str, limit: int = 20) -> tuple[TraceSummary, ...]:
        """The owner's newest traces, without their spans, the newest first."""
        query = (
            sa.select(_traces.c.trace)
            .where(_traces.c.owner == storable(owner))
            .order_by(_traces.c.created_at.desc())
            .limit(min(limit, MAX_LISTED))
        )
        async with self._database.read() as connection:
            stored = (await connection.execute(query)).scalars().all()
        waiting = [_json(trace) for trace in self._waiting if trace.owner == owner]
        found = {trace["id"]: TraceSummary.model_validate(trace) for trace in [*stored, *waiting]}
        newest = sorted(found.values(), key=lambda trace: trace.begun_at, reverse=True)
        return tuple(newest[:limit])

    async def _stored(self, trace_id: str, owner: str) -> dict[str, Any] | None:
        named = storable(trace_id)
        query = (
            sa.select(_traces.c.trace)
            .where(sa.or_(_traces.c.id == named, _traces.c.request_id == named))
            .where(_traces.c.owner == storable(owner))
            .order_by(sa.desc(_traces.c.id == named), _traces.c.created_at.desc())
            .limit(1)
        )
        async with self._database.read() as connection:
            found: dict[str, Any] | None = (await connection.execute(query)).scalar()
        return found

    async def write(self) -> None:
        """Write what waits. Raises DatabaseUnavailable; then it waits on."""
        async with self._writing:
            while self._waiting:
                await self._write_group([*islice(self._waiting, GROUP)])

    async def _write_group(self, group: Sequence[Recorded]) -> None:
        rows = {
            trace.id: {
                "id": trace.id,
                "request_id": trace.request_id,
                "owner": storable(trace.owner),
                "trace": _json(trace),
                "created_at": trace.created_at,
            }
            for trace in group
        }
        self._since_pruned += len(group)
        prune = self._since_pruned >= _PRUNE_EVERY
        async with self._database.write() as connection:
            await connection.execute(_traces.delete().where(_traces.c.id.in_(rows)))
            await connection.execute(_traces.insert(), [*rows.values()])
            if prune:
                newest = sa.select(_traces.c.id).order_by(_traces.c.created_at.desc())
                too_many = newest.offset(self._kept)
                await connection.execute(_traces.delete().where(_traces.c.id.in_(too_many)))
        if prune:
            self._since_pruned = 0
        written = set(map(id, group))
        while self._waiting and id(self._waiting[0]) in written:
            self._waiting.popleft()

    async def close(self) -> None:
        """Write what waits, where the database takes it."""
        if self._writer is not None:
            self._writer.cancel()
            with suppress(asyncio.CancelledError):
                await self._writer
        await self._write_if_possible()

    async def _write_soon(self) -> None:
        pause_s = self._write_every_s
        while self._waiting:
            await asyncio.sleep(pause_s)
            written = await self._write_if_possible()
            pause_s = self._write_every_s if written else min(2 * pause_s, LONGEST_PAUSE_S)

    async def _write_if_possible(self) -> bool:
        """A trace must not take anything else with it: what can't be written now waits on."""
        try:
            await self.write()
        except SwitchboardError:
            log.warning("%d traces could not be written; they wait", len(self._waiting))
            return False
        except Exception:
            log.exception("%d traces could not be written; they are lost", len(self._waiting))
            self._waiting.clear()
        return True


def _json(trace: Recorded) -> Any:
    """The trace as any database takes it, whatever a span was told."""
    return storable_json(to_jsonable_python(trace.trace, fallback=str, bytes_mode="hex"))
