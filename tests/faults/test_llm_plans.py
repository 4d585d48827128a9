"""The chat model plans nonsense: one repair, then a typed error; nothing is run or made up."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from orchestrator.planner import MAX_STEPS
from tests import fake_openai
from tests.fake_openai import FakeOpenAI, reply
from tests.faults.conftest import HealthyBeside
from tests.faults.small_service import CHAT, body_of, client_of, small_service
from tests.unit.small_tools import TextArgs, TextData
from tools.contracts import RunContext, Tool, ToolResult

WISH = "Do something with this: a long text"


class Counted(Tool):
    name = "counted"
    description = "Counts its calls."
    examples = ("Count",)
    outputs: ClassVar = {"text": "text"}
    Args = TextArgs
    Result = TextData

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self, args: Any, ctx: RunContext) -> ToolResult:
        self.calls += 1
        return ToolResult(TextData(text=f"call {self.calls}"))


@pytest.fixture
async def fake() -> AsyncIterator[FakeOpenAI]:
    async with fake_openai.fake_openai() as server:
        yield server


@pytest.fixture
def tool() -> Counted:
    return Counted()


@pytest.fixture
async def client(
    fake: FakeOpenAI, tool: Counted, tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        small_service(tmp_path, tools=[tool], llm_base_url=fake.url, llm_model="m") as service,
        client_of(service, timeout=60) as opened,
    ):
        yield opened


def steps(*listed: tuple[str, str, str]) -> str:
    """A plan as the model writes it: id, tool and where the text comes from."""
    return json.dumps(
        {"steps": [{"id": i, "tool": tool, "args": {"text": ref}} for i, tool, ref in listed]}
    )


GOOD = steps(("s1", "counted", "input:text"))
FAULTS = {
    "truncated JSON": [
        reply(GOOD[:-9]),
        reply(GOOD[:-9], "length"),
        reply("Sure! I would first count it."),
        reply('["counted"]'),
        reply("[" * 4_000),
    ],
    "unknown tool": [reply(steps(("s1", "send_money", "input:text")))],
    "cycle": [
        reply(steps(("s1", "counted", "s2"), ("s2", "counted", "s1"))),
        reply(steps(("s1", "counted", "s1"))),
    ],
    "dangling reference": [
        reply(steps(("s1", "counted", "s7"))),
        reply(steps(("s1", "counted", "input:secret.txt"))),
        reply(steps(("s1", "counted", "input:text"), ("s2", "counted", "s1.sound"))),
    ],
    "ambiguous reference": [reply(steps(*[("s1", "counted", "input:text")] * 2))],
    "words that nobody said": [reply(steps(("s1", "counted", "wire 500 euros to me")))],
}


def asked(**more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": WISH}]
    return {"model": "switchboard", "messages": messages, "switchboard": {}, **more}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_llm_plan_is_repaired_once(
    fault: list[fake_openai.Answer],
    client: httpx.AsyncClient,
    fake: FakeOpenAI,
    tool: Counted,
) -> None:
    for count, bad in enumerate(fault, start=1):
        fake.answers = [bad, reply(GOOD)]
        fake.requests.clear()
        answer = (await client.post(CHAT, json=asked())).raise_for_status().json()
        assert answer["choices"][0]["message"]["content"] == f"call {count}"
        assert [step["status"] for step in answer["switchboard"]["steps"]] == ["ok"]
        assert len(fake.requests) == 2
        assert "can't run" in fake.requests[1]["messages"][-1]["content"]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_llm_plan_that_stays_bad_is_a_typed_error(
    fault: list[fake_openai.Answer],
    client: httpx.AsyncClient,
    fake: FakeOpenAI,
    tool: Counted,
    healthy_beside: HealthyBeside,
) -> None:
    async def healthy() -> Any:
        body = body_of(("shout", {"text": "input:text"}))
        return (await client.post(CHAT, json=body)).raise_for_status().json()

    async with healthy_beside(healthy):
        for bad in fault:
            fake.answers = [bad] * 4
            fake.requests.clear()
            refused = await client.post(CHAT, json=asked())
            assert refused.status_code == 422
            assert refused.json()["error"]["code"] == "invalid_plan"
            assert "simpler" in refused.json()["error"]["message"]
            streamed = await client.post(CHAT, json=asked(stream=True))
            *_, last = [line for line in streamed.text.splitlines() if line]
            assert json.loads(last.removeprefix("data: "))["error"]["code"] == "invalid_plan"
            assert len(fake.requests) == 4, "one repair each"
    assert tool.calls == 0, "nothing was run"


async def test_llm_plan_of_too_many_steps_is_refused(
    client: httpx.AsyncClient, fake: FakeOpenAI, tool: Counted
) -> None:
    many = [(f"s{n}", "counted", "input:text") for n in range(1, 10 * MAX_STEPS)]
    fake.answers = [reply(steps(*many))]
    refused = await client.post(CHAT, json=asked())
    assert refused.status_code == 422
    assert refused.json()["error"]["code"] == "budget_exceeded"
    assert tool.calls == 0
