"""`switchboard kb`: the knowledge base, its documents and its pictures."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from orchestrator.client import Client, ServiceUnavailable
from orchestrator.commands.attachments import read_file
from orchestrator.commands.kb_origins import Origins
from orchestrator.commands.output import (
    BadUsage,
    exit_code,
    note,
    printable,
    put,
    put_json,
    put_table,
)
from orchestrator.settings import get_settings

app = typer.Typer(
    help="The knowledge base: add documents and pictures, search them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@dataclass(frozen=True, slots=True)
class Shelf:
    """A kind of things in the knowledge base: what one is called, its route, and the endings of
    the files that are taken from a folder; a file named by itself is always tried."""

    noun: str
    route: str
    suffixes: frozenset[str]


DOCUMENTS = Shelf(
    "document",
    "/v1/kb/documents",
    frozenset(
        {".md", ".markdown", ".html", ".htm", ".pdf", ".docx", ".csv", ".tsv", ".txt"}
        | {".pptx", ".xlsx"}
    ),
)
PICTURES = Shelf(
    "picture",
    "/v1/kb/images",
    frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"}),
)

DEFAULT_COLLECTION = "default"

_WARNINGS = 5
_MULTIPART_BYTES = 4096
"""Room for what a form puts around its file."""

CollectionOption = Annotated[str | None, typer.Option(help="One collection; all by default.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ImagesOption = Annotated[bool, typer.Option("--images", help="Pictures instead of documents.")]


@dataclass(frozen=True, slots=True)
class Source:
    """A file to add, under the name that its citations will show."""

    path: Path
    name: str


@app.command()
def add(
    paths: Annotated[list[Path], typer.Argument(help="Files, and folders with all in them.")],
    *,
    collection: Annotated[str, typer.Option(help="Where to.")] = DEFAULT_COLLECTION,
    images: ImagesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Add documents, or their new versions; those that have not changed are left alone.

    A document from a folder is named by its path below that folder; one of the same name in the
    collection is replaced, with a warning where it came from another folder. With --images,
    pictures are added, to ask with another one: which of ours is this?
    """
    settings = get_settings()
    shelf = PICTURES if images else DOCUMENTS
    sources = find_sources(paths, shelf)
    limit_bytes = settings.max_request_bytes - _MULTIPART_BYTES
    reports: list[dict[str, Any]] = []
    worst = 0
    with Client(settings, say=note) as client:
        origins = Origins(settings.home_dir, shelf.noun, collection)
        came_from = origins.known()
        added_from: dict[str, str] = {}
        before = {
            known["name"]: known["content_hash"] for known in _items(client, shelf, collection)
        }
        with _progress(len(sources)) as show:
            for source in sources:
                show(source.name)
                try:
                    added = _upload(client, shelf, source, collection, limit_bytes=limit_bytes)
                except ServiceUnavailable:
                    raise
                except Exception as error:
                    worst = max(worst, exit_code(error))
                    reports.append({"name": source.name, "status": "failed", "error": str(error)})
                else:
                    report = added | {"status": _status(added, before)}
                    added_from[source.name] = path = str(source.path.resolve())
                    other = came_from.get(source.name, path)
                    if report["status"] == "updated" and other != path:
                        report["replaced"] = other
                    reports.append(report)
        origins.remember(added_from)
    if as_json:
        put_json(reports)
    else:
        _tell(reports)
    _warn(reports, added_from)
    if worst:
        raise typer.Exit(worst)


