"""Heads are fitted once, kept within bounds, and seldom given up."""

from __future__ import annotations

import asyncio

import pytest

from tools.fitted_heads import FittedHeads, Sized, digest


class Fits:
    """Counts its fits, and holds each back until it is let go."""

    def __init__(self, size_bytes: int = 1) -> None:
        self.count = 0
        self.cancelled = 0
        self.go = asyncio.Event()
        self._size_bytes = size_bytes

    async def __call__(self) -> Sized[int]:
        self.count += 1
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return Sized(self.count, self._size_bytes)


async def test_calls_of_the_same_moment_fit_once_and_later_ones_never() -> None:
    heads, fit = FittedHeads[int](), Fits()
    calls = [asyncio.create_task(heads.get(b"a", fit, timeout_s=5)) for _ in range(5)]
    await asyncio.sleep(0)
    fit.go.set()
    assert await asyncio.gather(*calls) == [1] * 5
    assert await heads.get(b"a", fit, timeout_s=5) == 1
    assert fit.count == 1


async def test_who_leaves_leaves_the_fit_to_the_others() -> None:
    heads, fit = FittedHeads[int](), Fits()
    first = asyncio.create_task(heads.get(b"a", fit, timeout_s=5))
    second = asyncio.create_task(heads.get(b"a", fit, timeout_s=5))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    fit.go.set()
    assert await second == 1
    assert (fit.count, fit.cancelled) == (1, 0)


async def test_a_fit_that_all_have_left_goes_on_for_who_comes_back() -> None:
    heads, fit = FittedHeads[int](), Fits()
    with pytest.raises(TimeoutError):
        await heads.get(b"a", fit, timeout_s=0.01)
    back = asyncio.create_task(heads.get(b"a", fit, timeout_s=5))
    await asyncio.sleep(0)
    fit.go.set()
    assert await back == 1
    assert (fit.count, fit.cancelled) == (1, 0)


async def test_only_one_fit_goes_on_that_nobody_waits_for() -> None:
    heads, first, second = FittedHeads[int](), Fits(), Fits()
    for key, fit in ((b"a", first), (b"b", second), (b"b", second)):
        with pytest.raises(TimeoutError):
            await heads.get(key, fit, timeout_s=0.01)
    await asyncio.sleep(0)
    assert (first.cancelled, second.cancelled, second.count) == (1, 0, 1)
    # What somebody waits for is never given up, and what was given up begins anew.
    waits = asyncio.create_task(heads.get(b"b", second, timeout_s=5))
    with pytest.raises(TimeoutError):
        await heads.get(b"a", first, timeout_s=0.01)
    second.go.set()
    assert await waits == 1
    first.go.set()
    assert await heads.get(b"a", first, timeout_s=5) == 2
    assert second.cancelled == 0


async def test_a_failed_fit_fails_all_who_wait_and_is_not_kept() -> None:
    heads = FittedHeads[int]()

    async def fail() -> Sized[int]:
        raise ValueError("no")

    calls = [heads.get(b"a", fail, timeout_s=5) for _ in range(3)]
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert [str(error) for error in found] == ["no"] * 3
    fit = Fits()
    fit.go.set()
    assert await heads.get(b"a", fit, timeout_s=5) == 1


async def test_the_one_used_longest_ago_goes_first() -> None:
    heads = FittedHeads[int](max_bytes=100)
    fit = Fits(size_bytes=40)
    fit.go.set()
    for key in (b"a", b"b", b"a", b"c"):
        await heads.get(key, fit, timeout_s=5)
    assert (len(heads), heads.size_bytes, fit.count) == (2, 80, 3)
    await heads.get(b"a", fit, timeout_s=5)
    assert fit.count == 3
    await heads.get(b"b", fit, timeout_s=5)
    assert fit.count == 4


async def test_one_beyond_all_bounds_is_kept_until_the_next() -> None:
    heads = FittedHeads[int](max_bytes=100, max_heads=2)
    huge, small = Fits(size_bytes=500), Fits()
    huge.go.set()
    small.go.set()
    await heads.get(b"huge", huge, timeout_s=5)
    await heads.get(b"huge", huge, timeout_s=5)
    assert huge.count == 1
    for key in (b"a", b"b", b"c"):
        await heads.get(key, small, timeout_s=5)
    assert (len(heads), heads.size_bytes) == (2, 2)


def test_a_digest_knows_where_a_text_ends() -> None:
    assert digest(["ab", "c"]) == digest(iter(["ab", "c"]))
    others = [["a", "bc"], ["abc"], ["c", "ab"], ["ab", "c", ""], ["ab", "\ud800"]]
    assert len({digest(texts) for texts in [["ab", "c"], *others]}) == 6
