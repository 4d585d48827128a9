"""The chat model's client on a real vLLM."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from contextlib import aclosing

import httpx
import pytest

from model_servers.chat import LiteLLMChat
from model_servers.chat_endpoint import FixedEndpoint
from model_servers.contracts import ChatMessage, ContextTooLong, FunctionSpec, ModelError
from model_servers.vllm import VllmServer
from tests.contract.vllm_fixture import MODEL

pytestmark = pytest.mark.vllm

WEATHER = FunctionSpec(
    "get_weather",
    "The current weather of a city",
    {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        },
        "required": ["city", "unit"],
        "additionalProperties": False,
    },
)
TIMER = FunctionSpec(
    "set_timer",
    "Start a timer that rings after some minutes",
    {
        "type": "object",
        "properties": {"minutes": {"type": "integer"}},
        "required": ["minutes"],
        "additionalProperties": False,
    },
)
# The model tells it in circles, so that only max_tokens ends it: in minutes, if nothing stops it.
STORY = [ChatMessage("user", "Write a very long story about a lighthouse.")]
STORY_TOKENS = 8_000
FINISHED = "vllm:request_success_total"
RUNNING = "vllm:num_requests_running"
# On a busy machine vLLM's engine goes on while its HTTP server waits for half a minute to be run.
PATIENCE_S = 600.0


@pytest.fixture
def chat(vllm_server: VllmServer) -> LiteLLMChat:
    return LiteLLMChat(vllm_server)


def asks(text: str) -> list[ChatMessage]:
    return [ChatMessage("user", text)]


async def metric(server: VllmServer, name: str) -> float:
    """Sum of a metric that vLLM exports; `name` may hold labels."""
    root = (await server.url()).removesuffix("/v1")
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_S) as client:
        text = (await client.get(f"{root}/metrics")).text
    found = re.findall(rf"^{name}\S* (\S+)$", text, re.MULTILINE)
    assert found, f"vLLM exports no {name}"
    return sum(map(float, found))


async def until_metric(server: VllmServer, name: str, holds: Callable[[float], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds(await metric(server, name)):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("city", ["Rome", "Lisbon", "Oslo"])
async def test_a_strict_call_holds_to_its_schema(chat: LiteLLMChat, city: str) -> None:
    found = await chat.call(asks(f"How warm is {city} in celsius?"), [WEATHER], choice="required")
    (call,) = found.calls
    assert call.name == "get_weather"
    assert set(call.arguments) == {"city", "unit"}
    assert city.casefold() in call.arguments["city"].casefold()
    assert call.arguments["unit"] in {"celsius", "fahrenheit"}
    assert found.usage.completion_tokens > 0


async def test_the_right_function_is_chosen(chat: LiteLLMChat) -> None:
    asked = asks("Set a timer for 12 minutes")
    (call,) = (await chat.call(asked, [WEATHER, TIMER], choice="required")).calls
    assert (call.name, call.arguments) == ("set_timer", {"minutes": 12})


async def test_a_call_cut_by_max_tokens_is_an_error(chat: LiteLLMChat) -> None:
    with pytest.raises(ModelError, match="get_weather"):
        await chat.call(asks("Weather in Rome?"), [WEATHER], choice="required", max_tokens=3)


async def test_a_stream_comes_in_pieces_and_counts_its_tokens(chat: LiteLLMChat) -> None:
    deltas = [delta async for delta in chat.stream(asks("Count from 1 to 9."), max_tokens=32)]
    assert len(deltas) > 5
    assert any(digit in "".join(d.text for d in deltas) for digit in "123")
    last = deltas[-1]
    assert last.finish_reason in {"stop", "length"}
    assert last.usage is not None
    assert last.usage.prompt_tokens > 5
    assert 5 < last.usage.completion_tokens <= 32


async def test_a_reply_holds_to_its_schema(chat: LiteLLMChat) -> None:
    step = {
        "type": "object",
        "properties": {
            "tool": {"type": "string", "enum": ["translate_text", "extract_entities"]},
            "args": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "required": ["tool", "args"],
        "additionalProperties": False,
    }
    schema = {
        "type": "object",
        "properties": {"steps": {"type": "array", "items": step, "minItems": 1, "maxItems": 2}},
        "required": ["steps"],
        "additionalProperties": False,
    }
    reply = await chat.complete(
        asks('Plan these steps as JSON: translate "good morning" into French.'),
        max_tokens=200,
        schema=schema,
    )
    assert reply.finish_reason == "stop"
    steps = json.loads(reply.text)["steps"]
    assert 1 <= len(steps) <= 2
    assert all(s["tool"] in {"translate_text", "extract_entities"} for s in steps)


async def test_a_shared_prefix_is_not_read_again(chat: LiteLLMChat) -> None:
    rules = ChatMessage("system", " ".join(f"Rule {n}: be kind." for n in range(100)))
    first = await chat.complete([rules, *asks("Hello")], max_tokens=2)
    second = await chat.complete([rules, *asks("Good evening")], max_tokens=2)
    assert second.usage.cached_tokens > 0.7 * second.usage.prompt_tokens
    assert first.usage.cached_tokens < second.usage.cached_tokens


async def test_closing_a_stream_stops_the_generation(
    chat: LiteLLMChat, vllm_server: VllmServer
) -> None:
    before = await metric(vllm_server, FINISHED)
    told = chat.stream(STORY, max_tokens=STORY_TOKENS, timeout_s=PATIENCE_S)
    async with aclosing(told) as pieces:
        await anext(pieces)
        await until_metric(vllm_server, RUNNING, lambda n: n == 1)
    await until_metric(vllm_server, RUNNING, lambda n: n == 0)
    assert await metric(vllm_server, FINISHED) == before, "it stopped, and did not get to the end"


async def test_cancelling_a_call_stops_the_generation(
    chat: LiteLLMChat, vllm_server: VllmServer
) -> None:
    before = await metric(vllm_server, FINISHED)
    call = asyncio.ensure_future(
        chat.complete(STORY, max_tokens=STORY_TOKENS, timeout_s=PATIENCE_S)
    )
    await until_metric(vllm_server, RUNNING, lambda n: n == 1)
    call.cancel()
    await until_metric(vllm_server, RUNNING, lambda n: n == 0)
    assert call.cancelled()
    assert await metric(vllm_server, FINISHED) == before, "it stopped, and did not get to the end"


async def test_a_prompt_beyond_the_window_says_so(chat: LiteLLMChat) -> None:
    with pytest.raises(ContextTooLong):
        await chat.complete(asks("word " * 9_000), max_tokens=5)


async def test_a_running_vllm_is_attached_to_by_its_url(
    vllm_url: str, vllm_server: VllmServer
) -> None:
    endpoint = FixedEndpoint(vllm_url, api_key=vllm_server.api_key)
    reply = await LiteLLMChat(endpoint).complete(asks("Say hello."), max_tokens=8)
    assert reply.text
    assert await endpoint.model_name() == MODEL


async def test_strangers_are_turned_away(vllm_url: str) -> None:
    with pytest.raises(ModelError, match="key"):
        await LiteLLMChat(FixedEndpoint(vllm_url, model=MODEL)).complete(asks("Hi"), max_tokens=2)
