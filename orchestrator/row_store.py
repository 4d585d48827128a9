"""What is done row by row, of a task or of a batch, kept in groups so that it goes on after a kill.

Rows count from 1. Under the number 0 stands the job's head: what was settled before the first row
ran, such as the plan, and is the same for all of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from orchestrator import tables
from orchestrator.database import Database, storable_json

_HEAD = 0
_PAGE = 1_000


class StoredRow(BaseModel):
    """One row that was run; `ok` is false where it failed, and `result` says why then."""

    model_config = ConfigDict(frozen=True)

    number: int
    ok: bool
    result: dict[str, Any]


class RowStore:
    """The finished rows of every job. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def head(self, job_id: str) -> dict[str, Any] | None:
        """What `set_head` kept; None for a job that was not begun."""
        found = await self._page(job_id, _HEAD, limit=1)
        return found[0].result if found and found[0].number == _HEAD else None

    async def set_head(self, job_id: str, head: Mapping[str, Any]) -> None:
        async with self._database.write() as connection:
            await connection.execute(
                sa.delete(tables.rows).where(*_of(job_id), tables.rows.c.number == _HEAD)
            )
            await connection.execute(
                sa.insert(tables.rows).values(
                    job_id=job_id, number=_HEAD, ok=True, result=storable_json(head)
                )
            )

    async def add(self, job_id: str, rows: Sequence[StoredRow]) -> None:
        """Keep a group of rows, all or none; what was kept of them before is replaced.

        A job that is cancelled while its rows are being kept keeps them once more.
        """
        if not rows:
            return
        records = [
            {"job_id": job_id, "number": r.number, "ok": r.ok, "result": storable_json(r.result)}
            for r in rows
        ]
        again = sa.delete(tables.rows).where(
            *_of(job_id), tables.rows.c.number.in_([row.number for row in rows])
        )
        async with self._database.write() as connection:
            await connection.execute(again)
            await connection.execute(sa.insert(tables.rows), records)

    async def done(self, job_id: str) -> dict[int, bool]:
        """The numbers of the rows that were run, and whether each went well."""
        query = sa.select(tables.rows.c.number, tables.rows.c.ok).where(
            *_of(job_id), tables.rows.c.number > _HEAD
        )
        async with self._database.read() as connection:
            return {int(number): bool(ok) for number, ok in await connection.execute(query)}

    async def pages(self, job_id: str) -> AsyncIterator[list[StoredRow]]:
        """The rows in order, so many at a time that memory stays small."""
        after = _HEAD + 1
        while page := await self._page(job_id, after, limit=_PAGE):
            yield page
            after = page[-1].number + 1

    async def forget(self, job_id: str) -> None:
        """Drop the rows, not the head: what they held is in the job's files by now."""
        async with self._database.write() as connection:
            await connection.execute(
                sa.delete(tables.rows).where(*_of(job_id), tables.rows.c.number > _HEAD)
            )

    async def _page(self, job_id: str, first: int, *, limit: int) -> list[StoredRow]:
        query = (
            sa.select(tables.rows.c.number, tables.rows.c.ok, tables.rows.c.result)
            .where(*_of(job_id), tables.rows.c.number >= first)
            .order_by(tables.rows.c.number)
            .limit(limit)
        )
        async with self._database.read() as connection:
            found = (await connection.execute(query)).mappings()
            return [StoredRow.model_validate(dict(row)) for row in found]


def _of(job_id: str) -> tuple[sa.ColumnElement[bool]]:
    return (tables.rows.c.job_id == job_id,)
