"""The state's database: migrations, conversations, keys."""

import asyncio
import os
import sqlite3
from datetime import UTC
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from typer.testing import CliRunner

from orchestrator.commands.keys import app
from orchestrator.conversations import ConversationStore
from orchestrator.database import Database, database_at, open_database, storable_json
from orchestrator.errors import BadRequest, DatabaseError, DatabaseUnavailable
from orchestrator.keys import KeyStore
from orchestrator.settings import get_settings
from orchestrator.tables import metadata
from tools.contracts import NotFound

POSTGRES_URL = os.environ.get("TEST_POSTGRES_URL")
"""An empty database that tests may fill, as postgresql://…; each test gets a schema of its own."""


@pytest.fixture(params=["sqlite", "postgres"])
async def url(request: pytest.FixtureRequest, tmp_path: Path):
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/home/state.db"
        return
    if POSTGRES_URL is None:
        pytest.skip("TEST_POSTGRES_URL names no database")
    schema = f"test_{uuid4().hex}"
    server = create_async_engine(make_url(POSTGRES_URL).set(drivername="postgresql+psycopg"))
    async with server.begin() as connection:
        await connection.execute(sa.text(f"CREATE SCHEMA {schema}"))
    yield f"{POSTGRES_URL}?options=-csearch_path%3D{schema}"
    async with server.begin() as connection:
        await connection.execute(sa.text(f"DROP SCHEMA {schema} CASCADE"))
    await server.dispose()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/home/state.db"


@pytest.fixture
async def database(url: str):
    async with database_at(url) as database:
        yield database


async def test_the_migrations_make_the_schema_that_the_code_declares(database: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    async with database.read() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), metadata)
        )
    assert differences == []


async def test_services_that_start_at_once_migrate_one_by_one(url: str) -> None:
    databases = await asyncio.gather(*(open_database(url) for _ in range(4)))
    async with databases[0].read() as connection:
        assert (await connection.execute(sa.text("SELECT version_num FROM alembic_version"))).all()
    for database in databases:
        await database.close()


async def test_others_read_while_one_writes(database: Database) -> None:
    store = ConversationStore(database)
    async with database.write() as connection:
        await connection.execute(sa.text("DELETE FROM keys"))
        assert await store.list("local") == ()


async def test_sqlite_writes_ahead(sqlite_url: str) -> None:
    async with database_at(sqlite_url) as database, database.read() as connection:
        mode = await connection.execute(sa.text("PRAGMA journal_mode"))
        assert mode.scalar() == "wal"


async def test_writers_wait_for_each_other(url: str) -> None:
    first, second = await open_database(url), await open_database(url)
    stores = [ConversationStore(first), ConversationStore(second)]
    conversation = await stores[0].create("local")
    await asyncio.gather(
        *(stores[i % 2].append(conversation, "user", f"message {i}") for i in range(20))
    )
    assert len(await stores[0].messages(conversation, "local")) == 20
    await first.close()
    await second.close()


async def test_a_failed_write_leaves_nothing(database: Database) -> None:
    store = ConversationStore(database)
    with pytest.raises(NotFound):
        await store.append("conv_unknown", "user", "hello")
    async with database.read() as connection:
        count = await connection.execute(sa.text("SELECT count(*) FROM messages"))
        assert count.scalar() == 0


async def test_messages_come_back_in_order_with_their_outcome_and_thumb(
    database: Database,
) -> None:
    store = ConversationStore(database)
    conversation = await store.create("local")
    await store.append(conversation, "user", "How long do I have?")
    answer = await store.append(conversation, "assistant", "30 days.", {"route": {"path": "chat"}})
    await store.rate(answer, "local", -1, "wrong")
    await store.rate(answer, "local", 1)

    first, second = await store.messages(conversation, "local")
    assert (first.role, first.content, first.outcome, first.rating) == (
        "user",
        "How long do I have?",
        None,
        None,
    )
    assert (second.id, second.outcome, second.rating) == (answer, {"route": {"path": "chat"}}, 1)
    assert first.created_at.tzinfo is UTC
    assert [m.content for m in await store.messages(conversation, "local", limit=1)] == ["30 days."]


async def test_others_conversations_look_as_if_they_were_not_there(database: Database) -> None:
    store = ConversationStore(database)
    conversation = await store.create("key_a")
    message = await store.append(conversation, "user", "mine")
    assert await store.list("key_b") == ()
    with pytest.raises(NotFound):
        await store.messages(conversation, "key_b")
    with pytest.raises(NotFound):
        await store.rate(message, "key_b", 1)
    with pytest.raises(NotFound):
        await store.delete(conversation, "key_b")
    assert len(await store.messages(conversation, "key_a")) == 1


