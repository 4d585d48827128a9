"""The state's database: SQLite by default, PostgreSQL by URL; migrated when it is opened."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from orchestrator.errors import DatabaseError, DatabaseUnavailable

BUSY_TIMEOUT_MS = 10_000
PING_S = 1.0
"""How long a ping waits for who is writing."""
_MIGRATION_LOCK = 0x5317C4B0
"""Key of PostgreSQL's advisory lock: two services that start at once migrate one by one."""

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


class Database:
    """An open database. Get one from `open_database`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection in a read transaction. Raises DatabaseUnavailable."""
        with _translated():
            async with self._engine.connect() as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction that is committed at the end, rolled back on an error.

        On SQLite it takes the write lock at once: a reader that turns writer in a transaction is
        refused when another process wrote in between. Raises DatabaseUnavailable.
        """
        with _translated():
            async with self._engine.connect() as plain:
                connection = await plain.execution_options(sqlite_begin="BEGIN IMMEDIATE")
                async with connection.begin():
                    yield connection

    async def ping(self) -> None:
        """See that it answers, and that nobody keeps others from writing.

        Raises DatabaseUnavailable.
        """
        async with self.read() as connection:
            await connection.execute(sa.text("SELECT 1"))
        url = self._engine.url
        if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
            await asyncio.to_thread(_take_write_lock, Path(str(url.database)))

    async def close(self) -> None:
        await self._engine.dispose()


async def open_database(url: str) -> Database:
    """Connect and bring the schema up to date. A SQLite file is made where there is none.

    Raises DatabaseError where the URL is no use, DatabaseUnavailable where nothing answers.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
        await asyncio.to_thread(_make_folder, Path(str(parsed.database)).parent)
    on_sqlite = parsed.get_backend_name() == "sqlite"
    engine = create_async_engine(
        parsed,
        json_serializer=_to_json,
        connect_args={"factory": _SqliteConnection} if on_sqlite else {},
    )
    if on_sqlite:
        sa.event.listen(engine.sync_engine, "connect", _on_sqlite_connect)
        sa.event.listen(engine.sync_engine, "begin", _on_sqlite_begin)
    database = Database(engine)
    try:
        async with database.write() as connection:
            if parsed.get_backend_name() == "postgresql":
                await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            await connection.run_sync(_migrate)
    except sa.exc.DatabaseError as error:
        await database.close()
        raise DatabaseError(
            "The database can't be read or brought up to date; see that SWITCHBOARD_DATABASE_URL "
            "names Switchboard's own."
        ) from error
    except BaseException:
        await database.close()
        raise
    return database


@asynccontextmanager
async def database_at(url: str) -> AsyncIterator[Database]:
    """`open_database` for the length of a `with` block."""
    database = await open_database(url)
    try:
        yield database
    finally:
        await database.close()


def now() -> datetime:
    return datetime.now(UTC)


_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """The text without NULs and lone surrogates, which no database takes."""
    return _UNSTORABLE.sub("", text)


def storable_json(value: Any) -> Any:
    """JSON data that every database takes: texts cleaned, numbers that are none made null."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(str(key)): storable_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _parse(url: str) -> URL:
    # The URL may hold a password: it is in none of the messages.
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseError(
            "SWITCHBOARD_DATABASE_URL is not a database URL; write it as "
            "postgresql+psycopg://USER:PASSWORD@HOST/NAME, or leave it out for SQLite."
        ) from None
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise DatabaseError(
            f"There is no support for {parsed.drivername!r} databases; "
            "use postgresql+psycopg://…, or leave SWITCHBOARD_DATABASE_URL out for SQLite."
        )
    return parsed.set(drivername=driver)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseError(
            f"The database's folder can't be made ({error.strerror}); set SWITCHBOARD_HOME to a "
            "folder that may be written to."
        ) from None


@contextmanager
def _translated() -> Iterator[None]:
    """A driver's failures become DatabaseUnavailable, without their SQL and parameters."""
    try:
        yield
    except (sa.exc.OperationalError, sa.exc.InterfaceError) as error:
        raise DatabaseUnavailable(
            "The database does not answer; see that it runs, can be reached and has room."
        ) from error


def _take_write_lock(file: Path) -> None:
    """Take the write lock and give it back. Raises DatabaseUnavailable."""
    try:
        with contextlib.closing(
            sqlite3.connect(f"file:{quote(str(file))}?mode=rw", timeout=PING_S, uri=True)
        ) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.rollback()
    except sqlite3.Error as error:
        raise DatabaseUnavailable(
            "The database can't be written; see that it is there, that no other program holds "
            "it, and that there is room."
        ) from error


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


class _SqliteConnection(sqlite3.Connection):
    """Ends its transaction when it is closed.

    Work that is cancelled has its connection closed in mid-transaction. As long as a cursor of it
    lives, in the traceback of the cancellation say, SQLite would keep the transaction, and the
    lock with it: nobody could write any more.
    """

    def close(self) -> None:
        if self.in_transaction:
            self.rollback()
        super().close()


def _on_sqlite_connect(connection: Any, _record: Any) -> None:
    # Python's driver would begin transactions by itself, and never for DDL: see _on_sqlite_begin.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_sqlite_begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))


def _migrate(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", "orchestrator:migrations")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise DatabaseError(
            "The database was written by a newer Switchboard; update this one."
        ) from error
