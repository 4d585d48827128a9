"""`switchboard serve`: the HTTP API and the chat page, until Ctrl-C or SIGTERM."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from orchestrator.commands.output import BadUsage, note
from orchestrator.settings import Settings, get_settings


def serve(
    profile: Annotated[
        str | None, typer.Option(help="Which models: embedded or gpu.", show_default=False)
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to bind; default 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to bind; default 8000.")] = None,
) -> None:
    """Serve the chat page and the HTTP API.

    Off loopback an API key is required: `switchboard keys create`.
    """
    from orchestrator import server

    settings = _with(get_settings(), profile=profile, host=host, port=port)
    server.serve(settings, note)


def _with(settings: Settings, **changes: Any) -> Settings:
    """The settings with those options of the command line that were given."""
    from pydantic import ValidationError

    given = {name: value for name, value in changes.items() if value is not None}
    try:
        return Settings(**(settings.model_dump() | given))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise BadUsage(f"--{first['loc'][0]}: {first['msg']}.") from None
