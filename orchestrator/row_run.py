"""Runs what is done row by row: a bounded number at once, the finished ones kept in groups."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar

from orchestrator.row_store import RowStore, StoredRow

GROUP_ROWS = 100
GROUP_S = 1.0
"""Finished rows are kept at least so often: what a kill can cost."""

T = TypeVar("T")


class KeptRows:
    """Finished rows of one job on their way into the store.

    Args:
        done: the rows that are kept already, and whether each went well; it is added to.
        told: called whenever more are kept.
    """

    def __init__(
        self,
        store: RowStore,
        job_id: str,
        done: dict[int, bool],
        told: Callable[[], Awaitable[None]],
    ) -> None:
        self._store = store
        self._job_id = job_id
        self._told = told
        self._waiting: list[StoredRow] = []
        self._kept_at = time.monotonic()
        self.done = done

    @property
    def failed(self) -> int:
        return sum(1 for ok in self.done.values() if not ok)

    async def add(self, rows: Iterable[StoredRow]) -> None:
        self._waiting += rows
        due = time.monotonic() - self._kept_at >= GROUP_S
        if self._waiting and (due or len(self._waiting) >= GROUP_ROWS):
            await self.flush()

    async def flush(self) -> None:
        """Keep what waits. Raises DatabaseUnavailable."""
        rows = list(self._waiting)
        await self._store.add(self._job_id, rows)
        del self._waiting[: len(rows)]
        self.done |= {row.number: row.ok for row in rows}
        self._kept_at = time.monotonic()
        await self._told()


async def run_rows(
    items: Iterable[T],
    run: Callable[[T], Coroutine[Any, Any, StoredRow]],
    kept: KeptRows,
    *,
    at_once: Callable[[], int],
) -> None:
    """Run each item, `at_once` of them at a time; what is finished is kept, also on a cancellation.

    Raises what `run` raises: a row that merely fails is to say so in its result.
    """
    running: set[asyncio.Task[StoredRow]] = set()

    async def wait_for_one() -> None:
        nonlocal running
        ended, running = await asyncio.wait(
            running, timeout=GROUP_S, return_when=asyncio.FIRST_COMPLETED
        )
        await kept.add([task.result() for task in ended])

    try:
        for item in items:
            while len(running) >= at_once():
                await wait_for_one()
            running.add(asyncio.create_task(run(item)))
        while running:
            await wait_for_one()
    finally:
        for task in running:
            task.cancel()
        last = await asyncio.gather(*running, return_exceptions=True)
        await kept.add(row for row in last if isinstance(row, StoredRow))
        await kept.flush()
