"""Events as a page takes them in: together where they come fast, and a sign of life between."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from typing import Any, TypeVar

E = TypeVar("E")


async def paced(
    events: AsyncIterator[E],
    *,
    interval_s: float,
    idle_s: float,
    stop: asyncio.Event | None = None,
) -> AsyncGenerator[list[E], None]:
    """Batches of events: none sooner than `interval_s` after the one before.

    An empty batch comes after `idle_s` without an event, so that a clock on the page can go on and
    a browser that has gone is noticed. Setting `stop` ends it; ending or closing it closes
    `events`. Raises what `events` raises, after all that came before.
    """
    queue: asyncio.Queue[E] = asyncio.Queue(maxsize=1000)
    stop = stop or asyncio.Event()

    async def pump() -> None:
        try:
            async for event in events:
                await queue.put(event)
        finally:
            if isinstance(events, AsyncGenerator):
                await events.aclose()

    pumping = asyncio.create_task(pump())
    stopping = asyncio.create_task(stop.wait())
    try:
        while not (pumping.done() and queue.empty()):
            batch = await _next(queue, (pumping, stopping), idle_s)
            if stop.is_set():
                return
            while not queue.empty():
                batch.append(queue.get_nowait())
            if batch or not pumping.done():
                yield batch
            if not pumping.done():
                await asyncio.sleep(interval_s)
        await pumping
    finally:
        stopping.cancel()
        pumping.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await pumping


async def _next(
    queue: asyncio.Queue[E], ends: Iterable[asyncio.Task[Any]], idle_s: float
) -> list[E]:
    """The next event, or nothing when none came in time or none will come any more."""
    getting = asyncio.create_task(queue.get())
    try:
        await asyncio.wait((getting, *ends), timeout=idle_s, return_when=asyncio.FIRST_COMPLETED)
        return [getting.result()] if getting.done() else []
    finally:
        getting.cancel()
