"""A corpus in the service's knowledge base, taken in once a run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import quote, unquote
from weakref import WeakKeyDictionary

from evals.baselines.direct import opened
from evals.datasets.beir import Document
from evals.task import Way
from evals.watched import FillingWay, NoWay, WatchedWay

_AT_ONCE = 16
"""Documents in a request."""
_SUFFIX = ".md"
_filling: WeakKeyDictionary[Way, dict[str, _Filling]] = WeakKeyDictionary()


class _Filling:
    """How far a collection is filled."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.done = False


async def fill(way: Way, collection: str, documents: Sequence[Document]) -> None:
    """Take the documents in, each by its id, at the first call of a run.

    The service leaves what it knows alone, so that an interrupted run goes on where it was.
    Raises NoWay, SwitchboardError.
    """
    if not isinstance(way, FillingWay):
        raise NoWay("There is no way here to give the service documents.")
    shared = way.way if isinstance(way, WatchedWay) else way
    filling = _filling.setdefault(shared, {}).setdefault(collection, _Filling())
    async with filling.lock:
        if filling.done:
            return
        for start in range(0, len(documents), _AT_ONCE):
            files = [(_name(one.id), _text(one)) for one in documents[start : start + _AT_ONCE]]
            await way.upload("/v1/kb/documents", files, {"collection": collection})
        filling.done = True


async def search(way: Way, collection: str, query: str, limit: int) -> list[str]:
    """The ids of the documents whose passages are nearest, the best first.

    Raises NoWay where this way leads to the agent alone, SwitchboardError.
    """
    body = {"query": query, "collection": collection, "limit": limit}
    passages = (await opened(way).api("POST", "/v1/kb/search", body))["data"]
    return list(dict.fromkeys(_id(str(passage["document"])) for passage in passages))


def _name(id: str) -> str:
    """A file's name for any id; its ending says what the file is, whatever the id ends in."""
    return quote(id, safe="") + _SUFFIX


def _id(name: str) -> str:
    return unquote(name.removesuffix(_SUFFIX))


def _text(document: Document) -> bytes:
    title = f"# {document.title}\n\n" if document.title else ""
    return f"{title}{document.text}".encode("utf-8", "replace")
