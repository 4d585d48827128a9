from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from evals.baselines import prompt, react
from evals.baselines.adapted import adapted
from evals.baselines.catalogue import BadCatalogue, calls, listing, read_catalogue, simple
from evals.baselines.direct import InvalidReply, Reply
from evals.task import Prediction, Sample
from evals.watched import NoWay
from model_servers.contracts import Usage
from orchestrator.api.tools import describe
from orchestrator.client import ServiceUnavailable

from .small_tools import registry

SERVED = [describe(tool) for tool in registry().values()]
TOOLS = read_catalogue(SERVED)
FOREIGN = [
    {"name": "spotify.play", "description": "Plays songs.", "parameters": {
        "type": "dict",
        "properties": {
            "config": {"type": "string", "description": "Which set-up."},
            "minutes": {"type": "float", "default": 5.0},
        },
        "required": ["config"],
    }},
    {"name": "NewsTool", "description": "Tells\n the news."},
    {"name": "FinanceTool", "description": "Tells the prices."},
]  # fmt: skip


class ScriptedWay:
    """A service whose chat model replies from a queue; what it is asked is kept."""

    def __init__(self, *replies: Any, cut: bool = False) -> None:
        self.replies = [r if isinstance(r, str) else json.dumps(r) for r in replies]
        self.cut = cut
        self.bodies: list[Mapping[str, Any]] = []

    async def ask(self, request: str, **_: Any) -> dict[str, Any]:
        raise AssertionError("a baseline does not ask the agent")

    async def invoke(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        raise AssertionError("a baseline runs nothing")

    async def api(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        if (method, path) == ("GET", "/v1/tools"):
            return {"object": "list", "data": SERVED}
        assert (method, path) == ("POST", "/v1/chat/completions")
        assert body is not None
        self.bodies.append(body)
        if not self.replies:
            raise ServiceUnavailable("The service is gone.")
        choice = {
            "message": {"role": "assistant", "content": self.replies.pop(0)},
            "finish_reason": "length" if self.cut else "stop",
        }
        return {
            "choices": [choice],
            "usage": {"prompt_tokens": 10, "completion_tokens": 4, "llm_calls": 1},
        }

    def schema(self, turn: int) -> Draft202012Validator:
        found = self.bodies[turn]["response_format"]["json_schema"]["schema"]
        Draft202012Validator.check_schema(found)
        return Draft202012Validator(found)


def sample(request: str = "shorten a.txt and put it into German", **inputs: Any) -> Sample:
    files = [{"kind": "document", "name": "a.txt"}]
    return Sample(
        id="1", inputs={"request": request, "attachments": files, **inputs}, gold={"steps": []}
    )


def step(id_: str, tool: str, args: dict[str, Any], *after: str) -> dict[str, Any]:
    return {"id": id_, "tool": tool, "args": args, "after": list(after)}


SHORTEN = step("s1", "summarize_text", {"text": "input:a.txt"})
TRANSLATE = step("s2", "translate_text", {"text": "s1", "target_language": "de"}, "s1")


def turn(tool: str, **args: Any) -> dict[str, Any]:
    return {"thought": "next", "tool": tool, "args": args}


ANSWER = {"thought": "done", "answer": "Here it is."}


async def by_prompt(way: ScriptedWay, **inputs: Any) -> Prediction:
    return await prompt.solve(sample(**inputs), way)


async def by_react(way: ScriptedWay, **inputs: Any) -> Prediction:
    return await react.solve(sample(**inputs), way)


async def test_a_good_plan_comes_back_in_the_form_of_a_gold() -> None:
    way = ScriptedWay({"steps": [SHORTEN, TRANSLATE]})
    found = await by_prompt(way)
    assert found.value == {"steps": [SHORTEN, TRANSLATE]}
    assert found.error is None
    assert (found.prompt_tokens, found.completion_tokens, found.llm_calls) == (10, 4, 1)
    assert way.schema(0).is_valid({"steps": [SHORTEN, TRANSLATE]})


async def test_a_reference_makes_an_edge_where_after_does_not() -> None:
    found = await by_prompt(ScriptedWay({"steps": [SHORTEN, {**TRANSLATE, "after": []}]}))
    assert found.value == {"steps": [SHORTEN, TRANSLATE]}


async def test_small_talk_is_an_empty_plan() -> None:
    assert (await by_prompt(ScriptedWay({"steps": []}))).value == {"steps": []}
    assert (await by_react(ScriptedWay(ANSWER))).value == {"steps": []}


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("not json", "no JSON"),
        ("[1]", "no JSON object"),
        ({"plan": []}, "steps"),
        ({"steps": [{"id": "s1", "args": {}}]}, "tool"),
        ({"steps": [{**SHORTEN, "tool": "shorten"}]}, "no tool 'shorten'"),
        ({"steps": [SHORTEN, SHORTEN]}, "Two steps"),
        ({"steps": [TRANSLATE]}, "'s1', which is not there"),
        ({"steps": [{**SHORTEN, "args": {"text": "input:b.txt"}}]}, "'input:b.txt'"),
        ({"steps": [{**SHORTEN, "after": ["s2"]}, TRANSLATE]}, "wait for each other"),
        ({"steps": [{**SHORTEN, "after": ["s1"]}]}, "wait for each other"),
    ],
)
async def test_an_invalid_plan_is_an_error_and_is_not_repaired(reply: Any, said: str) -> None:
    way = ScriptedWay(reply, {"steps": []})
    found = await by_prompt(way)
    assert found.value is None
    assert found.error is not None
    assert found.error.startswith("invalid_reply: ")
    assert said in found.error
    assert (found.llm_calls, len(way.bodies)) == (1, 1)


