"""The pool: loads on demand, once; keeps its budget; unloads what is idle or in the way."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest

from model_servers import pool as pool_module
from model_servers.contracts import (
    DeadlineExceeded,
    ItemError,
    ModelUnavailable,
    ProfileError,
    WeightsError,
)
from model_servers.pool import ItemFailed, ModelPool


class Echo:
    """A server that repeats its inputs and counts its loads."""

    def __init__(self, memory_mb: float = 100) -> None:
        self.memory_mb = memory_mb
        self.loads = self.unloads = 0
        self.load_gate = threading.Event()
        self.load_gate.set()
        self.predict_gate = threading.Event()
        self.predict_gate.set()
        self.predicting = threading.Semaphore(0)
        self.gone = threading.Event()

    def load(self) -> None:
        assert self.load_gate.wait(10)
        self.loads += 1

    def predict(self, batch: Sequence[Any]) -> Sequence[Any]:
        self.predicting.release()
        assert self.predict_gate.wait(10)
        return [ItemError("bad one") if item == "bad" else item for item in batch]

    def unload(self) -> None:
        self.unloads += 1
        self.gone.set()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def pool_of(clock: Clock | None = None, budget_mb: float = 250, **servers: Echo) -> ModelPool:
    return ModelPool(
        {name: (lambda server=server: server) for name, server in servers.items()},
        memory_budget_mb=budget_mb,
        idle_s=60,
        threads=2,
        elsewhere={"clip": "gpu"},
        clock=clock or Clock(),
    )


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_model_is_loaded_once_for_all_who_ask() -> None:
    echo = Echo()
    pool = pool_of(a=echo)
    assert pool.loaded() == []
    assert await asyncio.gather(*(pool.predict("a", [i]) for i in range(5))) == [
        [i] for i in range(5)
    ]
    assert (echo.loads, pool.loaded()) == (1, ["a"])
    await pool.close()
    assert (echo.unloads, pool.loaded()) == (1, [])


async def test_the_least_recently_used_makes_room() -> None:
    clock = Clock()
    a, b, c = Echo(), Echo(), Echo()
    pool = pool_of(clock, a=a, b=b, c=c)
    for clock.now, name in enumerate(("a", "b", "a", "c")):
        await pool.predict(name, [1])
    assert pool.loaded() == ["a", "c"]
    assert (a.unloads, b.unloads) == (0, 1)
    await pool.predict("b", [1])
    assert pool.loaded() == ["b", "c"]
    await pool.close()


async def test_a_model_in_use_is_not_unloaded_a_load_waits_for_it() -> None:
    a, b = Echo(), Echo()
    a.predict_gate.clear()
    pool = pool_of(a=a, b=b, budget_mb=150)
    using = asyncio.create_task(pool.predict("a", [1]))
    assert await asyncio.to_thread(a.predicting.acquire, timeout=10)
    loading = asyncio.create_task(pool.predict("b", [2]))
    await settle()
    assert (a.unloads, b.loads) == (0, 0)
    a.predict_gate.set()
    assert await asyncio.gather(using, loading) == [[1], [2]]
    assert pool.loaded() == ["b"]
    await pool.close()


async def test_the_idle_are_unloaded_and_come_back() -> None:
    clock = Clock()
    a, b = Echo(), Echo()
    pool = pool_of(clock, a=a, b=b)
    await pool.load("a", "b")
    clock.now = 59
    await pool.predict("b", [1])
    clock.now = 61
    await pool.unload_idle()
    assert pool.loaded() == ["b"]
    assert await pool.predict("a", [1]) == [1]
    assert a.loads == 2
    await pool.close()


async def test_what_is_used_stays_through_a_burst_that_takes_the_whole_budget() -> None:
    clock = Clock()
    text, *media = (Echo(), Echo(), Echo(), Echo())
    pool = pool_of(clock, text=text, see=media[0], hear=media[1], speak=media[2])
    for clock.now, name in enumerate(("see", "hear", "speak") * 3):
        await pool.predict("text", [1])
        await pool.predict(name, [1])
    assert (text.loads, text.unloads) == (1, 0)
    assert [server.loads for server in media] == [3, 3, 3]
    await pool.close()


async def test_memory_goes_back_when_models_go(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    a, b, c = Echo(), Echo(), Echo()
    seen: list[tuple[int, int, int, int]] = []
    monkeypatch.setattr(
        pool_module,
        "give_back_memory",
        lambda: seen.append((a.unloads, b.unloads, c.unloads, c.loads)),
    )
    pool = pool_of(clock, a=a, b=b, c=c)
    await pool.load("a", "b")
    await pool.unload_idle()
    assert seen == []
    clock.now = 1
    await pool.predict("b", [1])
    await pool.predict("c", [1])
    assert seen == [(1, 0, 0, 0)]  # after the unloading, before the load that it makes room for
    clock.now = 61
    await pool.unload_idle()
    assert seen[1:] == [(1, 1, 1, 1)]  # once for both
    await pool.close()


async def test_a_model_goes_by_itself_once_its_time_is_over() -> None:
    echo = Echo()
    pool = ModelPool({"a": lambda: echo}, memory_budget_mb=250, idle_s=0.01, threads=1)
    await pool.predict("a", [1])
    assert await asyncio.to_thread(echo.gone.wait, 30)
    await pool.close()


async def test_a_larger_model_than_the_budget_is_refused() -> None:
    pool = pool_of(a=Echo(memory_mb=300))
    with pytest.raises(ModelUnavailable, match="300 MB"):
        await pool.predict("a", [1])
    await pool.close()


async def test_an_unknown_model_names_the_profile_that_has_it() -> None:
    pool = pool_of(a=Echo())
    with pytest.raises(ProfileError, match="'gpu'"):
        await pool.predict("clip", [1])
    with pytest.raises(ProfileError, match="No profile"):
        await pool.predict("nonsense", [1])
    assert "a" in pool
    assert "clip" not in pool
    await pool.close()


async def test_errors_of_items_are_raised_or_returned() -> None:
    pool = pool_of(a=Echo())
    with pytest.raises(ItemFailed, match="bad one"):
        await pool.predict("a", ["good", "bad"])
    assert await pool.predict("a", ["good", "bad"], errors="return") == [
        "good",
        ItemError("bad one"),
    ]
    await pool.close()


async def test_a_failed_load_is_tried_again() -> None:
    class Broken(Echo):
        def load(self) -> None:
            self.loads += 1
            if self.loads == 1:
                raise WeightsError("The weights of a are missing; run `switchboard models pull`.")
            if self.loads == 2:
                raise OSError("/secret/path")

    broken = Broken()
    pool = pool_of(a=broken)
    with pytest.raises(WeightsError):
        await pool.predict("a", [1])
    with pytest.raises(ModelUnavailable, match=r"could not be loaded \(OSError\)"):
        await pool.predict("a", [1])
    assert await pool.predict("a", [1]) == [1]
    await pool.close()


async def test_a_caller_who_gives_up_does_not_stop_the_load() -> None:
    echo = Echo()
    echo.load_gate.clear()
    pool = pool_of(a=echo)
    patient = asyncio.create_task(pool.predict("a", [1]))
    with pytest.raises(DeadlineExceeded):
        await pool.predict("a", [2], deadline=time.monotonic() + 0.01)
    cancelled = asyncio.create_task(pool.predict("a", [3]))
    await settle()
    cancelled.cancel()
    echo.load_gate.set()
    assert await patient == [1]
    assert echo.loads == 1
    await pool.close()


async def test_a_closed_pool_refuses() -> None:
    pool = pool_of(a=Echo())
    await pool.predict("a", [1])
    await pool.close()
    with pytest.raises(ModelUnavailable):
        await pool.predict("a", [1])
