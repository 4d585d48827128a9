"""Who is let in, who waits, who is refused, and how it all ends."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable

import pytest

from model_servers.contracts import DeadlineExceeded
from orchestrator.admission import Admission, Bounds, Overloaded, Stopping

Enter = Callable[..., asyncio.Task[str]]


class Door:
    """Requests that hold their place until they are told to go."""

    def __init__(self, bounds: Bounds) -> None:
        self.admission = Admission(bounds)
        self.inside: list[str] = []
        self.tasks: list[asyncio.Task[str]] = []
        self._go: dict[str, asyncio.Event] = {}

    def come(self, name: str, timeout_s: float = 30.0) -> asyncio.Task[str]:
        """`name` is the key's, and a number."""
        self._go[name] = asyncio.Event()

        async def work() -> str:
            async with self.admission.admitted(name[0], timeout_s=timeout_s):
                self.inside.append(name)
                try:
                    await self._go[name].wait()
                finally:
                    self.inside.remove(name)
            return name

        task = asyncio.create_task(work(), name=name)
        self.tasks.append(task)
        return task

    async def go(self, *names: str) -> None:
        for name in names:
            self._go[name].set()
            await settle()


async def settle() -> None:
    for _ in range(8):
        await asyncio.sleep(0)


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    door = Door(Bounds(running=2, waiting=3, running_per_key=2, waiting_per_key=3))
    yield door
    for task in door.tasks:
        task.cancel()
    await asyncio.gather(*door.tasks, return_exceptions=True)
    assert (door.admission.running, door.admission.waiting) == (0, 0)
    assert await door.admission.idle(0)


async def test_so_many_run_so_many_wait_and_one_more_is_refused(door: Door) -> None:
    for name in ("a1", "a2", "a3", "a4", "a5"):
        door.come(name)
    await settle()
    assert door.inside == ["a1", "a2"]
    assert door.admission.waiting == 3
    with pytest.raises(Overloaded) as refused:
        await door.come("a6")
    assert refused.value.retry_after_s is not None
    assert refused.value.retry_after_s >= 1
    await door.go("a1")
    assert door.inside == ["a2", "a3"]


async def test_requests_of_one_key_come_in_their_order(door: Door) -> None:
    came = [door.come(name) for name in ("a1", "a2", "a3", "a4", "a5")]
    await settle()
    order = []
    for task in came:
        order += [name for name in door.inside if name not in order]
        await door.go(task.get_name())
    assert order == ["a1", "a2", "a3", "a4", "a5"]


async def test_keys_take_turns(door: Door) -> None:
    for name in ("a1", "a2", "a3", "a4", "b1"):
        door.come(name)
    await settle()
    await door.go("a1", "a2")
    assert door.inside == ["a3", "b1"]


async def test_a_key_that_has_its_share_waits_while_another_is_let_in() -> None:
    door = Door(Bounds(running=3, waiting=9, running_per_key=2, waiting_per_key=1))
    came = [door.come(name) for name in ("a1", "a2", "a3", "b1")]
    await settle()
    assert door.inside == ["a1", "a2", "b1"]
    with pytest.raises(Overloaded):
        await door.come("a4")
    other = door.come("b2")
    await settle()
    assert not other.done()
    await door.go("a1", "a2", "a3", "b1", "b2")
    assert await asyncio.gather(*came, other) == ["a1", "a2", "a3", "b1", "b2"]


async def test_waiting_counts_against_the_time_of_a_request(door: Door) -> None:
    door.come("a1")
    door.come("a2")
    with pytest.raises(DeadlineExceeded, match="before its turn"):
        await door.come("a3", timeout_s=0.02)
    assert door.admission.waiting == 0


async def test_work_that_goes_on_after_its_time_is_cut_off(door: Door) -> None:
    with pytest.raises(DeadlineExceeded):
        await door.come("a1", timeout_s=0.02)


async def test_who_leaves_while_waiting_takes_nobodys_place(door: Door) -> None:
    for name in ("a1", "a2", "a3", "a4"):
        door.come(name)
    await settle()
    door.tasks[2].cancel()
    await door.go("a1")
    assert door.inside == ["a2", "a4"]


async def test_who_leaves_just_when_its_turn_has_come_gives_it_to_the_next(door: Door) -> None:
    for name in ("a1", "a2", "a3", "a4"):
        door.come(name)
    await settle()
    door._go["a1"].set()
    await door.tasks[0]  # its place is given to a3, which has not run since
    door.tasks[2].cancel()
    await settle()
    assert door.inside == ["a2", "a4"]


async def test_what_was_taken_in_goes_on_when_the_service_stops(door: Door) -> None:
    came = [door.come(name) for name in ("a1", "a2", "a3")]
    await settle()
    door.admission.stop()
    with pytest.raises(Stopping):
        await door.come("b1")
    assert not await door.admission.idle(0)
    await door.go("a1", "a2", "a3")
    assert await asyncio.gather(*came) == ["a1", "a2", "a3"]
    assert await door.admission.idle(0)


async def test_what_can_not_be_waited_for_is_told_so(door: Door) -> None:
    came = [door.come(name) for name in ("a1", "a2", "a3")]
    await settle()
    await door.admission.cut_off()
    ended = await asyncio.gather(*came, return_exceptions=True)
    assert [type(error) for error in ended] == [Stopping] * 3
    assert not door.inside


async def test_errors_of_the_work_are_its_own(door: Door) -> None:
    with pytest.raises(TimeoutError):
        async with door.admission.admitted("a", timeout_s=10):
            raise TimeoutError
    assert door.admission.running == 0


async def test_work_without_a_bound_is_only_cut_off_when_the_service_stops(door: Door) -> None:
    came = [door.come(name, timeout_s=math.inf) for name in ("a1", "a2", "a3")]
    await settle()
    assert door.inside == ["a1", "a2"]
    await door.admission.cut_off()
    ended = await asyncio.gather(*came, return_exceptions=True)
    assert [type(error) for error in ended] == [Stopping] * 3
