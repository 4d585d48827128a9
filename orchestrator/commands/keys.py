"""`switchboard keys`: make, list and revoke API keys, straight in the database."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from model_servers.contracts import SwitchboardError
from orchestrator.keys import Key, KeyStore
from orchestrator.settings import get_settings

app = typer.Typer(help="API keys: make, list, revoke.", no_args_is_help=True)

T = TypeVar("T")


@app.command()
def create(name: Annotated[str, typer.Argument(help="What it is for.")]) -> None:
    """Make a key and print its secret, which is shown this once."""
    typer.echo(_with_keys(lambda keys: keys.create(name)))
    typer.echo("Keep it now: it is not shown again.", err=True)


@app.command("list")
def list_() -> None:
    """Show the keys, without their secrets."""
    for key in _with_keys(lambda keys: keys.list()):
        typer.echo(_line(key))


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")],
) -> None:
    """Refuse a key from now on."""
    _with_keys(lambda keys: keys.revoke(key_id))


def _line(key: Key) -> str:
    state = "valid" if key.revoked_at is None else f"revoked {key.revoked_at:%Y-%m-%d %H:%M} UTC"
    return f"{key.id}  {key.created_at:%Y-%m-%d %H:%M} UTC  {state}  {key.name}"


def _with_keys(action: Callable[[KeyStore], Awaitable[T]]) -> T:
    """Do something with the keys in the database; an error is one line and exit code 1."""
    from orchestrator.database import database_at

    async def run() -> T:
        async with database_at(get_settings().sqlalchemy_url) as database:
            return await action(KeyStore(database))

    try:
        return asyncio.run(run())
    except SwitchboardError as error:
        print(error.message, file=sys.stderr)
        raise typer.Exit(1) from None
