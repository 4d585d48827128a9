"""Clients that leave while the service works for them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from orchestrator.service import Service

from .conftest import HealthyBeside
from .listening import connected, listening
from .small_service import CHAT, Tens, TensModel, Trouble, body_of, small_service

AskTens = Callable[[str], Awaitable[str]]
HANG = ("trouble", {"text": "x", "how": "hang"})


@pytest.fixture
def trouble() -> Trouble:
    return Trouble()


@pytest.fixture
def model() -> TensModel:
    return TensModel()


@pytest.fixture
async def service(tmp_path: Path, trouble: Trouble, model: TensModel) -> AsyncIterator[Service]:
    async with small_service(tmp_path, tools=[trouble], models={"tens": lambda: model}) as service:
        yield service


@pytest.fixture
async def port(service: Service) -> AsyncIterator[int]:
    async with listening(service) as port:
        yield port


@pytest.fixture
async def http(port: int) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        yield client


@pytest.fixture
async def ask_tens(http: httpx.AsyncClient) -> AskTens:
    async def ask(numbers: str) -> str:
        answer = await http.post(CHAT, json=body_of(("tens", {"text": numbers})))
        return str(answer.raise_for_status().json()["switchboard"]["answer"])

    return ask


@pytest.fixture
async def tens(service: Service, ask_tens: AskTens) -> Tens:
    """The tool, when its model is loaded."""
    tool = service.registry["tens"]
    assert isinstance(tool, Tens)
    assert await ask_tens("1") == "10"
    await tool.asked.acquire()
    return tool


def healthy(http: httpx.AsyncClient) -> Any:
    async def ask() -> Any:
        answer = await http.post(CHAT, json=body_of(("shout", {"text": "all is well"})))
        return answer.raise_for_status().json()

    return ask


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, body_of(HANG)),
        (CHAT, body_of(HANG, stream=True)),
        (CHAT, body_of(HANG, stream=True, switchboard={"progress": True})),
        ("/v1/tools/trouble/invoke", {"arguments": HANG[1]}),
    ],
    ids=["whole", "stream", "stream with progress", "tool"],
)
async def test_a_client_disconnects_and_its_work_is_cancelled_within_a_second(
    service: Service,
    port: int,
    http: httpx.AsyncClient,
    trouble: Trouble,
    healthy_beside: HealthyBeside,
    path: str,
    body: dict[str, Any],
) -> None:
    async with healthy_beside(healthy(http)):
        async with connected(port, body, path) as reader:
            if body.get("stream"):
                assert b"200 OK" in await reader.readline()
            async with asyncio.timeout(10):
                await trouble.running.wait()
        left = time.monotonic()
        async with asyncio.timeout(10):
            await trouble.cancelled.wait()
        assert time.monotonic() - left < 1.0
    assert await service.admission.idle(1.0)


async def test_a_client_that_waits_for_its_turn_disconnects_and_is_forgotten(
    tmp_path: Path, trouble: Trouble
) -> None:
    async with (
        small_service(tmp_path, tools=[trouble], max_running=1) as service,
        listening(service) as port,
    ):
        async with connected(port, body_of(HANG)):
            await trouble.running.wait()
            async with connected(port, body_of(HANG)):
                await _until(lambda: service.admission.waiting == 1)
            await _until(lambda: service.admission.waiting == 0)
        assert await service.admission.idle(10)
        assert trouble.calls == 1


async def test_a_client_disconnects_inside_a_batch_and_only_its_items_are_dropped(
    service: Service,
    port: int,
    http: httpx.AsyncClient,
    ask_tens: AskTens,
    tens: Tens,
    model: TensModel,
    healthy_beside: HealthyBeside,
) -> None:
    async with healthy_beside(healthy(http)):
        model.open.clear()
        first = asyncio.create_task(ask_tens("1 2"))
        await tens.asked.acquire()
        async with connected(port, body_of(("tens", {"text": "7 8 9"}))):
            await tens.asked.acquire()
            second = asyncio.create_task(ask_tens("3 4"))
            await tens.asked.acquire()
        async with asyncio.timeout(1.0):
            await _until(lambda: service.admission.running == 2)
        model.open.set()
        assert await asyncio.gather(first, second) == ["10 20", "30 40"]
    assert model.batches[1:] == [["1", "2"], ["3", "4"]]


async def test_a_client_disconnects_while_its_batch_runs_and_the_others_get_their_results(
    service: Service, port: int, ask_tens: AskTens, tens: Tens, model: TensModel
) -> None:
    running, go_on = threading.Event(), threading.Event()

    def slowly(batch: Sequence[str]) -> list[Any]:
        if "7" in batch:
            running.set()
            assert go_on.wait(30)
        return [int(number) * 10 for number in batch]

    model.predict_now = slowly
    model.open.clear()
    first = asyncio.create_task(ask_tens("1"))
    await tens.asked.acquire()
    async with connected(port, body_of(("tens", {"text": "7"}))):
        await tens.asked.acquire()
        second = asyncio.create_task(ask_tens("3"))
        await tens.asked.acquire()
        model.open.set()
        assert await asyncio.to_thread(running.wait, 10)
        assert await first == "10"
    async with asyncio.timeout(1.0):
        await _until(lambda: service.admission.running == 1)
    assert not second.done()
    go_on.set()
    assert await second == "30"
    assert model.batches[1:] == [["1"], ["7", "3"]]


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.005)
