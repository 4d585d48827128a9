"""The chat model's endpoint fails: through the whole HTTP API and the real client."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from model_servers.breaker import FAILURES, OPEN_S, Breaker
from model_servers.chat import LiteLLMChat
from model_servers.retries import FIRST_PAUSE_S, TRIES
from orchestrator.page.turns import stored
from orchestrator.service import Service
from tests import fake_openai
from tests.fake_openai import FakeOpenAI, error, reply, stream, torn
from tests.faults.conftest import HealthyBeside
from tests.faults.small_service import CHAT, body_of, client_of, small_service
from tests.unit.test_chat import Pauses, dead_url

DEADLINE_S = 4.0
NO_TOOL = reply('{"steps": []}')
SAY = body_of(("say", {"text": "input:text"}))
HELLO = {"model": "switchboard", "messages": [{"role": "user", "content": "Hello there"}]}


@pytest.fixture
async def fake() -> AsyncIterator[FakeOpenAI]:
    async with fake_openai.fake_openai() as server:
        yield server


@pytest.fixture
async def service(fake: FakeOpenAI, tmp_path: Any) -> AsyncIterator[Service]:
    """On the fake endpoint, its client warm: importing it takes seconds."""
    async with small_service(
        tmp_path, llm_base_url=fake.url, llm_model="m", request_timeout_s=60
    ) as opened:
        fake.answers = [reply("Hi.")]
        async with client_of(opened) as client:
            assert (await client.post(CHAT, json=SAY)).status_code == 200
        fake.requests.clear()
        yield opened


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(service, timeout=60) as opened:
        yield opened


@pytest.fixture
def healthy(client: httpx.AsyncClient) -> Callable[[], Awaitable[Any]]:
    """A request that needs no chat model."""

    async def ask() -> Any:
        body = body_of(("shout", {"text": "input:text"}))
        return (await client.post(CHAT, json=body)).raise_for_status().json()

    return ask


def chat_of(service: Service) -> LiteLLMChat:
    assert isinstance(service.chat, LiteLLMChat)
    return service.chat


def move(service: Service, url: str) -> None:
    """From now on the endpoint is at another address."""
    chat_of(service).endpoint._url = url  # type: ignore[attr-defined]


def failed(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The error of a response, which has OpenAI's shape."""
    assert response.status_code == status, response.text
    told: dict[str, Any] = response.json()["error"]
    assert set(told) == {"message", "type", "param", "code"}
    assert told["code"] == code
    assert "127.0.0.1" not in told["message"]
    return told


def events(response: httpx.Response) -> list[Any]:
    """What was in the stream; "[DONE]" as it stands."""
    assert response.status_code == 200
    sent = [line.removeprefix("data: ") for line in response.text.splitlines() if line]
    return [data if data == "[DONE]" else json.loads(data) for data in sent]


async def test_llm_refuses_the_connection(
    service: Service,
    client: httpx.AsyncClient,
    healthy: Callable[[], Awaitable[Any]],
    healthy_beside: HealthyBeside,
) -> None:
    pauses = chat_of(service).sleep = Pauses()
    move(service, dead_url())
    async with healthy_beside(healthy):
        refused = await client.post(CHAT, json=HELLO)
    failed(refused, 503, "model_unavailable")
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.headers["x-should-retry"] == "true"
    assert len(pauses) == TRIES - 1


async def test_llm_refuses_the_connection_of_a_step(
    service: Service, client: httpx.AsyncClient
) -> None:
    """The other steps answer; the failed one is labelled, and no tried-out call tried again."""
    pauses = chat_of(service).sleep = Pauses()
    move(service, dead_url())
    both = body_of(("say", {"text": "input:text"}), ("shout", {"text": "input:text"}))
    outcome = (await client.post(CHAT, json=both)).json()["switchboard"]
    assert [step["status"] for step in outcome["steps"]] == ["failed", "ok"]
    assert outcome["steps"][0]["error"]["code"] == "model_unavailable"
    assert "did not work" in outcome["answer"]
    assert "SOME TEXT" in outcome["answer"]
    assert len(pauses) == TRIES - 1


@pytest.mark.parametrize("begins", [False, True], ids=["before a piece", "in mid-answer"])
async def test_llm_hangs(
    begins: bool,
    service: Service,
    client: httpx.AsyncClient,
    fake: FakeOpenAI,
    healthy: Callable[[], Awaitable[Any]],
    healthy_beside: HealthyBeside,
) -> None:
    fake.answers = [NO_TOOL, stream("One ", then="wait") if begins else fake_openai.silence]
    limited = {**HELLO, "switchboard": {"timeout_s": DEADLINE_S}}
    async with healthy_beside(healthy):
        begun = time.monotonic()
        late = await client.post(CHAT, json=limited)
        took_s = time.monotonic() - begun
    failed(late, 504, "deadline_exceeded")
    assert DEADLINE_S * 0.9 <= took_s <= DEADLINE_S * 1.1
    async with asyncio.timeout(10):
        await fake.hung_up.wait()


async def test_llm_is_busy_and_then_well(
    service: Service,
    client: httpx.AsyncClient,
    fake: FakeOpenAI,
    healthy: Callable[[], Awaitable[Any]],
    healthy_beside: HealthyBeside,
) -> None:
    pauses = chat_of(service).sleep = Pauses()
    fake.answers = [error(429, "slow down"), error(429, retry_after="3"), reply("Hi.")]
    async with healthy_beside(healthy):
        answer = (await client.post(CHAT, json=SAY)).raise_for_status().json()
    assert answer["choices"][0]["message"]["content"] == "Hi."
    assert len(fake.requests) == TRIES
    assert 0 <= pauses[0] <= FIRST_PAUSE_S
    assert pauses[1] == 3.0