@app.command("list")
def list_(
    *,
    collection: CollectionOption = None,
    images: ImagesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show the documents; with --images, the pictures."""
    with Client(get_settings(), say=note) as client:
        found = _items(client, PICTURES if images else DOCUMENTS, collection)
    if as_json:
        put_json(found)
        return
    if images:
        put_table(
            ("id", "picture", "collection", "pixels"),
            ((p["id"], p["name"], p["collection"], f"{p['width']}×{p['height']}") for p in found),
        )
        return
    put_table(
        ("id", "document", "collection", "language", "passages"),
        ((d["id"], d["name"], d["collection"], d["language"], str(d["chunks"])) for d in found),
    )


@app.command()
def search(
    query: Annotated[list[str], typer.Argument(help="What to look for.")],
    *,
    collection: CollectionOption = None,
    limit: Annotated[int, typer.Option(min=1, max=50, help="How many passages.")] = 5,
    as_json: JsonOption = False,
) -> None:
    """Show the passages that answer a query best."""
    text = " ".join(query).strip()
    if not text:
        raise BadUsage("The query is empty; write what to look for.")
    body: dict[str, Any] = {"query": text, "limit": limit}
    if collection is not None:
        body["collection"] = collection
    with Client(get_settings(), say=note) as client:
        passages = client.json("POST", "/v1/kb/search", body=body)["data"]
    if as_json:
        put_json(passages)
        return
    for passage in passages:
        where = " › ".join([passage["document"], *passage["heading"]])
        put(f"{passage['score']:.2f}  {printable(where)}")
        put("      " + printable(" ".join(passage["text"].split())))
    if not passages:
        note("nothing was found")


@app.command()
def remove(
    documents: Annotated[list[str], typer.Argument(metavar="ID…", help="Ids, or names.")],
    *,
    collection: CollectionOption = None,
    images: ImagesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Remove documents; with --images, pictures."""
    shelf = PICTURES if images else DOCUMENTS
    with Client(get_settings(), say=note) as client:
        known = _items(client, shelf, collection)
        chosen = {item["id"]: item for item in _chosen(documents, known, shelf)}
        for item_id in chosen:
            client.json("DELETE", f"{shelf.route}/{quote(item_id, safe='')}")
    if as_json:
        put_json(list(chosen.values()))
        return
    for document in chosen.values():
        put(f"removed {document['name']}")


def find_sources(paths: list[Path], shelf: Shelf = DOCUMENTS) -> list[Source]:
    """The files that are meant, each once. Raises BadUsage where there are none."""
    found: dict[Path, Source] = {}
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if _wanted(p.relative_to(path), shelf))
            sources = [Source(p, p.relative_to(path).as_posix()) for p in inside if p.is_file()]
            if not sources:
                kinds = ", ".join(sorted(shelf.suffixes))
                raise BadUsage(f"There is no {shelf.noun} in {path}; {shelf.noun}s are {kinds}.")
        elif path.exists():
            sources = [Source(path, path.name)]
        else:
            raise BadUsage(f"There is no file {path}.")
        for source in sources:
            found.setdefault(source.path.resolve(), source)
    by_name: dict[str, Source] = {}
    for source in found.values():
        other = by_name.setdefault(source.name, source)
        if other is not source:
            raise BadUsage(
                f"{other.path} and {source.path} would both be called {source.name}; "
                "add the folder above them, or one to another --collection."
            )
    return list(found.values())


def _wanted(inside: Path, shelf: Shelf) -> bool:
    hidden = any(part.startswith(".") for part in inside.parts)
    return inside.suffix.lower() in shelf.suffixes and not hidden


def _upload(
    client: Client, shelf: Shelf, source: Source, collection: str, *, limit_bytes: int
) -> dict[str, Any]:
    content = read_file(source.path, limit_bytes=limit_bytes)
    answer = client.json(
        "POST",
        shelf.route,
        data={"collection": collection},
        files={"file": (source.name, content)},
    )
    added: dict[str, Any] = answer["data"][0]
    return added


def _items(client: Client, shelf: Shelf, collection: str | None) -> list[dict[str, Any]]:
    params = {} if collection is None else {"collection": collection}
    found: list[dict[str, Any]] = client.json("GET", shelf.route, params=params)["data"]
    return found


def _status(document: dict[str, Any], before: dict[str, str]) -> str:
    known = before.get(document["name"])
    if known is None:
        return "added"
    return "unchanged" if known == document["content_hash"] else "updated"


def _tell(reports: list[dict[str, Any]]) -> None:
    counts: dict[str, int] = {}
    for report in reports:
        counts[report["status"]] = counts.get(report["status"], 0) + 1
        if report["status"] == "failed":
            note(f"{report['name']}: {report['error']}")
    put(", ".join(f"{count} {status}" for status, count in sorted(counts.items())))


def _warn(reports: list[dict[str, Any]], added_from: Mapping[str, str]) -> None:
    """Tell of documents that took another folder's place, the first of them by both files."""
    replaced = [report for report in reports if "replaced" in report]
    for report in replaced[:_WARNINGS]:
        name = report["name"]
        note(
            f"warning: {added_from[name]} replaced {report['replaced']}, for both are called "
            f"{name}; to keep both add the folder above them, or one to another --collection."
        )
    if len(replaced) > _WARNINGS:
        note(f"warning: {len(replaced) - _WARNINGS} more came from other folders before.")


def _chosen(
    wanted: list[str], known: list[dict[str, Any]], shelf: Shelf
) -> Iterator[dict[str, Any]]:
    for text in wanted:
        matches = [document for document in known if text in (document["id"], document["name"])]
        if not matches:
            listing = "kb list --images" if shelf is PICTURES else "kb list"
            raise BadUsage(
                f"There is no {shelf.noun} {text!r}; `switchboard {listing}` shows them."
            )
        if len(matches) > 1:
            raise BadUsage(f"{text!r} is in several collections; say which with --collection.")
        yield matches[0]


@contextmanager
def _progress(total: int) -> Iterator[Callable[[str], None]]:
    """A bar on a terminal; tell it what comes next."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        begun = -1

        def show(name: str) -> None:
            nonlocal begun
            begun += 1
            bar.update(task, completed=begun, description=escape(printable(name)))

        yield show
