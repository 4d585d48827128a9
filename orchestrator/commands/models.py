"""`switchboard models`: what the model store holds, and how it gets there."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from typing import Annotated

import typer

from model_servers.catalog import load_catalog
from model_servers.contracts import SwitchboardError
from model_servers.progress import Progress
from model_servers.store import ModelStore
from orchestrator.commands.output import FAILED, fail, put, put_json, put_table
from orchestrator.commands.pull_progress import PlainProgress, RichProgress
from orchestrator.settings import Profile, get_settings

app = typer.Typer(help="Models: list, pull, verify.", no_args_is_help=True)

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAMES]…", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON value on stdout.")]


def _store() -> ModelStore:
    return ModelStore(get_settings().cache_dir)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Show every model of the catalogue, and which are here."""
    models = _store().list()
    if as_json:
        put_json([asdict(model) for model in models])
        return
    put_table(
        ["name", "state", "task", "profiles", "size", "licence", "origin"],
        (
            (
                model.name,
                model.state if model.required or model.state != "missing" else "not pulled",
                model.task,
                ", ".join(model.profiles),
                _megabytes(model.size),
                model.licence,
                model.origin,
            )
            for model in models
        ),
    )


@app.command()
def pull(
    names: Names = None,
    profile: Annotated[
        Profile | None, typer.Option(help="Whose models to pull; default is the active one.")
    ] = None,
) -> None:
    """Fetch models, check their hashes and build what is derived from them.

    Without names: all that the profile needs. What is here already is left alone; a pull that was
    cut goes on where it stopped.
    """
    try:
        wanted = names or load_catalog().required(profile or get_settings().profile)
        with _progress() as progress:
            _store().pull(wanted, progress)
    except SwitchboardError as error:
        fail(error)
    put(f"ready: {', '.join(model.name for model in load_catalog().with_needs(wanted))}")


@app.command()
def verify(names: Names = None, as_json: AsJson = False) -> None:
    """Hash every file of the models that are here (or of those named) again."""
    try:
        found = _store().verify(names or ())
    except SwitchboardError as error:
        fail(error)
    if as_json:
        put_json([asdict(verification) for verification in found])
    else:
        put_table(["name", "verified"], ((v.name, v.problem or "ok") for v in found))
    if any(verification.problem for verification in found):
        raise typer.Exit(FAILED)


def _progress() -> AbstractContextManager[Progress]:
    return RichProgress() if sys.stderr.isatty() else nullcontext(PlainProgress())


def _megabytes(size: int | None) -> str:
    return "" if size is None else f"{size / 1e6:,.0f} MB"
