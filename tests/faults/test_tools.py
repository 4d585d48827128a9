"""Tools that break, hang or block, and models that fail inside them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from orchestrator.service import Service

from .conftest import HealthyBeside
from .small_service import (
    CHAT,
    Tens,
    TensModel,
    body_of,
    client_of,
    small_service,
)

Ask = Callable[..., Awaitable[dict[str, Any]]]
HEALTHY = ("shout", {"text": "all is well"})


@pytest.fixture
def model() -> TensModel:
    return TensModel()


@pytest.fixture
async def service(tmp_path: Path, model: TensModel) -> AsyncIterator[Service]:
    async with small_service(tmp_path, models={"tens": lambda: model}) as service:
        yield service


@pytest.fixture
async def http(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(service, timeout=60) as client:
        yield client


@pytest.fixture
async def tens(service: Service, ask: Ask) -> Tens:
    """The tool, when its model is loaded."""
    tool = service.registry["tens"]
    assert isinstance(tool, Tens)
    await ask(("tens", {"text": "1"}))
    await tool.asked.acquire()
    return tool


@pytest.fixture
def ask(http: httpx.AsyncClient) -> Ask:
    async def ask(*steps: tuple[str, dict[str, Any]], **limits: Any) -> dict[str, Any]:
        answer = await http.post(CHAT, json=body_of(*steps, switchboard=limits))
        assert answer.status_code == 200, answer.text
        outcome: dict[str, Any] = answer.json()["switchboard"]
        return outcome

    return ask


def statuses(outcome: dict[str, Any]) -> list[str]:
    return [step["status"] for step in outcome["steps"]]


def codes(outcome: dict[str, Any]) -> list[str | None]:
    return [step["error"] and step["error"]["code"] for step in outcome["steps"]]


@pytest.mark.parametrize(("how", "code"), [("break", "tool_fault"), ("refuse", "invalid_input")])
async def test_a_tool_raises_its_dependents_are_skipped_its_siblings_finish(
    ask: Ask, healthy_beside: HealthyBeside, how: str, code: str
) -> None:
    async with healthy_beside(lambda: ask(HEALTHY)):
        outcome = await ask(
            ("trouble", {"text": "x", "how": how}),
            ("shout", {"text": "s1"}),
            ("shout", {"text": "s2"}),
            ("shout", {"text": "a sibling"}),
        )
    assert statuses(outcome) == ["failed", "skipped", "skipped", "ok"]
    assert codes(outcome) == [code, "dependency_failed", "dependency_failed", None]
    assert outcome["steps"][3]["result"] == {"text": "A SIBLING"}
    # The partial answer says what is missing, and no more of it than a caller may know.
    assert outcome["answer"].count("This did not work:") == 3
    assert "secret" not in str(outcome)


async def test_a_tool_by_itself_that_breaks_is_a_typed_error(
    http: httpx.AsyncClient, ask: Ask, healthy_beside: HealthyBeside
) -> None:
    async with healthy_beside(lambda: ask(HEALTHY)):
        broken = await http.post(
            "/v1/tools/trouble/invoke", json={"arguments": {"text": "x", "how": "break"}}
        )
    assert broken.status_code == 500
    assert broken.json()["error"]["code"] == "tool_fault"
    assert "secret" not in broken.text


async def test_a_tool_hangs_the_rest_is_answered_by_the_deadline(
    ask: Ask, healthy_beside: HealthyBeside
) -> None:
    timeout_s = 3.0
    async with healthy_beside(lambda: ask(HEALTHY)):
        begun = time.monotonic()
        outcome = await ask(
            ("trouble", {"text": "x", "how": "hang"}),
            ("shout", {"text": "s1"}),
            ("shout", {"text": "a sibling"}),
            timeout_s=timeout_s,
        )
        took_s = time.monotonic() - begun
    assert codes(outcome) == ["deadline_exceeded", "dependency_failed", None]
    assert outcome["steps"][2]["result"] == {"text": "A SIBLING"}
    assert took_s <= timeout_s * 1.1


@asynccontextmanager
async def lag_measured() -> AsyncIterator[Callable[[], float]]:
    """Gives what the longest time was, in seconds, that the event loop was late for a sampler.

    The time in which its thread could have run, had the machine had a core for it, is no lag.
    """
    worst_s, over = 0.0, threading.Event()

    async def sample() -> None:
        nonlocal worst_s
        while not over.is_set():
            due, queued_s = time.monotonic() + 0.005, _queued_for_a_core_s()
            await asyncio.sleep(0.005)
            late_s = time.monotonic() - due
            worst_s = max(worst_s, late_s - (_queued_for_a_core_s() - queued_s))

    sampling = asyncio.create_task(sample())
    try:
        yield lambda: worst_s
    finally:
        over.set()
        await sampling


def _queued_for_a_core_s() -> float:
    """How long this thread has waited for a core in its life, as Linux counts it."""
    return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9


@pytest.mark.parametrize("tool", ["trouble", "tens"])
async def test_a_tool_or_a_model_blocks_a_thread_and_the_event_loop_goes_on(
    ask: Ask, tens: Tens, model: TensModel, healthy_beside: HealthyBeside, tool: str
) -> None:
    blocks: dict[str, Any] = {"text": "1"} if tool == "tens" else {"text": "1", "how": "block"}
    model.predict_now = lambda batch: time.sleep(0.5) or [0 for _ in batch]
    lags_s = []
    async with healthy_beside(lambda: ask(HEALTHY)):
        # A busy machine delays the loop now and then, a loop that is blocked is late every time.
        for _ in range(5):
            async with lag_measured() as lag_s:
                outcome = await ask((tool, blocks), ("shout", {"text": "a sibling"}))
            assert statuses(outcome) == ["ok", "ok"]
            assert outcome["steps"][0]["seconds"] >= 0.5
            lags_s.append(lag_s())
            if lags_s[-1] < 0.05:
                break
    assert min(lags_s) < 0.05, lags_s


async def test_one_poison_item_in_a_batch_fails_alone(
    ask: Ask, tens: Tens, model: TensModel, healthy_beside: HealthyBeside
) -> None:
    async with healthy_beside(lambda: ask(HEALTHY)):
        model.open.clear()
        asked = [asyncio.create_task(ask(("tens", {"text": "0"})))]
        await tens.asked.acquire()
        # While that batch runs the others wait, and form the next one together.
        for text in ("1", "poison", "3"):
            asked.append(asyncio.create_task(ask(("tens", {"text": text}))))
            await tens.asked.acquire()
        model.open.set()
        outcomes = await asyncio.gather(*asked)
    assert ["1", "poison", "3"] in model.batches
    assert [codes(outcome) for outcome in outcomes] == [[None], [None], ["item_error"], [None]]
    results = [outcome["steps"][0]["result"] for outcome in outcomes]
    assert results == [{"text": "0"}, {"text": "10"}, None, {"text": "30"}]


@pytest.mark.parametrize("extra", [-1, 1])
async def test_a_model_gives_the_wrong_number_of_results_and_none_is_assigned(
    ask: Ask, tens: Tens, model: TensModel, healthy_beside: HealthyBeside, extra: int
) -> None:
    model.predict_now = lambda batch: ["wrong"] * (len(batch) + extra)
    async with healthy_beside(lambda: ask(HEALTHY)):
        asked = [asyncio.create_task(ask(("tens", {"text": f"{n} {n}"}))) for n in range(3)]
        outcomes = await asyncio.gather(*asked)
    assert [codes(outcome) for outcome in outcomes] == [["model_error"]] * 3
    assert all(outcome["steps"][0]["result"] is None for outcome in outcomes)
    assert "wrong" not in str(outcomes)
    model.predict_now = list
    assert statuses(await ask(("tens", {"text": "5"}))) == ["ok"]
