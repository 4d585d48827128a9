"""A shop in the service, taken in once a run where the service has none."""

from __future__ import annotations

import asyncio
from pathlib import Path
from weakref import WeakKeyDictionary

from evals.baselines.direct import opened
from evals.task import Way
from evals.watched import WatchedWay

_PATH = "/v1/recommend"
_filling: WeakKeyDictionary[Way, asyncio.Lock] = WeakKeyDictionary()
_filled: WeakKeyDictionary[Way, bool] = WeakKeyDictionary()


async def fill(way: Way, folder: Path) -> None:
    """Import the folder's `items.csv` and `interactions.csv`, at the first call of a run.

    A service that has items keeps its own: they are the user's. Raises NoWay, SwitchboardError.
    """
    shared = way.way if isinstance(way, WatchedWay) else way
    async with _filling.setdefault(shared, asyncio.Lock()):
        if shared not in _filled:
            service = opened(way)
            if not (await service.api("GET", f"{_PATH}/shop"))["items"]:
                files = ("items", "interactions")
                body = {name: str(folder / f"{name}.csv") for name in files}
                await service.api("POST", f"{_PATH}/import", body)
            _filled[shared] = True
