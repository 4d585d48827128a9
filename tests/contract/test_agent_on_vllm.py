"""The whole agent with a real vLLM as its chat model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from model_servers.vllm import VllmServer
from orchestrator.service import Service, open_service
from orchestrator.settings import Settings
from orchestrator.turn import Event, Finished, TextDelta, Turn
from tests.contract.vllm_fixture import MODEL

pytestmark = pytest.mark.vllm


@pytest.fixture
async def service(vllm_server: VllmServer, vllm_url: str, tmp_path: Path) -> AsyncIterator[Service]:
    settings = Settings(
        home=tmp_path, llm_base_url=vllm_url, llm_model=MODEL, llm_api_key=vllm_server.api_key
    )
    opened = await open_service(settings)
    yield opened
    await opened.close()


async def events(service: Service, text: str) -> list[Event]:
    return [event async for event in service.run(Turn(text=text))]


async def test_the_agent_plans_through_vllm(service: Service) -> None:
    """No clause of this is clear to the router, so the plan is the LLM's."""
    told = await events(
        service, "Polish, then Greek, and the firms therein if you would: Siemens bought a mill."
    )
    last = told[-1]
    assert isinstance(last, Finished)
    assert last.outcome.route.path == "planner"
    assert last.outcome.usage.llm_calls >= 1
    assert last.outcome.plan.steps
    assert all(step.tool in service.registry for step in last.outcome.plan.steps)


async def test_the_agent_streams_through_vllm(service: Service) -> None:
    told = await events(service, "tell me a joke")
    pieces = [event.text for event in told if isinstance(event, TextDelta)]
    last = told[-1]
    assert isinstance(last, Finished)
    assert len(pieces) > 3
    assert "".join(pieces) == last.outcome.answer
