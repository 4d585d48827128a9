"""A corpus in the service's knowledge base, taken in once a run."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable
from weakref import WeakKeyDictionary

from evals.baselines.direct import opened
from evals.datasets.beir import Document
from evals.task import Way
from evals.watched import NoWay

_AT_ONCE = 16
"""Documents in a request."""
_locks: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, asyncio.Lock]] = WeakKeyDictionary()


@runtime_checkable
class FillingWay(Protocol):
    """A way in by which files can be given to the service."""

    async def upload(
        self, path: str, files: Sequence[tuple[str, bytes]], fields: Mapping[str, str]
    ) -> Any:
        """The JSON that the service answers to a form. Raises SwitchboardError."""
        ...


async def fill(way: Way, collection: str, documents: Sequence[Document]) -> None:
    """Take in the documents that the collection lacks, each by its id.

    Raises NoWay, SwitchboardError.
    """
    locks = _locks.setdefault(asyncio.get_running_loop(), {})
    lock = locks.setdefault(collection, asyncio.Lock())
    async with lock:
        listed = await opened(way).api("GET", f"/v1/kb/documents?collection={collection}")
        known = {document["name"] for document in listed["data"]}
        todo = [document for document in documents if document.id not in known]
        if todo and not isinstance(way, FillingWay):
            raise NoWay("There is no way here to give the service documents.")
        for start in range(0, len(todo), _AT_ONCE):
            files = [(one.id, _text(one)) for one in todo[start : start + _AT_ONCE]]
            assert isinstance(way, FillingWay)
            await way.upload("/v1/kb/documents", files, {"collection": collection})


async def search(way: Way, collection: str, query: str, limit: int) -> list[str]:
    """The ids of the documents whose passages are nearest, the best first.

    Raises NoChatModel where this way leads to the agent alone, SwitchboardError.
    """
    body = {"query": query, "collection": collection, "limit": limit}
    passages = (await opened(way).api("POST", "/v1/kb/search", body))["data"]
    return list(dict.fromkeys(str(passage["document"]) for passage in passages))


def _text(document: Document) -> bytes:
    title = f"# {document.title}\n\n" if document.title else ""
    return f"{title}{document.text}".encode("utf-8", "replace")
