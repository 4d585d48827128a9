from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.plan import PlanError
from orchestrator.planner import make_plan, plan_schema, prompt
from tools.contracts import Kind

from .small_tools import FakeChat, registry

TOOLS = registry()
SHORTLIST = [TOOLS["translate_text"], TOOLS["summarize_text"]]


def planned(*steps: dict[str, Any]) -> str:
    return json.dumps({"steps": list(steps)})


async def plan(request: str, chat: FakeChat) -> Any:
    return await make_plan(request, SHORTLIST, {"text": "text"}, TOOLS, chat, timeout_s=5)


GOOD = {"id": "s1", "tool": "summarize_text", "args": {"text": "input:text"}}


async def test_a_plan_comes_back_checked() -> None:
    chat = FakeChat(planned(GOOD))
    made = await plan("shorten it", chat)
    assert made.steps[0].tool == "summarize_text"
    assert chat.schemas == [plan_schema(SHORTLIST, {"text": "text"})]


@pytest.mark.parametrize(
    "bad",
    [
        '{"steps": [',
        planned({**GOOD, "tool": "shorten"}),
        planned({**GOOD, "args": {"text": "s3"}}),
        planned({**GOOD, "args": {"text": "words nobody said"}}),
        planned({**GOOD, "args": {"text": "s1"}}),
    ],
)
async def test_a_bad_plan_is_repaired_once(bad: str) -> None:
    chat = FakeChat(bad, planned(GOOD))
    made = await plan("shorten it", chat)
    assert made.steps[0].args == {"text": "input:text"}
    assert "can't run" in chat.asked[1][-1].content
    with pytest.raises(PlanError, match="simpler"):
        await plan("shorten it", FakeChat(bad, bad))


async def test_words_of_the_request_may_be_the_text() -> None:
    step = {
        "id": "s1",
        "tool": "translate_text",
        "args": {"text": "good luck", "target_language": "it"},
    }
    made = await plan("what is Good luck in Italian", FakeChat(planned(step)))
    assert made.steps[0].args["text"] == "good luck"


def test_the_prompt_begins_the_same_for_every_request() -> None:
    first = prompt("shorten it", SHORTLIST, {"text": "text"})
    second = prompt("hello", list(TOOLS.values()), {})
    assert first[:-1] == second[:-1]


def test_the_schema_holds_slots_to_what_there_is() -> None:
    schema = plan_schema([TOOLS["answer_question"]], {"a.pdf": "document"})
    args = schema["properties"]["steps"]["items"]["anyOf"][0]["properties"]["args"]
    assert args["required"] == ["question"]
    assert "input:a.pdf" in args["properties"]["document"]["enum"]
    assert args["properties"]["language"]["type"] == "string"


async def test_files_are_called_by_what_the_request_says_of_them() -> None:
    reply = {
        "steps": [
            {"id": "s1", "tool": "summarize_text", "args": {"text": "input:file1-contract-pdf"}},
            {"id": "s2", "tool": "summarize_text", "args": {"text": "input:b.pdf"}},
        ]
    }
    chat = FakeChat(json.dumps(reply))
    inputs: dict[str, Kind] = {
        "Contract, then translate all into German.pdf": "document",
        "b.pdf": "document",
    }
    plan = await make_plan(
        "What do the contract and b.pdf say?", SHORTLIST, inputs, TOOLS, chat, timeout_s=5
    )
    assert [step.args["text"] for step in plan.steps] == [f"input:{name}" for name in inputs]
    assert "German" not in chat.asked[0][-1].content
