"""The batcher: order, fairness, deadlines, cancellation, and errors that stay where they belong."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from model_servers.batching import Batcher
from model_servers.contracts import DeadlineExceeded, ItemError, ModelError, ModelUnavailable


class Gate:
    """A predict function that records its batches, and holds each until it is let through."""

    def __init__(self, work: Callable[[Sequence[Any]], Sequence[Any]] | None = None) -> None:
        self.work = work or (lambda batch: [item * 10 for item in batch])
        self.batches: list[list[Any]] = []
        self.open = threading.Event()
        self.entered = threading.Semaphore(0)

    def __call__(self, batch: Sequence[Any]) -> Sequence[Any]:
        self.batches.append(list(batch))
        self.entered.release()
        assert self.open.wait(10)
        return self.work(batch)

    async def wait_until_entered(self) -> None:
        assert await asyncio.to_thread(self.entered.acquire, timeout=10)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
async def batcher(gate: Gate) -> AsyncIterator[Batcher]:
    with ThreadPoolExecutor(1) as executor:
        batcher = Batcher(gate, executor, max_batch=4)
        yield batcher
        gate.open.set()
        await batcher.close()


async def settle() -> None:
    """Let every task that can run do so."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_calls_of_one_moment_share_a_batch(batcher: Batcher, gate: Gate) -> None:
    gate.open.set()
    results = await asyncio.gather(*(batcher.submit([i]) for i in range(4)))
    assert results == [[0], [10], [20], [30]]
    assert gate.batches == [[0, 1, 2, 3]]


async def test_what_arrives_while_a_batch_runs_forms_the_next(batcher: Batcher, gate: Gate) -> None:
    first = asyncio.create_task(batcher.submit([1]))
    await gate.wait_until_entered()
    others = [asyncio.create_task(batcher.submit([i])) for i in (2, 3)]
    await settle()
    gate.open.set()
    assert await asyncio.gather(first, *others) == [[10], [20], [30]]
    assert gate.batches == [[1], [2, 3]]


async def test_a_large_call_keeps_its_order_and_lets_small_ones_in(
    batcher: Batcher, gate: Gate
) -> None:
    large = asyncio.create_task(batcher.submit(list(range(10))))
    small = asyncio.create_task(batcher.submit([99]))
    gate.open.set()
    assert await large == [i * 10 for i in range(10)]
    assert await small == [990]
    assert 99 in gate.batches[0]
    assert max(map(len, gate.batches)) == 4


async def test_one_item_fails_alone() -> None:
    def work(batch: Sequence[int]) -> list[int | ItemError]:
        return [ItemError("too odd") if i % 2 else i for i in batch]

    with ThreadPoolExecutor(1) as executor:
        assert await Batcher(work, executor).submit([2, 3]) == [2, ItemError("too odd")]


async def test_a_wrong_number_of_results_fails_everyone(gate: Gate, batcher: Batcher) -> None:
    gate.work = lambda batch: list(batch)[:-1]
    gate.open.set()
    both = await asyncio.gather(batcher.submit([1]), batcher.submit([2]), return_exceptions=True)
    assert [type(error) for error in both] == [ModelError, ModelError]
    assert "1 results for 2 inputs" in str(both[0])


async def test_a_crash_fails_the_batch_and_not_the_next_one(gate: Gate, batcher: Batcher) -> None:
    def crash(batch: Sequence[Any]) -> Sequence[Any]:
        raise KeyError("/secret/path")

    gate.work = crash
    gate.open.set()
    with pytest.raises(ModelError, match="KeyError") as caught:
        await batcher.submit([1])
    assert "secret" not in str(caught.value)
    gate.work = list
    assert await batcher.submit([1]) == [1]


async def test_a_deadline_ends_the_wait_and_frees_the_place(gate: Gate, batcher: Batcher) -> None:
    first = asyncio.create_task(batcher.submit([1]))
    await gate.wait_until_entered()
    with pytest.raises(DeadlineExceeded):
        await batcher.submit([2], deadline=time.monotonic() + 0.01)
    gate.open.set()
    assert await first == [10]
    assert await batcher.submit([3]) == [30]
    assert gate.batches == [[1], [3]]


async def test_an_item_whose_deadline_passed_is_never_run(gate: Gate, batcher: Batcher) -> None:
    gate.open.set()
    with pytest.raises(DeadlineExceeded):
        await batcher.submit([1], deadline=time.monotonic() - 1)
    await batcher.submit([2])
    assert gate.batches == [[2]]


async def test_a_cancelled_caller_takes_its_items_with_it(gate: Gate, batcher: Batcher) -> None:
    first = asyncio.create_task(batcher.submit([1]))
    await gate.wait_until_entered()
    second = asyncio.create_task(batcher.submit([2]))
    third = asyncio.create_task(batcher.submit([3]))
    await settle()
    second.cancel()
    await settle()
    gate.open.set()
    assert await asyncio.gather(first, third) == [[10], [30]]
    assert gate.batches == [[1], [3]]


async def test_closing_fails_what_waits_and_refuses_more(gate: Gate, batcher: Batcher) -> None:
    first = asyncio.create_task(batcher.submit([1]))
    await gate.wait_until_entered()
    second = asyncio.create_task(batcher.submit([2]))
    await settle()
    closing = asyncio.create_task(batcher.close())
    await settle()
    gate.open.set()
    await closing
    assert await first == [10]
    with pytest.raises(ModelUnavailable):
        await second
    with pytest.raises(ModelUnavailable):
        await batcher.submit([3])


async def test_no_items_ask_nothing_of_the_model(gate: Gate, batcher: Batcher) -> None:
    assert await batcher.submit([]) == []
    assert gate.batches == []
