"""`switchboard recommend`: fill the shop, train its recommenders, and see why they rank so."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.client import Client
from orchestrator.commands.output import BadUsage, note, printable, put, put_json, put_table
from orchestrator.settings import get_settings

app = typer.Typer(
    help="Recommendation: import a shop, train and compare models, explain a ranking.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_PATH = "/v1/recommend"
_STEP = 0.1
"""Away from a terminal progress is told each time so much more is done."""


@app.command("import")
def import_(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="ITEMS.csv INTERACTIONS.csv", help="Both, or the first alone."),
    ],
    *,
    interactions: Annotated[
        bool, typer.Option("--interactions", help="The one file has interactions, not items.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Import a catalogue and what people did with its items.

    The catalogue takes the place of the one before; interactions are added. Rows that can't be
    taken are left out, counted, and the first of them told. A file of which more than half can't
    be taken, or an import that breaks off, changes nothing.
    """
    if len(files) > 2 or (interactions and len(files) != 1):
        raise BadUsage("Name one file of items and one of interactions, or one of them.")
    names = ("interactions",) if interactions else ("items", "interactions")
    body: dict[str, Any] = dict(zip(names, map(_absolute, files), strict=False))
    with Client(get_settings(), say=note) as client, _progress() as show:
        report = _outcome(client, f"{_PATH}/import", body, "report", lambda e: show(*_read(e)))
    if as_json:
        put_json(report)
    else:
        _tell_import(report)


@app.command()
def train(
    *,
    models: Annotated[
        str | None, typer.Option(help="Which, with commas; by default those that fit the shop.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew where a run was cut off.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Fit the models, measure each on what people did last, and put the best in service.

    The service goes on answering with the version before until then. A run that is stopped goes on
    when the same command is given again.
    """
    body: dict[str, Any] = {"seed": seed, "fresh": fresh}
    if models is not None:
        body["models"] = [name.strip() for name in models.split(",")]

    with Client(get_settings(), say=note) as client, _progress() as show:

        def told(event: dict[str, Any]) -> None:
            if "fraction" in event:
                show(event["model"], event["fraction"])

        version = _outcome(client, f"{_PATH}/train", body, "version", told)
    if as_json:
        put_json(version)
        return
    _tell_metrics(version)
    put(f"{version['id']} ({version['model']}) is in service")


@app.command()
def versions(*, as_json: JsonOption = False) -> None:
    """List the trained models, the newest first."""
    with Client(get_settings(), say=note) as client:
        found = client.json("GET", f"{_PATH}/versions")["data"]
    if as_json:
        put_json(found)
        return
    put_table(
        ("version", "model", "trained", "nDCG@10", ""),
        (
            (
                each["id"],
                each["model"],
                each["created_at"][:16].replace("T", " "),
                _figure(each["metrics"].get(each["model"], {}).get("ndcg@10")),
                "in service" if each["in_service"] else "",
            )
            for each in found
        ),
    )


@app.command()
def rollback(
    version: Annotated[
        str | None, typer.Argument(help="As `versions` lists it; default the one before.")
    ] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Put an older version in service, or by its id any other."""
    with Client(get_settings(), say=note) as client:
        if version is None:
            version = _before(client.json("GET", f"{_PATH}/versions")["data"])
        serving = client.json("POST", f"{_PATH}/versions/{version}/serve")
    if as_json:
        put_json(serving)
    else:
        put(f"{serving['id']} ({serving['model']}) is in service")


@app.command()
def explain(
    customer: Annotated[str, typer.Argument(help="Whose ranking.")],
    item: Annotated[str | None, typer.Option(help="The place of this item alone.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many items.")] = 10,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show how items come to a customer: what they did, the ranking, and what weighed most."""
    params = {"customer": customer, "limit": str(limit)} | ({"item": item} if item else {})
    with Client(get_settings(), say=note) as client:
        told = client.json("GET", f"{_PATH}/explain", params=params)
    if as_json:
        put_json(told)
        return
    put(f"ranked by {told['version'] or 'what most people took: no model is trained'}")
    put_table(
        ("place", "item", "title", "score", "because of"),
        (
            (
                str(each["place"]) + (f" of {told['ranked']}" if told["ranked"] else ""),
                each["item"],
                printable(each["title"]),
                _figure(each["score"]),
                printable(each["because"] or ""),
            )
            for each in told["items"]
        ),
    )
    put("they had, the latest last:")
    put_table(
        ("item", "title", "what", "when"),
        (
            (e["item"], printable(e["title"] or "gone"), e["kind"], e["at"][:16].replace("T", " "))
            for e in told["history"][-limit:]
        ),
    )


def _absolute(path: Path) -> str:
    if not path.is_file():
        raise BadUsage(f"There is no file {path}.")
    return str(path.resolve())


def _outcome(
    client: Client,
    path: str,
    body: dict[str, Any],
    wanted: str,
    told: Callable[[dict[str, Any]], None],
) -> dict[str, Any]:
    """The event of this name, which is the last; those before it are told."""
    outcome: dict[str, Any] = {}
    for name, found in client.events(path, body | {"stream": True}):
        if name == wanted:
            outcome = found
        else:
            told(found)
    return outcome


def _before(versions: list[dict[str, Any]]) -> str:
    """The newest version that is older than the one in service. Raises BadUsage."""
    serving = next((n for n, each in enumerate(versions) if each["in_service"]), None)
    if serving is None or serving + 1 == len(versions):
        raise BadUsage("There is no older version to go back to.")
    before: str = versions[serving + 1]["id"]
    return before


def _read(event: dict[str, Any]) -> tuple[str, float]:
    return f"{event['stage']}: {event['rows']:,} rows", event["bytes_read"] / max(
        1, event["total_bytes"]
    )


def _tell_import(report: dict[str, Any]) -> None:
    put(
        f"{report['items']:,} items ({report['pictures']:,} with a picture), "
        f"{report['interactions']:,} new interactions of {report['customers']:,} customers, "
        f"{report['duplicates']:,} known before"
    )
    bad = report["bad_items"] + report["bad_interactions"] + report["bad_pictures"]
    if bad:
        note(
            f"not taken: {report['bad_items']:,} items, {report['bad_interactions']:,} "
            f"interactions ({report['unknown_items']:,} of unknown items), "
            f"{report['bad_pictures']:,} pictures"
        )
    for line in report["bad_lines"]:
        note(printable(f"{line['file']}, line {line['line']:,}: {line['why']}"))
    if report["ignored_columns"]:
        note(printable(f"columns that mean nothing here: {', '.join(report['ignored_columns'])}"))


def _tell_metrics(version: dict[str, Any]) -> None:
    put_table(
        ("model", "HR@10", "nDCG@10"),
        (
            (name, _figure(each["hr@10"]), _figure(each["ndcg@10"]))
            for name, each in version["metrics"].items()
        ),
    )


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


@contextmanager
def _progress() -> Iterator[Callable[[str, float], None]]:
    """A bar on a terminal, a line now and then elsewhere; tell it what is done, and how far."""
    if not sys.stderr.isatty():
        last: tuple[str, float] = ("", 0.0)

        def line(what: str, done: float) -> None:
            nonlocal last
            name = what.partition(":")[0]
            if name != last[0] or done >= last[1] + _STEP:
                note(f"{printable(what)}, {done:.0%}")
                last = (name, done)

        yield line
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)

        def show(what: str, done: float) -> None:
            bar.update(task, completed=done, description=escape(printable(what)))

        yield show
