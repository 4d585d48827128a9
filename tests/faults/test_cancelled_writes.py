"""Work that is cancelled in the middle of a write leaves the database to the others."""

from __future__ import annotations

import asyncio
from pathlib import Path

from orchestrator.database import database_at
from orchestrator.task import TaskRequest
from orchestrator.tasks import TaskStore


async def test_a_write_that_is_cancelled_holds_no_lock(tmp_path: Path) -> None:
    """Cancelled at every point of it, with its traceback alive."""
    async with database_at(f"sqlite:///{tmp_path}/state.db") as database:
        store = TaskStore(database)
        cancelled: list[BaseException | object] = []
        for turns in range(120):
            write = asyncio.create_task(store.create("local", TaskRequest(text="x")))
            for _ in range(turns):
                await asyncio.sleep(0 if turns % 2 else 0.0002)
            write.cancel()
            cancelled += await asyncio.gather(write, return_exceptions=True)
            async with asyncio.timeout(5):
                await store.create("other", TaskRequest(text="y"))
        assert any(isinstance(found, asyncio.CancelledError) for found in cancelled)
