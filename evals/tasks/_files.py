"""Files that tasks give to tools."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path
from weakref import WeakKeyDictionary

from pydantic import JsonValue

from evals.task import Way
from evals.watched import FillingWay, NoWay, WatchedWay
from evals.ways import file_argument


class _Kept:
    """What the service has been given: the files' ids by their paths."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.ids: dict[str, str] = {}


_kept: WeakKeyDictionary[Way, _Kept] = WeakKeyDictionary()


async def sent(path: JsonValue) -> dict[str, str]:
    """The file as an argument of a tool: its bytes go along."""
    file = Path(str(path))
    return file_argument(file.name, await asyncio.to_thread(file.read_bytes))


async def stored(way: Way, paths: Sequence[str]) -> list[str]:
    """The ids of these files in the service, each the sha256 of its bytes. Sent once a run.

    Raises NoWay, SwitchboardError.
    """
    if not isinstance(way, FillingWay):
        raise NoWay("There is no way here to give the service files.")
    kept = _kept.setdefault(way.way if isinstance(way, WatchedWay) else way, _Kept())
    async with kept.lock:
        for path in paths:
            if path not in kept.ids:
                data = await asyncio.to_thread(Path(path).read_bytes)
                file = (Path(path).name, data)
                await way.upload("/v1/files", [file], {"purpose": "user_data"})
                kept.ids[path] = hashlib.sha256(data).hexdigest()
        return [kept.ids[path] for path in paths]
