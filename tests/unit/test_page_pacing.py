"""Events reach the page in batches, in order, and stop when the page does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from orchestrator.page.pacing import paced


async def numbers(count: int, fails: bool = False) -> AsyncIterator[int]:
    for number in range(count):
        yield number
    if fails:
        raise ValueError("late")


async def test_all_events_come_in_order_and_few_batches() -> None:
    batches = [b async for b in paced(numbers(5000), interval_s=0.001, idle_s=5)]
    assert [n for batch in batches for n in batch] == list(range(5000))
    assert len(batches) < 500


async def test_an_error_comes_after_the_events_before_it() -> None:
    seen: list[int] = []

    async def take() -> None:
        async for batch in paced(numbers(3, fails=True), interval_s=0, idle_s=5):
            seen.extend(batch)

    with pytest.raises(ValueError, match="late"):
        await take()
    assert seen == [0, 1, 2]


async def test_silence_gives_empty_batches() -> None:
    go_on = asyncio.Event()

    async def quiet() -> AsyncIterator[int]:
        await go_on.wait()
        yield 1

    seen: list[list[int]] = []
    async for batch in paced(quiet(), interval_s=0, idle_s=0.001):
        seen.append(batch)
        if len(seen) == 3:
            go_on.set()
    assert seen[:3] == [[], [], []]
    assert [1] in seen


@pytest.mark.parametrize("how", ["close", "cancel", "stop"])
async def test_closing_cancelling_or_stopping_it_stops_the_work(how: str) -> None:
    stopped = asyncio.Event()
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[int]:
        try:
            yield 1
            begun.set()
            await asyncio.Event().wait()
        finally:
            stopped.set()

    stop = asyncio.Event()
    batches = paced(endless(), interval_s=0, idle_s=60, stop=stop)
    assert await anext(batches) == [1]
    if how == "stop":
        await begun.wait()
        stop.set()
        with pytest.raises(StopAsyncIteration):
            await anext(batches)
    elif how == "close":
        await begun.wait()
        await batches.aclose()
    else:
        task = asyncio.ensure_future(anext(batches))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert stopped.is_set()
