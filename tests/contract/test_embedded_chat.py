"""The chat model's client on the embedded llama.cpp server."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from contextlib import aclosing
from pathlib import Path

import httpx
import pytest

from model_servers.chat import LiteLLMChat
from model_servers.chat_endpoint import FixedEndpoint
from model_servers.contracts import (
    ChatMessage,
    ContextTooLong,
    FunctionSpec,
    ModelError,
    ModelUnavailable,
    ToolCall,
)
from model_servers.llama import LlamaServer

pytestmark = pytest.mark.llm

STORY = [ChatMessage("user", "Write a very long story about a lighthouse.")]
WEATHER = FunctionSpec(
    "get_weather",
    "The current weather of a city",
    {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
)


@pytest.fixture
def chat(llama_server: LlamaServer) -> LiteLLMChat:
    return LiteLLMChat(llama_server)


def asks(text: str) -> list[ChatMessage]:
    return [ChatMessage("user", text)]


async def busy_slots(server: LlamaServer) -> int:
    root = (await server.url()).removesuffix("/v1")
    headers = {"Authorization": f"Bearer {server.api_key}"}
    async with httpx.AsyncClient(trust_env=False, headers=headers) as client:
        slots = (await client.get(f"{root}/slots", timeout=30)).json()
    return sum(slot["is_processing"] for slot in slots)


async def until_busy(server: LlamaServer, slots: int) -> None:
    """Asks seldom: each answer puts off by a second when the server looks for a lost caller."""
    async with asyncio.timeout(90):
        while await busy_slots(server) != slots:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1 if slots else 2.0)


async def test_a_stream_comes_in_pieces_and_counts_its_tokens(chat: LiteLLMChat) -> None:
    deltas = [delta async for delta in chat.stream(asks("Count from 1 to 9."), max_tokens=24)]
    assert len(deltas) > 5
    assert "2" in "".join(d.text for d in deltas)
    assert deltas[-1].finish_reason is not None
    usage = deltas[-1].usage
    assert usage is not None
    assert usage.prompt_tokens > 5
    assert 5 < usage.completion_tokens <= 24


async def test_a_reply_holds_to_its_schema(chat: LiteLLMChat) -> None:
    schema = {
        "type": "object",
        "properties": {
            "sentiment": {"type": "string", "enum": ["positive", "negative"]},
            "score": {"type": "integer", "minimum": 1, "maximum": 5},
        },
        "required": ["sentiment", "score"],
        "additionalProperties": False,
    }
    reply = await chat.complete(
        asks("Rate this review: The zip broke after two days."), max_tokens=60, schema=schema
    )
    assert reply.finish_reason == "stop"
    answer = json.loads(reply.text)
    assert answer["sentiment"] == "negative"
    assert 1 <= answer["score"] <= 5


async def test_a_cut_reply_says_so(chat: LiteLLMChat) -> None:
    reply = await chat.complete(STORY, max_tokens=4)
    assert reply.finish_reason == "length"
    assert reply.usage.completion_tokens == 4


async def test_a_function_is_called_when_it_is_needed(chat: LiteLLMChat) -> None:
    found = await chat.call(asks("What's the weather like in Rome?"), [WEATHER])
    assert found.calls == (ToolCall("get_weather", {"city": "Rome"}),)
    assert (await chat.call(asks("Thanks, that was all!"), [WEATHER])).calls == ()
    both = await chat.call(
        asks("How is the weather in Rome and in Oslo?"), [WEATHER], parallel=True
    )
    assert [call.arguments["city"] for call in both.calls] == ["Rome", "Oslo"]


async def test_closing_a_stream_stops_the_generation(
    chat: LiteLLMChat, llama_server: LlamaServer
) -> None:
    async with aclosing(chat.stream(STORY, max_tokens=2_000)) as pieces:
        await anext(pieces)
        await until_busy(llama_server, 1)
    await until_busy(llama_server, 0)


@pytest.mark.parametrize("when", ["while it reads", "while it writes"])
async def test_cancelling_a_call_stops_the_generation(
    chat: LiteLLMChat, llama_server: LlamaServer, when: str
) -> None:
    """Reading the long prompt to its end would take half a minute on two idle cores."""
    prompt = STORY if when == "while it writes" else asks(f"{uuid.uuid4()} " + "word " * 3_000)
    call = asyncio.ensure_future(chat.complete(prompt, max_tokens=900))
    await until_busy(llama_server, 1)
    call.cancel()
    await until_busy(llama_server, 0)


async def test_a_shared_prefix_is_not_read_again(chat: LiteLLMChat) -> None:
    """Also when other prompts came between, in number more than there are slots."""
    prompts = [
        ChatMessage("system", " ".join(f"Rule {n} of {uuid.uuid4()}: be kind." for n in range(6)))
        for _ in range(3)
    ]
    for rules in prompts:
        await chat.complete([rules, *asks("Hello")], max_tokens=1)
    for rules in prompts:
        again = (await chat.complete([rules, *asks("Good evening")], max_tokens=1)).usage
        assert again.cached_tokens > 0.9 * again.prompt_tokens


async def test_two_requests_run_at_once(chat: LiteLLMChat, llama_server: LlamaServer) -> None:
    calls = [asyncio.ensure_future(chat.complete(STORY, max_tokens=2_000)) for _ in range(2)]
    await until_busy(llama_server, 2)
    for call in calls:
        call.cancel()
    await until_busy(llama_server, 0)


async def test_a_prompt_beyond_the_window_says_so(chat: LiteLLMChat) -> None:
    with pytest.raises(ContextTooLong):
        await chat.complete(asks("word " * 5_000), max_tokens=5)


async def test_strangers_are_turned_away(llama_server: LlamaServer) -> None:
    stranger = FixedEndpoint(await llama_server.url(), model="switchboard")
    with pytest.raises(ModelError, match="key"):
        await LiteLLMChat(stranger).complete(asks("Hi"), max_tokens=2)


async def test_a_call_goes_through_after_the_server_was_killed(
    chat: LiteLLMChat, llama_server: LlamaServer
) -> None:
    await chat.complete(asks("Hi"), max_tokens=2)
    pid = llama_server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert (await chat.complete(asks("Say hello."), max_tokens=4)).text
    assert llama_server.pid not in {None, pid}


async def test_a_stream_whose_server_is_killed_is_unavailable(
    chat: LiteLLMChat, llama_server: LlamaServer
) -> None:
    async with aclosing(chat.stream(STORY, max_tokens=2_000)) as pieces:
        await anext(pieces)
        assert llama_server.pid is not None
        os.kill(llama_server.pid, signal.SIGKILL)
        with pytest.raises(ModelUnavailable):
            [delta async for delta in pieces]
    assert (await chat.complete(asks("Say hello."), max_tokens=4)).text


OWNER = """
import asyncio, sys
from pathlib import Path
from model_servers.llama import LlamaServer
async def main():
    server = LlamaServer(Path(sys.argv[1]), context_tokens=1024, parallel=1)
    await server.url()
    print(server.pid, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


def test_the_server_is_gone_when_its_owner_is_killed(llama_server: LlamaServer) -> None:
    gguf = llama_server.launch().first_line
    argv = [sys.executable, "-c", OWNER, json.loads(gguf)["gguf"]]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        status = Path(f"/proc/{pid}/status")
        assert "State:\tZ" not in status.read_text()
        owner.kill()

    deadline = time.monotonic() + 30
    while status.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not status.exists()
