"""SIGTERM while requests are at work."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import httpx

from .counted import ran
from .own_process import OwnProcess, count_body, own_process
from .small_service import CHAT

CLIENTS = 24


async def test_sigterm_under_load_loses_no_accepted_request(tmp_path: Path) -> None:
    async with own_process(
        tmp_path, max_running=6, max_running_per_key=6, max_waiting=CLIENTS
    ) as own:
        answers: dict[str, httpx.Response] = {}

        async def client(number: int) -> None:
            for turn in range(1_000):
                job = f"{number}-{turn}"
                answers[job] = await own.count(job, 0.02)
                if answers[job].status_code != 200:
                    return

        slow = asyncio.create_task(own.count("slow", 2.0))
        clients = [asyncio.create_task(client(number)) for number in range(CLIENTS)]
        async with asyncio.timeout(60):
            while len(answers) < 2 * CLIENTS:  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0.02)
        own.terminate()
        ready = await _not_ready(own)
        assert ready.json()["status"] == "stopping"
        assert (await own.http.get("/healthz")).status_code == 200
        await asyncio.gather(*clients)
        answers["slow"] = await slow
        assert await own.ended() == 0

    served = {job: answer for job, answer in answers.items() if answer.status_code == 200}
    refused = [answer for answer in answers.values() if answer.status_code != 200]
    assert len(refused) == CLIENTS
    for answer in refused:
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "service_stopping"
        assert int(answer.headers["retry-after"]) >= 1
    # What was begun was ended and answered, and nothing else was.
    runs = ran(own.ran)
    assert {job for what, job, _ in runs if what == "begin"} == set(served)
    assert {job for what, job, _ in runs if what == "end"} == set(served)
    for job, answer in served.items():
        assert answer.json()["switchboard"]["answer"] == f"x>{job}"


async def test_what_does_not_finish_in_its_grace_is_told_so(tmp_path: Path) -> None:
    grace_s = 2
    async with own_process(tmp_path, grace_s=grace_s) as own:
        whole = asyncio.create_task(own.count("whole", 60))
        progress = count_body("stream", 60, stream=True, switchboard={"progress": True})
        async with own.http.stream("POST", CHAT, json=progress) as streamed:
            lines = streamed.aiter_lines()
            async for line in lines:
                if '"running"' in line:
                    break
            own.terminate()
            begun = time.monotonic()
            rest = [line async for line in lines if line]
        answer = await whole
        took_s = time.monotonic() - begun
        assert await own.ended() == 0
    last: dict[str, Any] = json.loads(rest[-1].removeprefix("data: "))
    assert last["error"]["code"] == "service_stopping"
    assert "data: [DONE]" not in rest
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "service_stopping"
    assert int(answer.headers["retry-after"]) >= 1
    assert grace_s <= took_s <= grace_s + 5


async def test_asked_again_it_waits_for_nobody_and_tells_them_so(tmp_path: Path) -> None:
    async with own_process(tmp_path, grace_s=600) as own:
        whole = asyncio.create_task(own.count("whole", 600))
        async with asyncio.timeout(60):
            while not ran(own.ran):  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0.02)
        own.terminate()
        await _not_ready(own)
        own.terminate()
        answer = await whole
        assert await own.ended(60) == 0
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "service_stopping"


async def _not_ready(own: OwnProcess) -> httpx.Response:
    """The first answer of /readyz that is no 200."""
    async with asyncio.timeout(5):
        while (answer := await own.http.get("/readyz")).status_code == 200:
            pass
    assert answer.status_code == 503
    return answer
