"""Dynamic batching inside one process: many small calls become few large batches.

An idle model starts at once. While a batch runs in its worker thread, whatever arrives waits
and forms the next one, so that batches grow with the load and not with a timer; only after a
batch that served several callers does the batcher wait a moment for them to come back.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from model_servers.contracts import (
    DeadlineExceeded,
    ModelError,
    ModelUnavailable,
    SwitchboardError,
)
from model_servers.spans import note

log = logging.getLogger(__name__)

Predict = Callable[[Sequence[Any]], Sequence[Any]]


@dataclass(frozen=True, slots=True)
class _Batch:
    """A batch that ran: how many items of all callers, and when it began, on `perf_counter`."""

    size: int
    begun: float
    seconds: float


@dataclass(eq=False, slots=True)
class _Call:
    """The items that one caller handed in together, and what is known of their results."""

    items: Sequence[Any]
    deadline: float | None
    done: asyncio.Future[list[Any]]
    results: list[Any] = field(init=False)
    taken: int = 0
    finished: int = 0
    submitted: float = field(default_factory=time.perf_counter)
    batches: list[_Batch] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.results = [None] * len(self.items)

    def take(self) -> tuple[_Call, int]:
        self.taken += 1
        return self, self.taken - 1

    def settle(self, index: int, result: Any) -> None:
        self.results[index] = result
        self.finished += 1
        if self.finished == len(self.items) and not self.done.done():
            self.done.set_result(self.results)

    def fail(self, error: BaseException) -> None:
        if not self.done.done():
            self.done.set_exception(error)

    def note_batches(self) -> None:
        """Tell the caller's span how long its items waited, and in which batches they ran."""
        if self.batches:
            if len(self.batches) > 1:
                note(batches=len(self.batches))
            note(
                batch_size=max(batch.size for batch in self.batches),
                queue_ms=round(1000 * (self.batches[0].begun - self.submitted), 3),
                compute_ms=round(1000 * sum(batch.seconds for batch in self.batches), 3),
            )


class Batcher:
    """Runs `predict` in `executor`, one batch at a time, over the items of all callers.

    Args:
        predict: blocking; gives one result for each item, in order, or ItemError.
        name: the model's, for messages.
        max_batch: items in a batch at most.
        max_wait_s: how long a batch that is not full waits while several callers are at work.
    """

    def __init__(
        self,
        predict: Predict,
        executor: Executor,
        *,
        name: str = "model",
        max_batch: int = 32,
        max_wait_s: float = 0.003,
    ) -> None:
        self._predict = predict
        self._executor = executor
        self._name = name
        self._max_batch = max_batch
        self._max_wait_s = max_wait_s
        self._calls: deque[_Call] = deque()
        self._running: asyncio.Task[None] | None = None
        self._full = asyncio.Event()
        self._closed = False

    async def submit(self, items: Sequence[Any], *, deadline: float | None = None) -> list[Any]:
        """The results of `items` in order, ItemError where one item failed.

        Args:
            deadline: on the clock of `time.monotonic()`.

        Raises DeadlineExceeded, ModelUnavailable after `close`, and ModelError where the model
        failed, or gave another number of results than it was asked for. A caller that is
        cancelled takes its waiting items with it; a batch that runs already runs to its end.
        """
        if self._closed:
            raise ModelUnavailable(f"The model {self._name} is being unloaded; try again.")
        if not items:
            return []
        call = _Call(items, deadline, asyncio.get_running_loop().create_future())
        self._calls.append(call)
        if self._waiting() >= self._max_batch:
            self._full.set()
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name=f"batches:{self._name}")
        try:
            async with asyncio.timeout(seconds_until(deadline)):
                return await call.done
        except TimeoutError:
            raise too_late() from None
        finally:
            call.done.cancel()
            call.note_batches()

    async def close(self) -> None:
        """Let the batch that runs finish, and fail what waits."""
        self._closed = True
        while self._calls:
            self._calls.popleft().fail(
                ModelUnavailable(f"The model {self._name} is being unloaded; try again.")
            )
        if self._running is not None:
            await self._running

    def _waiting(self) -> int:
        return sum(len(call.items) - call.taken for call in self._calls)

    async def _run(self) -> None:
        """Batches until nothing waits."""
        callers = 0
        try:
            await asyncio.sleep(0)  # callers of the same moment share the first batch
            while self._calls:
                if callers > 1 and self._waiting() < self._max_batch:
                    await self._wait_for_more()
                batch = self._next_batch()
                callers = len({id(call) for call, _ in batch})
                if batch:
                    await self._run_batch(batch)
        finally:
            self._running = None

    async def _wait_for_more(self) -> None:
        self._full.clear()
        try:
            async with asyncio.timeout(self._max_wait_s):
                await self._full.wait()
        except TimeoutError:
            return

    def _next_batch(self) -> list[tuple[_Call, int]]:
        """One item of each caller in turn, so that a large call does not keep small ones out."""
        batch: list[tuple[_Call, int]] = []
        while self._calls and len(batch) < self._max_batch:
            call = self._calls.popleft()
            if call.deadline is not None and call.deadline <= time.monotonic():
                call.fail(too_late())
            if call.done.done():  # cancelled, too late, or failed in an earlier batch
                continue
            batch.append(call.take())
            if call.taken < len(call.items):
                self._calls.append(call)
        return batch

    async def _run_batch(self, batch: list[tuple[_Call, int]]) -> None:
        items = [call.items[index] for call, index in batch]
        begun = time.perf_counter()

        def predict() -> Sequence[Any]:
            nonlocal begun
            begun = time.perf_counter()  # until then it waited for a thread
            return self._predict(items)

        try:
            try:
                results = await asyncio.get_running_loop().run_in_executor(self._executor, predict)
            finally:
                ran = _Batch(len(items), begun, time.perf_counter() - begun)
                for call in {id(call): call for call, _ in batch}.values():
                    call.batches.append(ran)
            if len(results) != len(items):
                raise ModelError(
                    f"The model {self._name} gave {len(results)} results for {len(items)} inputs; "
                    "none of them can be trusted."
                )
        except SwitchboardError as error:
            _fail(batch, error)
        except Exception as error:
            log.exception("model %s failed", self._name)
            _fail(batch, ModelError(f"The model {self._name} failed ({type(error).__name__})."))
        else:
            for (call, index), result in zip(batch, results, strict=True):
                call.settle(index, result)


def _fail(batch: Iterable[tuple[_Call, int]], error: SwitchboardError) -> None:
    for call, _ in batch:
        call.fail(error)


def too_late() -> DeadlineExceeded:
    """The error for work whose deadline passed."""
    return DeadlineExceeded("The time for this request is over; ask for less, or allow more.")


def seconds_until(deadline: float | None) -> float | None:
    """Seconds until a time on the clock of `time.monotonic()`, at least 0; None for never."""
    return None if deadline is None else max(0.0, deadline - time.monotonic())