async def test_llm_stays_busy(
    service: Service, client: httpx.AsyncClient, fake: FakeOpenAI
) -> None:
    chat_of(service).sleep = Pauses()
    fake.answers = [error(429, retry_after="7")] * TRIES
    busy = await client.post(CHAT, json=HELLO)
    failed(busy, 429, "rate_limit_exceeded")
    assert busy.headers["retry-after"] == "7"
    assert len(fake.requests) == TRIES


async def test_llm_fails_for_ever_and_recovers(
    service: Service,
    client: httpx.AsyncClient,
    fake: FakeOpenAI,
    healthy: Callable[[], Awaitable[Any]],
    healthy_beside: HealthyBeside,
) -> None:
    now = 0.0
    chat_of(service).breaker = Breaker(clock=lambda: now)
    fake.answers = [error(500, "boom at 127.0.0.1")] * FAILURES
    async with healthy_beside(healthy):
        for _ in range(FAILURES):
            failed(await client.post(CHAT, json=HELLO), 502, "model_error")
        for _ in range(3):
            opened = await client.post(CHAT, json=HELLO)
            failed(opened, 503, "model_unavailable")
            assert opened.headers["retry-after"] == str(int(OPEN_S))
        assert len(fake.requests) == FAILURES, "it is left alone"

        now += OPEN_S
        fake.answers = [error(500)]
        failed(await client.post(CHAT, json=HELLO), 502, "model_error")
        failed(await client.post(CHAT, json=HELLO), 503, "model_unavailable")
        assert len(fake.requests) == FAILURES + 1, "one call was let through"

        now += OPEN_S
        fake.answers = [NO_TOOL, reply("Hi."), NO_TOOL, reply("Hi again.")]
        for said in ("Hi.", "Hi again."):
            answer = (await client.post(CHAT, json=HELLO)).raise_for_status().json()
            assert answer["choices"][0]["message"]["content"] == said


CUTS = {
    "connection lost": stream("The answer is forty", then=None),
    "within a piece": torn("The answer is forty"),
    "ended without a reason": stream("The answer is forty", then="end"),
}


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
async def test_llm_stream_is_cut_mid_token(
    cut: fake_openai.Answer,
    client: httpx.AsyncClient,
    fake: FakeOpenAI,
    healthy: Callable[[], Awaitable[Any]],
    healthy_beside: HealthyBeside,
) -> None:
    fake.answers = [NO_TOOL, cut]
    async with healthy_beside(healthy):
        told = events(await client.post(CHAT, json={**HELLO, "stream": True}))
    assert told[-1]["error"]["code"] == "model_unavailable"
    chunks = [chunk["choices"][0] for chunk in told[:-1]]
    text = "".join(chunk["delta"].get("content") or "" for chunk in chunks)
    assert text == "The answer is forty"
    assert all(chunk["finish_reason"] is None for chunk in chunks)
    assert len(fake.requests) == 2, "what was handed out is not asked again"


async def test_llm_stream_is_cut_and_the_part_is_kept_with_its_label(
    service: Service, client: httpx.AsyncClient, fake: FakeOpenAI
) -> None:
    fake.answers = [NO_TOOL, CUTS["within a piece"]]
    kept = {**HELLO, "switchboard": {"store": True}}
    failed(await client.post(CHAT, json=kept), 503, "model_unavailable")
    (summary,) = await service.conversations.list("local")
    asked, answer = await service.conversations.messages(summary.id, "local")
    assert asked.content == "Hello there"
    assert answer.content == "The answer is forty"
    assert answer.outcome is not None
    assert answer.outcome["error"]["code"] == "model_unavailable"
    *_, part, label = stored([asked, answer], lambda _: None)
    assert "forty" in part["content"]
    assert "broke off" in label["content"]

    fake.answers = [NO_TOOL, reply("Forty-two.")]
    follow_up = {"role": "user", "content": "And now?"}
    again = await client.post(
        CHAT,
        json={**HELLO, "messages": [follow_up], "switchboard": {"conversation": summary.id}},
    )
    assert again.raise_for_status().json()["choices"][0]["message"]["content"] == "Forty-two."


async def test_llm_stream_of_its_own_is_cut(client: httpx.AsyncClient, fake: FakeOpenAI) -> None:
    """Where the chat model answers a client that brought functions of its own."""
    function = {"name": "look_up", "parameters": {"type": "object", "properties": {}}}
    direct = {
        **HELLO,
        "tools": [{"type": "function", "function": function}],
        "tool_choice": "none",
        "stream": True,
    }
    fake.answers = [CUTS["connection lost"]]
    told = events(await client.post(CHAT, json=direct))
    assert told[-1]["error"]["code"] == "model_unavailable"
    assert all(chunk["choices"][0]["finish_reason"] is None for chunk in told[:-1])


async def test_llm_address_and_key_are_not_the_clients_to_choose(
    client: httpx.AsyncClient, fake: FakeOpenAI
) -> None:
    for field in ("api_base", "api_key", "base_url", "extra_body", "custom_llm_provider"):
        failed(await client.post(CHAT, json={**HELLO, field: "x"}), 400, "invalid_request")
    assert fake.requests == []