async def test_the_list_is_titled_by_the_first_request_latest_use_first(
    database: Database,
) -> None:
    store = ConversationStore(database)
    old, new, _empty = [await store.create("local") for _ in range(3)]
    await store.append(old, "user", "Translate\n  this " + "word " * 40)
    await store.append(new, "user", "Second")
    await store.append(old, "assistant", "Done")
    listed = await store.list("local")
    assert [line.id for line in listed] == [old, new]
    assert listed[0].title.startswith("Translate this word")
    assert len(listed[0].title) <= 80
    assert listed[0].updated_at > listed[0].created_at


async def test_what_no_database_takes_is_stripped(database: Database) -> None:
    store = ConversationStore(database)
    conversation = await store.create("local")
    await store.append(
        conversation, "user", "a\x00b\ud800c😀", {"k\ud800": ["x\x00", float("nan"), 1.5]}
    )
    (message,) = await store.messages(conversation, "local")
    assert message.content == "abc😀"
    assert message.outcome == {"k": ["x", None, 1.5]}
    with pytest.raises(NotFound):
        await store.messages("conv\x00\ud800", "local")


def test_json_is_cleaned_in_depth() -> None:
    assert storable_json({"a": ({"b": "\udfff1"},), "c": True, "d": None}) == {
        "a": [{"b": "1"}],
        "c": True,
        "d": None,
    }


async def test_deleting_takes_messages_and_thumbs_along(database: Database) -> None:
    store = ConversationStore(database)
    conversation = await store.create("local")
    await store.rate(await store.append(conversation, "user", "hi"), "local", 1)
    await store.delete(conversation, "local")
    async with database.read() as connection:
        for table in ("conversations", "messages", "ratings"):
            assert (
                await connection.execute(sa.text(f"SELECT count(*) FROM {table}"))
            ).scalar() == 0


async def test_a_key_verifies_until_it_is_revoked(database: Database) -> None:
    keys = KeyStore(database)
    secret = await keys.create("laptop")
    key = await keys.verify(secret)
    assert key is not None
    assert key.name == "laptop"
    assert await keys.verify(secret + "x") is None
    assert await keys.verify("") is None
    assert await keys.verify("\ud800") is None
    await keys.revoke(key.id)
    assert await keys.verify(secret) is None
    with pytest.raises(NotFound):
        await keys.revoke(key.id)
    assert [(k.name, k.revoked_at is None) for k in await keys.list()] == [("laptop", False)]


async def test_the_secret_is_nowhere_in_the_file(sqlite_url: str) -> None:
    async with database_at(sqlite_url) as database:
        secret = await KeyStore(database).create("laptop")
    content = await asyncio.to_thread(
        Path(sqlite_url.removeprefix("sqlite+aiosqlite:///")).read_bytes
    )
    assert b"laptop" in content
    assert secret.encode() not in content


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 101])
async def test_a_key_needs_a_name(database: Database, name: str) -> None:
    with pytest.raises(BadRequest):
        await KeyStore(database).create(name)


@pytest.mark.parametrize("url", ["nonsense", "mysql://root:hunter2@host/db", ""])
async def test_a_url_that_is_no_use_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        await open_database(url)
    assert "hunter2" not in caught.value.message


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        await open_database("postgresql://user:hunter2@127.0.0.1:1/none")
    assert "hunter2" not in caught.value.message


async def test_a_file_that_is_no_database_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"not a database, but long enough to look like one" * 10)
    with pytest.raises(DatabaseError):
        await open_database(f"sqlite:///{tmp_path}/state.db")


async def test_a_newer_schema_is_left_alone(url: str) -> None:
    async with database_at(url) as database, database.write() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = 'later'"))
    with pytest.raises(DatabaseError, match="newer Switchboard"):
        await open_database(url)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SWITCHBOARD_HOME", str(tmp_path / "home"))
    get_settings.cache_clear()
    yield tmp_path / "home"
    get_settings.cache_clear()


def test_the_command_makes_lists_and_revokes(home: Path) -> None:
    shell = CliRunner()
    made = shell.invoke(app, ["create", "ci"])
    assert made.exit_code == 0
    secret = made.stdout.strip()
    listed = shell.invoke(app, ["list"]).stdout
    assert "ci" in listed
    assert secret not in listed
    key_id = listed.split()[0]
    assert shell.invoke(app, ["revoke", key_id]).exit_code == 0
    assert "revoked" in shell.invoke(app, ["list"]).stdout
    again = shell.invoke(app, ["revoke", key_id])
    assert isinstance(again.exception, NotFound)
    with sqlite3.connect(home / "switchboard.db") as plain:
        assert plain.execute("SELECT count(*) FROM keys").fetchone() == (1,)
    plain.close()
