"""LangGraph's savers, which hold what a turn has done so far: where they are, and when they have
kept it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections import defaultdict
from collections.abc import Awaitable, Coroutine, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")

# Strict decoding of checkpoints is read from the environment when langgraph is imported.
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from orchestrator.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from orchestrator.settings import Settings

_FILE = "checkpoints.db"


class Checkpoints(Protocol):
    """What is needed of a saver besides what LangGraph does with it."""

    async def settled(self, thread_id: str) -> None:
        """Return when every write of the thread that was begun is kept. Raises what it raised."""
        ...

    async def adelete_thread(self, thread_id: str) -> None: ...


class _Settling:
    """Knows which writes are under way. LangGraph makes them beside the work, unwaited for."""

    failures: ClassVar[tuple[type[Exception], ...]]
    """What the driver raises where the database does not answer."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._under_way: defaultdict[str, set[asyncio.Future[None]]] = defaultdict(set)

    def aput_writes(
        self, config: Any, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> Coroutine[Any, Any, None]:
        # Noted when it is called, not when it first runs: who asks right after must know of it.
        thread_id = config["configurable"]["thread_id"]
        kept = asyncio.get_running_loop().create_future()
        self._under_way[thread_id].add(kept)
        made = super().aput_writes(config, writes, task_id, task_path)  # type: ignore[misc]
        return self._keep(made, kept, thread_id)

    async def _keep(
        self, made: Awaitable[None], kept: asyncio.Future[None], thread_id: str
    ) -> None:
        try:
            await self._translated(made)
        except BaseException as error:
            kept.set_exception(error)
            kept.exception()  # seen: LangGraph raises it, too
            raise
        else:
            kept.set_result(None)
        finally:
            self._under_way[thread_id].discard(kept)
            if not self._under_way[thread_id]:
                del self._under_way[thread_id]

    async def settled(self, thread_id: str) -> None:
        if under_way := self._under_way.get(thread_id):
            await asyncio.gather(*under_way)

    async def aput(self, *args: Any, **more: Any) -> Any:
        return await self._translated(super().aput(*args, **more))  # type: ignore[misc]

    async def aget_tuple(self, config: Any) -> Any:
        return await self._translated(super().aget_tuple(config))  # type: ignore[misc]

    async def adelete_thread(self, thread_id: str) -> None:
        await self._translated(super().adelete_thread(thread_id))  # type: ignore[misc]

    async def _translated(self, work: Awaitable[Any]) -> Any:
        try:
            return await work
        except self.failures as error:
            raise DatabaseUnavailable(
                "What is done so far can't be kept; see that the database runs and has room."
            ) from error


class SqliteCheckpoints(_Settling, AsyncSqliteSaver):
    """In a file beside the database."""

    failures = (sqlite3.Error,)


async def open_checkpoints(settings: Settings, resources: AsyncExitStack) -> Any:
    """The saver beside the database: SQLite by default, PostgreSQL where that is.

    It is closed with `resources`.
    """
    url = settings.database_url or ""
    if url.startswith("postgresql"):
        import psycopg
        from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

        class PostgresCheckpoints(_Settling, AsyncPostgresSaver):
            failures = (psycopg.Error,)

        plain = "postgresql" + url[url.index("://") :]
        saver: Any = await resources.enter_async_context(
            PostgresCheckpoints.from_conn_string(plain)
        )
    else:
        path = settings.home_dir / _FILE
        saver = await resources.enter_async_context(SqliteCheckpoints.from_conn_string(str(path)))
    await saver.setup()
    return saver
