"""The embedded chat model's process is killed with -9, under a service on real HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from model_servers.llama import LlamaServer
from tests.faults.conftest import HealthyBeside
from tests.faults.listening import listening
from tests.faults.small_service import CHAT, body_of, small_service

pytestmark = pytest.mark.llm

STORY = {
    "model": "switchboard",
    "messages": [{"role": "user", "content": "Write a very long story about a lighthouse."}],
    "max_tokens": 900,
    "tools": [{"type": "function", "function": {"name": "look_up"}}],
    "tool_choice": "none",
    "stream": True,
}
SAY = body_of(("say", {"text": "input:text"}))


@pytest.fixture
async def llama(tmp_path: Path) -> AsyncIterator[tuple[LlamaServer, httpx.AsyncClient]]:
    """The chat model's server, running, and a client of the service that started it."""
    async with small_service(tmp_path, llm_base_url=None, llm_context_tokens=2048) as service:
        endpoint = service.chat.endpoint  # type: ignore[attr-defined]
        assert isinstance(endpoint, LlamaServer)
        async with (
            listening(service) as port,
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=170
            ) as client,
        ):
            (await client.post(CHAT, json=SAY)).raise_for_status()
            yield endpoint, client


def kill(server: LlamaServer) -> int:
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    return pid


async def said(client: httpx.AsyncClient) -> str:
    answer = (await client.post(CHAT, json=SAY)).raise_for_status().json()
    (step,) = answer["switchboard"]["steps"]
    assert step["status"] == "ok"
    return str(answer["choices"][0]["message"]["content"])


async def test_llm_killed_with_9_in_mid_answer(
    llama: tuple[LlamaServer, httpx.AsyncClient], healthy_beside: HealthyBeside
) -> None:
    server, client = llama

    async def healthy() -> Any:
        body = body_of(("shout", {"text": "input:text"}))
        return (await client.post(CHAT, json=body)).raise_for_status().json()

    killed, told = 0, []
    async with healthy_beside(healthy):
        async with (
            client.stream("POST", CHAT, json=STORY) as answer,
            contextlib.aclosing(answer.aiter_lines()) as lines,
        ):
            async for line in lines:
                told += [line.removeprefix("data: ")] if line else []
                if not killed and '"content":"' in line and '"content":""' not in line:
                    killed = kill(server)
        assert killed
        assert json.loads(told[-1])["error"]["code"] == "model_unavailable"
        assert "[DONE]" not in told
        assert await said(client), "the next request is served"
    assert server.pid not in {None, killed}


async def test_llm_killed_with_9_between_calls(
    llama: tuple[LlamaServer, httpx.AsyncClient],
) -> None:
    server, client = llama
    killed = kill(server)
    assert await said(client)
    assert server.pid not in {None, killed}
