"""What a request, or a key, may take: told in time, and without harm to anybody else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from orchestrator.service import Service
from tests.unit.small_tools import FakeChat

from .conftest import HealthyBeside
from .small_service import CHAT, Tens, Trouble, body_of, client_of, small_service

SAY = ("say", {"text": "hello"})
SHOUT = ("shout", {"text": "all is well"})
WAIT = ("trouble", {"text": "x", "how": "wait"})
ROOM = {"max_running": 3, "max_running_per_key": 2, "max_waiting": 4, "max_waiting_per_key": 2}


@pytest.fixture
def trouble() -> Trouble:
    return Trouble()


@pytest.fixture
async def service(tmp_path: Path, trouble: Trouble) -> AsyncIterator[Service]:
    chat = FakeChat(*["hello yourself"] * 10)
    async with small_service(tmp_path, tools=[trouble], chat=chat, **ROOM) as service:
        yield service


@pytest.fixture
async def http(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(service, timeout=60) as client:
        yield client


async def asked(http: httpx.AsyncClient, *steps: Any, **limits: Any) -> httpx.Response:
    return await http.post(CHAT, json=body_of(*steps, switchboard=limits))


async def test_a_request_stops_at_the_calls_and_tokens_that_it_may_use(
    http: httpx.AsyncClient,
) -> None:
    once = ("say", {"text": "again"})
    answer = (await asked(http, SAY, once, max_llm_calls=1)).json()["switchboard"]
    assert sorted(step["status"] for step in answer["steps"]) == ["failed", "ok"]
    failed = next(step for step in answer["steps"] if step["status"] == "failed")
    assert failed["error"]["code"] == "budget_exceeded"
    none = (await asked(http, SAY, SHOUT, max_llm_calls=0)).json()["switchboard"]
    assert [step["status"] for step in none["steps"]] == ["failed", "ok"]
    # The fake chat counts a token for each letter.
    few = (await asked(http, SAY, ("say", {"text": "s1"}), max_completion_tokens=3)).json()
    assert [step["status"] for step in few["switchboard"]["steps"]] == ["ok", "failed"]


async def test_a_plan_of_too_many_steps_is_refused_whole(
    http: httpx.AsyncClient, trouble: Trouble
) -> None:
    refused = await asked(http, WAIT, SHOUT, SHOUT, max_steps=2)
    assert refused.status_code == 422
    assert refused.json()["error"]["code"] == "budget_exceeded"
    assert trouble.calls == 0


async def test_a_planner_that_repeats_itself_pays_once(
    http: httpx.AsyncClient, service: Service
) -> None:
    tens = service.registry["tens"]
    assert isinstance(tens, Tens)
    outcome = (await asked(http, *[("tens", {"text": "1 2"})] * 5)).json()["switchboard"]
    assert [step["result"] for step in outcome["steps"]] == [{"text": "10 20"}] * 5
    await tens.asked.acquire()
    assert tens.asked.locked(), "the tool ran once"


async def test_one_key_takes_no_more_than_its_share(
    http: httpx.AsyncClient, service: Service, trouble: Trouble, healthy_beside: HealthyBeside
) -> None:
    greedy, modest = [
        {"authorization": f"Bearer {await service.keys.create(name)}"} for name in ("a", "b")
    ]

    ended: asyncio.Queue[httpx.Response] = asyncio.Queue()

    async def ask(headers: dict[str, str], *steps: Any) -> httpx.Response:
        answer = await http.post(CHAT, json=body_of(*steps), headers=headers)
        ended.put_nowait(answer)
        return answer

    async def healthy() -> Any:
        answer = await http.post(CHAT, json=body_of(SHOUT), headers=modest)
        return answer.raise_for_status().json()

    async with healthy_beside(healthy):
        many = [
            asyncio.create_task(ask(greedy, ("trouble", {"text": f"{n}", "how": "wait"})))
            for n in range(8)
        ]
        # Two run, two wait, and until they may go on nobody else ends.
        refused = [await ended.get() for _ in range(4)]
        await healthy()
        assert trouble.calls == 2
        trouble.go_on.set()
        answers = await asyncio.gather(*many)
    assert [answer.status_code for answer in refused] == [429] * 4
    assert [answer.status_code for answer in answers if answer not in refused] == [200] * 4


async def test_the_wait_for_a_turn_counts_against_the_time_of_a_request(
    http: httpx.AsyncClient, trouble: Trouble
) -> None:
    holding = [
        asyncio.create_task(asked(http, ("trouble", {"text": f"{n}", "how": "wait"})))
        for n in range(2)
    ]
    await trouble.running.wait()
    begun = time.monotonic()
    late = await asked(http, SHOUT, timeout_s=2)
    assert 2 <= time.monotonic() - begun <= 2.2
    assert late.status_code == 504
    assert late.json()["error"]["code"] == "deadline_exceeded"
    trouble.go_on.set()
    assert [answer.status_code for answer in await asyncio.gather(*holding)] == [200, 200]


async def test_the_page_says_in_a_sentence_that_there_is_too_much_to_do(
    tmp_path: Path, service: Service
) -> None:
    from orchestrator.page.chat import Chat

    state = SimpleNamespace(owner="local")
    request: Any = SimpleNamespace(request=SimpleNamespace(state=state), session_hash="tab")
    service.admission.stop()
    chat = Chat(service)
    updates = chat.respond({"text": "hello", "files": []}, [], "", request)
    shown = str([update[0] async for update in updates])
    assert "takes nothing new; try again in a moment" in shown
    assert "Traceback" not in shown
