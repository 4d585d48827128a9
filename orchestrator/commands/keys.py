"""`switchboard keys`: make, list and revoke API keys, straight in the database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from orchestrator.commands.output import note, put, put_table
from orchestrator.settings import get_settings

if TYPE_CHECKING:
    from orchestrator.keys import KeyStore

app = typer.Typer(help="API keys: make, list, revoke.", no_args_is_help=True, rich_markup_mode=None)

T = TypeVar("T")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    *,
    operator: Annotated[
        bool,
        typer.Option("--operator", help="May answer in all conversations that are handed over."),
    ] = False,
) -> None:
    """Make a key and print its secret, which is shown this once."""
    put(_with_keys(lambda keys: keys.create(name, operator=operator)))
    note("keep the key now: it is not shown again")


@app.command("list")
def list_() -> None:
    """Show the keys, without their secrets."""
    keys = _with_keys(lambda keys: keys.list())
    put_table(
        ("id", "made", "state", "for", "name"),
        (
            (
                key.id,
                _time(key.created_at),
                f"revoked {_time(key.revoked_at)}" if key.revoked_at else "valid",
                "operator" if key.operator else "requests",
                key.name,
            )
            for key in keys
        ),
    )


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")],
) -> None:
    """Refuse a key from now on."""
    _with_keys(lambda keys: keys.revoke(key_id))


def _time(value: datetime) -> str:
    return f"{value:%Y-%m-%d %H:%M} UTC"


def _with_keys(action: Callable[[KeyStore], Awaitable[T]]) -> T:
    from orchestrator.database import database_at
    from orchestrator.keys import KeyStore

    async def run() -> T:
        async with database_at(get_settings().sqlalchemy_url) as database:
            return await action(KeyStore(database))

    return asyncio.run(run())
