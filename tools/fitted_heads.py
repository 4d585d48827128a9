"""Heads that were fitted on examples, kept for the next call with the same examples."""

from __future__ import annotations

import asyncio
import hashlib
from array import array
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")

MAX_BYTES = 256 * 1024 * 1024
MAX_HEADS = 64


@dataclass(frozen=True, slots=True)
class Sized(Generic[T]):
    """A value, and about how much memory it holds."""

    value: T
    size_bytes: int


@dataclass(slots=True)
class _Fitting(Generic[T]):
    """A fit under way, and how many callers wait for it."""

    task: asyncio.Task[Sized[T]]
    waiting: int = 0


class FittedHeads(Generic[T]):
    """The values used last, within bounds. Calls for one that is not there fit it once, together.

    A single value beyond `max_bytes` is kept until the next: it took longest to make. Belongs to
    one event loop at a time.
    """

    def __init__(self, *, max_bytes: int = MAX_BYTES, max_heads: int = MAX_HEADS) -> None:
        self._max_bytes = max_bytes
        self._max_heads = max_heads
        self._kept: OrderedDict[bytes, Sized[T]] = OrderedDict()
        self._fitting: dict[bytes, _Fitting[T]] = {}
        self._left = b""

    @property
    def size_bytes(self) -> int:
        return sum(kept.size_bytes for kept in self._kept.values())

    def __len__(self) -> int:
        return len(self._kept)

    async def get(
        self, key: bytes, fit: Callable[[], Coroutine[Any, Any, Sized[T]]], *, timeout_s: float
    ) -> T:
        """The value of `key`, from `fit` where there is none.

        Who gives up, or is cancelled, leaves the fit to the others who wait for it. One that
        nobody waits for any more goes on for who comes back, until it is not the only such one.
        Raises what `fit` raises, to all who wait, and TimeoutError.
        """
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key].value
        under_way = self._fitting.get(key)
        if under_way is None:
            task = asyncio.create_task(self._fit(key, fit()), name="fit")
            under_way = self._fitting[key] = _Fitting(task)
        under_way.waiting += 1
        try:
            async with asyncio.timeout(timeout_s):
                return (await asyncio.shield(under_way.task)).value
        finally:
            under_way.waiting -= 1
            if not under_way.waiting and not under_way.task.done():
                self._give_up_another(key)

    def _give_up_another(self, key: bytes) -> None:
        """Nobody waits for the fit of `key`: of such ones, the last alone goes on."""
        other, self._left = self._left, key
        left = self._fitting.get(other) if other != key else None
        if left is not None and not left.waiting:
            del self._fitting[other]  # nobody may join what is being cancelled
            left.task.cancel()

    async def _fit(self, key: bytes, fitted: Awaitable[Sized[T]]) -> Sized[T]:
        me = asyncio.current_task()
        try:
            found = await fitted
        finally:
            current = self._fitting.get(key)
            if current is not None and current.task is me:
                del self._fitting[key]
        self._kept[key] = found
        while len(self._kept) > 1 and (
            len(self._kept) > self._max_heads or self.size_bytes > self._max_bytes
        ):
            self._kept.popitem(last=False)
        return found


def digest(texts: Iterable[str]) -> bytes:
    """A key for texts in their order; other texts, or other bounds between them, give another."""
    listed = list(texts)
    found = hashlib.sha256(array("Q", map(len, listed)).tobytes())
    found.update("".join(listed).encode("utf-8", "surrogatepass"))
    return found.digest()