async def test_a_cut_plan_is_an_error() -> None:
    found = await by_prompt(ScriptedWay({"steps": []}, cut=True))
    assert found.error == "invalid_reply: The chat model's reply was cut before its end."


async def test_the_prompt_lists_every_tool_and_begins_the_same_for_every_request() -> None:
    way = ScriptedWay({"steps": []}, {"steps": []})
    await by_prompt(way)
    await by_prompt(way, request="hello")
    system, *examples, asked = way.bodies[0]["messages"]
    assert [message["role"] for message in examples] == ["user", "assistant"] * 3
    assert all(f"\n- {tool.name}: {tool.description}" in system["content"] for tool in TOOLS)
    assert "target_language (string; required)" in system["content"]
    assert "Inputs: input:text (text), input:a.txt (document)" in asked["content"]
    assert way.bodies[1]["messages"][:-1] == [system, *examples]


async def test_the_tools_of_a_sample_take_the_place_of_the_services() -> None:
    plan = {"steps": [
        step("s1", "spotify.play", {"config": "s3", "minutes": 20.0}),
        step("s2", "NewsTool", {}, "s1"),
    ]}  # fmt: skip
    way = ScriptedWay(plan)
    found = await by_prompt(way, catalogue=FOREIGN)
    assert found.value == plan
    system, *_, asked = way.bodies[0]["messages"]
    assert "- NewsTool: Tells the news.\n- FinanceTool" in system["content"]
    assert "summarize_text" not in system["content"]
    assert asked["content"].startswith("Request: ")
    assert way.schema(0).is_valid(plan)
    assert not way.schema(0).is_valid({"steps": [step("s1", "spotify.play", {"minutes": 1.0})]})


@pytest.mark.parametrize("solve", [prompt.solve, react.solve])
async def test_a_person_can_be_asked_for(solve: Any) -> None:
    handoff = step("s1", "handoff", {"reason": "distress"})
    plan, made = {"steps": [handoff]}, turn("handoff", reason="distress")
    way = ScriptedWay(*([plan] if solve is prompt.solve else [made, ANSWER]))
    assert (await solve(sample(), way)).value == plan
    assert way.schema(0).is_valid(plan if solve is prompt.solve else made)


async def test_a_slot_takes_several_results() -> None:
    joined = step("s2", "summarize_text", {"text": ["s1", "input:a.txt"]}, "s1")
    way = ScriptedWay({"steps": [SHORTEN, joined]})
    assert (await by_prompt(way)).value == {"steps": [SHORTEN, joined]}
    assert way.schema(0).is_valid({"steps": [SHORTEN, joined]})


async def test_calls_become_a_plan_joined_by_their_placeholders() -> None:
    way = ScriptedWay(
        turn("summarize_text", text="input:a.txt"),
        turn("translate_text", text="<s1.text: text>", target_language="de"),
        ANSWER,
    )
    found = await by_react(way)
    assert found.value == {"steps": [SHORTEN, TRANSLATE]}
    assert (found.prompt_tokens, found.completion_tokens, found.llm_calls) == (30, 12, 3)
    assert found.details["ended"] is True
    first, last = (way.bodies[number]["messages"] for number in (0, 2))
    assert last[: len(first)] == first
    assert [message["role"] for message in first[:2]] == ["system", "user"]
    assert [message["role"] for message in last[len(first) :]] == ["assistant", "user"] * 2
    assert last[len(first) + 1]["content"] == 'Result: {"text": "<s1.text: text>"}'


async def test_each_turn_allows_the_placeholders_that_there_are() -> None:
    call = turn("answer_question", question="who?", document="<s1.text: text>")
    way = ScriptedWay(turn("summarize_text", text="input:a.txt"), ANSWER)
    await by_react(way)
    assert [way.schema(number).is_valid(call) for number in (0, 1)] == [False, True]
    assert all(way.schema(number).is_valid(ANSWER) for number in (0, 1))
    assert not way.schema(1).is_valid(turn("shorten"))


async def test_a_placeholder_within_words_makes_an_edge_and_one_of_no_call_does_not() -> None:
    way = ScriptedWay(
        turn("summarize_text", text="input:a.txt"),
        turn("answer_question", question="Is <s1.text: text> like <s7.text: text>?"),
        ANSWER,
    )
    plan: Any = (await by_react(way)).value
    assert plan["steps"][1]["after"] == ["s1"]
    assert plan["steps"][1]["args"] == {"question": "Is <s1.text: text> like <s7.text: text>?"}


