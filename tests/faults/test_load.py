"""Ten times as many requests as can be served."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from .own_process import OwnProcess, own_process

RUNNING, WAITING = 4, 4
WORK_S = 0.5
MEASURED_S = 5.0


@dataclass(frozen=True)
class Asked:
    job: str
    begun: float
    ended: float
    answer: httpx.Response

    @property
    def took_s(self) -> float:
        return self.ended - self.begun

    @property
    def good(self) -> bool:
        return self.answer.status_code == 200


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[OwnProcess]:
    bounds = {"max_running": RUNNING, "max_running_per_key": RUNNING, "max_waiting": WAITING}
    async with own_process(tmp_path, **bounds) as own:
        await ask(own, "first")  # which imports
        yield own


async def ask(own: OwnProcess, job: str) -> Asked:
    begun = time.monotonic()
    answer = await own.count(job, WORK_S)
    return Asked(job, begun, time.monotonic(), answer)


async def peak_a_second(own: OwnProcess) -> float:
    """Answers a second to as many clients as are served at once, each asking again and again."""
    until = time.monotonic() + MEASURED_S
    answered = 0

    async def client(number: int) -> None:
        nonlocal answered
        while time.monotonic() < until:
            asked = await ask(own, f"peak-{number}-{answered}")
            assert asked.good
            answered += asked.ended <= until

    await asyncio.gather(*map(client, range(RUNNING)))
    return answered / MEASURED_S


async def flood(own: OwnProcess, a_second: float) -> list[Asked]:
    """Requests at a steady rate, whatever becomes of them."""
    begun = time.monotonic()
    asked: list[asyncio.Task[Asked]] = []
    while (passed_s := time.monotonic() - begun) < MEASURED_S:
        while len(asked) < passed_s * a_second:
            asked.append(asyncio.create_task(ask(own, f"flood-{len(asked)}")))
        await asyncio.sleep(0.01)
    return await asyncio.gather(*asked)


async def test_at_ten_times_the_load_as_much_is_served_and_the_rest_is_told_to_come_back(
    own: OwnProcess,
) -> None:
    usual_s = (await ask(own, "usual")).took_s
    peak = await peak_a_second(own)
    begun = time.monotonic()
    flooded = await flood(own, 10 * peak)
    over = begun + MEASURED_S

    good = [asked for asked in flooded if asked.good]
    refused = [asked for asked in flooded if not asked.good]
    assert len(flooded) > 9 * peak * MEASURED_S
    goodput = sum(asked.ended <= over for asked in good) / MEASURED_S
    assert goodput >= 0.8 * peak
    for asked in good:
        assert asked.answer.json()["switchboard"]["answer"] == f"x>{asked.job}"
    assert refused
    for asked in refused:
        assert asked.answer.status_code == 429
        assert asked.answer.json()["error"]["code"] == "rate_limit_exceeded"
        assert int(asked.answer.headers["retry-after"]) >= 1
    assert statistics.median(asked.took_s for asked in refused) < WORK_S

    # Recovered: a request takes as long as it used to.
    while (await ask(own, "again")).took_s > 1.5 * usual_s:
        assert time.monotonic() - over < 5.0
    assert time.monotonic() - over < 5.0 + 1.5 * usual_s
