"""Who may work now, who waits, and who is asked to come back later.

So many requests run at once and so many wait, in the service and of each key. What is behind
(models, the chat model's server) has queues of its own, in which more requests would only grow
old: a request beyond the bounds is refused at once, and told when to come again.

Keys take turns, and the requests of one key come in their order: a key that sends a thousand
requests delays another one's by at most one of its own.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from model_servers.contracts import DeadlineExceeded, SwitchboardError
from orchestrator.logs import add_facts

LATENESS = 1.08
"""A step that takes all of a request's time leaves so much more to tell of it."""

_SHORTEST_RETRY_S, _LONGEST_RETRY_S = 1.0, 60.0
_WEIGHT = 0.2
"""Of the last request in the moving mean of how long they take."""


class Overloaded(SwitchboardError):
    """More requests run and wait than the service takes."""

    code = "rate_limit_exceeded"
    http_status = 429
    retryable = True


class Stopping(SwitchboardError):
    """The service is about to stop: it takes nothing new."""

    code = "service_stopping"
    http_status = 503
    retryable = True


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many requests run and wait: in all, and of one key."""

    running: int = 16
    waiting: int = 64
    running_per_key: int = 12
    waiting_per_key: int = 32


class Admission:
    """The bounds of one service. Belongs to one event loop.

    Args:
        bounds: how much is let in.
        restart_s: when who comes while the service stops should try again.
    """

    def __init__(self, bounds: Bounds, *, restart_s: float = 10.0) -> None:
        self._bounds = bounds
        self._restart_s = restart_s
        self._running: Counter[str] = Counter()
        self._total = 0
        # The key whose turn it is comes first.
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}
        self._scopes: set[asyncio.Timeout] = set()
        self._mean_s = 1.0
        self._stopping = False
        self._cut = False
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def running(self) -> int:
        return self._total

    @property
    def waiting(self) -> int:
        return sum(map(len, self._queues.values()))

    @property
    def stopping(self) -> bool:
        return self._stopping

    def refuse_if_full(self, owner: str) -> None:
        """Raise what `admitted` would raise at once: Overloaded or Stopping."""
        if self._stopping:
            raise self._refusal()
        if self._has_room(owner):
            return
        own = len(self._queues.get(owner, ()))
        if self.waiting >= self._bounds.waiting or own >= self._bounds.waiting_per_key:
            raise Overloaded(
                "There are more requests than can be served just now; try again later.",
                retry_after_s=self._wait_s(),
            )

    @asynccontextmanager
    async def admitted(self, owner: str, *, timeout_s: float) -> AsyncIterator[float]:
        """Wait for a place, and hold it for the length of the block.

        Gives the time by which the work is to be done, on the clock of `time.monotonic()`:
        `timeout_s` from now, waiting included; `math.inf` sets no bound. Shortly after it what
        still runs is cut off.
        Raises Overloaded and Stopping instead of letting it in, DeadlineExceeded, and Stopping
        in the middle of work that the service can't wait for any longer.
        """
        asked = time.monotonic()
        deadline = asked + timeout_s
        await self._enter(owner, deadline)
        begun = time.monotonic()
        add_facts(queued_s=round(begun - asked, 4))
        left_s = max(0.0, deadline - begun) + (LATENESS - 1) * timeout_s
        scope = asyncio.timeout(_finite(left_s))
        self._scopes.add(scope)
        try:
            async with scope:
                yield deadline
        except TimeoutError:
            if not scope.expired():
                raise
            if self._cut:
                raise self._refusal() from None
            raise DeadlineExceeded(
                "The time for this request is over; ask for less, or allow more."
            ) from None
        finally:
            self._scopes.discard(scope)
            self._mean_s += _WEIGHT * (time.monotonic() - begun - self._mean_s)
            self._leave(owner)

    def stop(self) -> None:
        """Take nothing new from now on. What was let in, or waits, goes on."""
        self._stopping = True

    async def idle(self, timeout_s: float) -> bool:
        """Whether all that was taken in is done, within a time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    async def cut_off(self) -> None:
        """End what runs and what waits: all of it gets Stopping."""
        self.stop()
        self._cut = True
        for queue in self._queues.values():
            for place in queue:
                if not place.done():
                    place.set_exception(self._refusal())
        for scope in self._scopes:
            if not scope.expired():
                scope.reschedule(asyncio.get_running_loop().time())
        await self._idle.wait()

    async def _enter(self, owner: str, deadline: float) -> None:
        self.refuse_if_full(owner)
        # A key that waits has no room, so nobody is passed over here.
        if self._has_room(owner):
            self._take(owner)
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(owner, deque()).append(place)
        self._idle.clear()
        try:
            async with asyncio.timeout(_finite(max(0.0, deadline - time.monotonic()))):
                await place
        except TimeoutError:
            self._give_up(owner, place)
            raise DeadlineExceeded(
                "The time for this request was over before its turn came; try again later."
            ) from None
        except BaseException:
            self._give_up(owner, place)
            raise

    def _has_room(self, owner: str) -> bool:
        return (
            self._total < self._bounds.running
            and self._running[owner] < self._bounds.running_per_key
        )

    def _take(self, owner: str) -> None:
        self._total += 1
        self._running[owner] += 1
        self._idle.clear()

    def _leave(self, owner: str) -> None:
        self._total -= 1
        self._running[owner] -= 1
        if not self._running[owner]:
            del self._running[owner]
        self._let_in()

    def _let_in(self) -> None:
        """Give free places away, one to each key in turn."""
        while (owner := next(filter(self._has_room, self._queues), None)) is not None:
            queue = self._queues.pop(owner)
            place = queue.popleft()
            if queue:
                self._queues[owner] = queue
            if not place.done():
                self._take(owner)
                place.set_result(None)
        if not self._total and not self._queues:
            self._idle.set()

    def _give_up(self, owner: str, place: asyncio.Future[None]) -> None:
        """The caller is gone or out of time, perhaps just when its turn had come."""
        if place.done() and not place.cancelled() and place.exception() is None:
            self._leave(owner)
            return
        queue = self._queues.get(owner)
        if queue is not None and place in queue:
            queue.remove(place)
            if not queue:
                del self._queues[owner]
        self._let_in()

    def _wait_s(self) -> float:
        """About how long until all that waits now has had its turn."""
        wait_s = self._mean_s * (self.waiting + 1) / self._bounds.running
        return min(max(wait_s, _SHORTEST_RETRY_S), _LONGEST_RETRY_S)

    def _refusal(self) -> Stopping:
        return Stopping(
            "The service is stopping and takes nothing new; try again in a moment.",
            retry_after_s=self._restart_s,
        )


def _finite(seconds: float) -> float | None:
    return None if math.isinf(seconds) else seconds