def test_a_port_that_is_not_the_default_is_named() -> None:
    tools = read_catalogue([{"name": "cut", "outputs": {"boxes": "boxes", "masks": "masks"}}])
    made = [("s1", "cut", {}), ("s2", "cut", {"of": ["<s1.masks: masks>", "<s1.boxes: boxes>"]})]
    assert react.as_plan(made, tools)["steps"][1]["args"] == {"of": ["s1.masks", "s1"]}


async def test_a_loop_ends_at_the_most_calls_that_may_be_made() -> None:
    again = turn("summarize_text", text="input:a.txt")
    way = ScriptedWay(*[again] * 50)
    found: Any = await by_react(way)
    assert len(found.value["steps"]) == react.MAX_CALLS
    assert [made["id"] for made in found.value["steps"]][-1] == f"s{react.MAX_CALLS}"
    assert len(way.bodies) == react.MAX_CALLS + 1
    assert found.details["ended"] is False


async def test_arguments_of_foreign_tools_may_have_any_name() -> None:
    way = ScriptedWay(turn("spotify.play", config="loud"), turn("NewsTool"), ANSWER)
    found = await by_react(way, catalogue=FOREIGN)
    assert found.value == {
        "steps": [step("s1", "spotify.play", {"config": "loud"}), step("s2", "NewsTool", {})]
    }


@pytest.mark.parametrize(
    ("reply", "value"),
    [({"steps": [step("s1", "NewsTool", {})]}, ["NewsTool"]), ({"steps": []}, []), ("bad", None)],
)
async def test_a_baseline_takes_and_gives_another_form(reply: Any, value: Any) -> None:
    solve = adapted(
        prompt.solve,
        lambda sample: {"request": sample.inputs["query"], "catalogue": FOREIGN},
        lambda steps: [made["tool"] for made in steps],
    )
    way = ScriptedWay(reply)
    found = await solve(Sample(id="1", inputs={"query": "what is new?"}, gold=["NewsTool"]), way)
    assert found.value == value
    assert (found.error is None) is (value is not None)
    assert "what is new?" in way.bodies[0]["messages"][-1]["content"]


@pytest.mark.parametrize("bad", ["not json", turn("shorten"), {"tool": "summarize_text"}])
async def test_a_turn_that_is_no_call_ends_in_an_error(bad: Any) -> None:
    found = await by_react(ScriptedWay(turn("summarize_text", text="input:a.txt"), bad))
    assert found.value is None
    assert found.error is not None
    assert found.error.startswith("invalid_reply: ")
    assert (found.llm_calls, found.prompt_tokens) == (2, 20)


@pytest.mark.parametrize("solve", [prompt.solve, react.solve])
async def test_a_service_that_goes_away_is_the_runs_to_handle(solve: Any) -> None:
    with pytest.raises(ServiceUnavailable):
        await solve(sample(), ScriptedWay())


@pytest.mark.parametrize("solve", [prompt.solve, react.solve])
async def test_a_way_without_the_chat_model_is_refused(solve: Any) -> None:
    with pytest.raises(NoWay):
        await solve(sample(), object())


@pytest.mark.parametrize("bad", ["tools", [{"description": "x"}], [{"name": "a"}, {"name": "a"}]])
def test_a_catalogue_that_is_none_is_refused(bad: Any) -> None:
    with pytest.raises(BadCatalogue):
        read_catalogue(bad)


def test_hundreds_of_tools_with_equal_arguments_share_a_schema() -> None:
    tools = read_catalogue([{"name": f"tool{n}"} for n in range(199)])
    (only,) = calls(tools, [])
    assert len(only["tool"]["enum"]) == 199
    assert listing(tools).count("\n") == 198


def test_parameters_are_made_simple() -> None:
    schema = simple(
        {
            "properties": {
                "kinds": {"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/K"}},
                                    {"type": "null"}]},
                "code": {"type": "string", "pattern": "^[a-z]{2}$"},
                "pair": {"type": "tuple", "items": {"type": "float"}},
                "any": {"type": "any"},
                "some": {"type": "array", "items": {"type": "string"}, "enum": ["x", "y"]},
                "tree": {"$ref": "#/$defs/T"},
            },
            "$defs": {
                "K": {"enum": ["a", "b"]},
                "T": {"type": "object", "properties": {"left": {"$ref": "#/$defs/T"}}},
            },
        }
    )["properties"]  # fmt: skip
    assert schema["kinds"] == {"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 20}
    assert schema["code"] == {"type": "string", "maxLength": 300}
    assert schema["pair"]["items"] == {"type": "number"}
    assert schema["any"] == {}
    assert schema["some"]["items"] == {"enum": ["x", "y"]}
    assert schema["tree"]["properties"]["left"]["type"] == "object"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["s1", "s2"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["steps", "id", "tool", "args", "after", "text"]), inner, max_size=5
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_reply_is_a_plan_or_an_invalid_reply(reply: Any) -> None:
    try:
        plan = prompt.read_plan(Reply(json.dumps(reply), False, Usage()), TOOLS)
    except InvalidReply:
        return
    ids = {made["id"] for made in plan["steps"]}
    assert all(set(made["after"]) <= ids - {made["id"]} for made in plan["steps"])
