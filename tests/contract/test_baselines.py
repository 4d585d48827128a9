"""The baselines over the service's real API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from evals.baselines import prompt, react
from evals.task import Sample
from model_servers.chat import LiteLLMChat
from model_servers.llama import LlamaServer
from tests.contract.api_fake import FakeService, client_of, fake_service
from tests.unit.small_tools import FakeChat
from tools.registry import load_registry

WISH = Sample(
    id="1",
    inputs={
        "request": 'Translate into German: "The parcel arrives on Friday."',
        "attachments": [],
    },
    gold=None,
)
ARGS = {"text": "input:text", "target_language": "de"}
CALL = {"tool": "translate_text", "args": ARGS}
STEP = {"id": "s1", **CALL, "after": []}


class OverHttp:
    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def api(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        answer = await self._http.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json()


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[FakeService]:
    # Reading a prompt with every tool takes its time where other things run, too.
    async with fake_service(tmp_path, llm_timeout_s=400.0) as made:
        made.registry = load_registry()
        yield made


@pytest.fixture
async def way(service: FakeService) -> AsyncIterator[Any]:
    async with client_of(service, timeout=450) as http:
        yield OverHttp(http)


@pytest.mark.parametrize(
    ("solve", "replies"),
    [
        (prompt.solve, [{"steps": [STEP]}]),
        (react.solve, [{"thought": "so", **CALL}, {"thought": "done", "answer": "Bitte."}]),
    ],
)
async def test_the_api_takes_what_a_baseline_asks(
    solve: Any, replies: list[Any], service: FakeService, way: Any
) -> None:
    service.chat = FakeChat(*map(json.dumps, replies))
    found = await solve(WISH, way)
    assert found.error is None
    assert found.value == {"steps": [STEP]}
    assert found.llm_calls == len(service.chat.asked)
    assert found.prompt_tokens == 10 * len(replies)
    assert all(service.chat.schemas)


@pytest.mark.llm
@pytest.mark.parametrize("solve", [prompt.solve, react.solve])
async def test_the_chat_model_calls_the_tool_that_is_asked_for(
    solve: Any, service: FakeService, way: Any, llama_server: LlamaServer
) -> None:
    service.chat = LiteLLMChat(llama_server)
    found = await solve(WISH, way)
    assert found.error is None
    assert {step["tool"] for step in found.value["steps"]} == {"translate_text"}
    assert found.value["steps"][0]["args"]["target_language"] == "de"
