"""The whole agent with a real vLLM as its chat model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from model_servers.vllm import VllmServer
from orchestrator.service import Service, open_service
from orchestrator.settings import Settings
from orchestrator.turn import Event, Finished, TextDelta, Turn
from tests.contract.vllm_fixture import MODEL

pytestmark = pytest.mark.vllm


@pytest.fixture
def settings(vllm_server: VllmServer, vllm_url: str, tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path, llm_base_url=vllm_url, llm_model=MODEL, llm_api_key=vllm_server.api_key
    )


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Service]:
    service = await open_service(settings)
    try:
        yield service
    finally:
        await service.close()


async def events(service: Service, text: str) -> list[Event]:
    return [event async for event in service.run(Turn(text=text))]


async def test_the_agent_plans_through_vllm(settings: Settings) -> None:
    """The router is never sure enough here, so the plan is the LLM's."""
    never_sure = settings.model_copy(update={"route_threshold": 1.0})
    async with opened(never_sure) as service:
        told = await events(service, "Translate this into Portuguese: The mill was sold.")
        last = told[-1]
        assert isinstance(last, Finished)
        assert last.outcome.route.path == "planner"
        assert last.outcome.usage.llm_calls >= 1
        assert last.outcome.plan.steps
        assert all(step.tool in service.registry for step in last.outcome.plan.steps)


async def test_the_agent_streams_through_vllm(settings: Settings) -> None:
    async with opened(settings) as service:
        told = await events(service, "tell me a joke")
    pieces = [event.text for event in told if isinstance(event, TextDelta)]
    last = told[-1]
    assert isinstance(last, Finished)
    assert len(pieces) > 3
    assert "".join(pieces) == last.outcome.answer
