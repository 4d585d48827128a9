"""The baseline `react`: LangGraph's prebuilt agent, which calls one tool after the other.

After ReAct (Yao et al., 2023, https://arxiv.org/abs/2210.03629): a thought, a call, what it gave,
and so on until an answer. Nothing is run: a call gives a typed placeholder for each port of its
result, and the calls are the plan. Each turn of the chat model is held to a JSON Schema of the
calls that are possible there, since small models can't be trusted to call tools of themselves.
"""

from __future__ import annotations

import json
import re
import time
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evals.baselines.catalogue import ListedTool, Schema, calls, listing, simple
from evals.baselines.direct import (
    EXAMPLE,
    ONE_CALL,
    SMALL_TALK,
    InvalidReply,
    Message,
    as_object,
    catalogue_of,
    complete,
    inputs_of,
    opened,
    strings,
    wish,
)
from evals.task import Prediction, Sample, Way
from evals.watched import OpenWay
from model_servers.contracts import Usage

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage, BaseMessage
    from langchain_core.tools import BaseTool

MAX_CALLS = 8
MAX_TURN_TOKENS = 384
_THOUGHT_CHARS = 160
_ANSWER_CHARS = 160
_PLACEHOLDER = re.compile(r"<(?P<step>s[1-9]\d?)\.(?P<port>[^:<>]+): [^<>]+>")

_SYSTEM = """You do what a user asks by calling tools, one at a time. At each turn you reply with \
one JSON object, which is either a call or the end:
- {"thought": why this call comes next, "tool": the tool's name, "args": its arguments by name}
- {"thought": why nothing is left to call, "answer": what you tell the user, in a few words}

Give a call the required arguments, and of the optional ones only those that the request asks for. \
Take values from the request.

An argument that takes data is filled with a reference: "input:NAME" for an input that comes with \
the request ("input:text" is the text that the request itself holds), or the placeholder of an \
earlier result, such as "<s1.text: text>", exactly as it was given to you; several are given as \
a list. An argument that takes text may also be a few words copied exactly from the request; a \
longer text is referred to.

Every call works, and gives placeholders, which stand for results that you can't see: never call \
a tool again for the same thing. Make as few calls as the request needs: one for each thing that \
is asked, and one more for each time the same tool is needed with other arguments. When all that \
was asked is called, end with an answer. If the request is small talk, or no tool of the list can \
do it, answer at once.

The first requests are examples, with tools of their own. The tools that you have after them:
"""

_SHOTS: tuple[Message, ...] = (
    {"role": "user", "content": EXAMPLE},
    {
        "role": "assistant",
        "content": '{"thought":"The picture has to be described first.",'
        '"tool":"describe_picture","args":{"picture":"input:harbour.jpg"}}',
    },
    {"role": "user", "content": 'Result: {"description": "<s1.description: text>"}'},
    {
        "role": "assistant",
        "content": '{"thought":"The description is to be read aloud.",'
        '"tool":"read_aloud","args":{"text":"<s1.description: text>","voice":"deep"}}',
    },
    {"role": "user", "content": 'Result: {"speech": "<s2.speech: audio>"}'},
    {
        "role": "assistant",
        "content": '{"thought":"Both are done.",'
        '"answer":"Here are the description and the recording."}',
    },
    {"role": "user", "content": ONE_CALL},
    {
        "role": "assistant",
        "content": '{"thought":"It is to be read aloud.",'
        '"tool":"read_aloud","args":{"text":"input:text"}}',
    },
    {"role": "user", "content": 'Result: {"speech": "<s1.speech: audio>"}'},
    {
        "role": "assistant",
        "content": '{"thought":"All is done.","answer":"Here is the recording."}',
    },
    {"role": "user", "content": SMALL_TALK},
    {
        "role": "assistant",
        "content": '{"thought":"That is small talk.","answer":"You are welcome!"}',
    },
)
"""Worked examples: turns of the conversation, as those of `prompt` are."""


async def solve(sample: Sample, way: Way) -> Prediction:
    """The calls made for `{"request", "attachments"?, "catalogue"?}`, as the plan `{"steps":
    [{"id", "tool", "args", "after"}]}`; a turn that is neither call nor answer is an error.

    Raises NoWay, BadCatalogue, and what the service answers instead of a reply.
    """
    begun, chat = time.perf_counter(), opened(way)
    tools = await catalogue_of(sample, chat)
    inputs = inputs_of(sample, tools)
    turns = _Turns(chat, tools, list(inputs))
    plan: dict[str, Any] | None = None
    error: str | None = None
    try:
        told = await _run(turns, tools, wish(sample, inputs))
        plan = as_plan(made_calls(told), tools)
    except InvalidReply as invalid:
        error = f"{invalid.code}: {invalid.message}"
    return Prediction(
        value=plan,
        error=error,
        seconds=time.perf_counter() - begun,
        prompt_tokens=turns.usage.prompt_tokens,
        completion_tokens=turns.usage.completion_tokens,
        llm_calls=turns.usage.llm_calls,
        details={"turns": list(turns.replies), "ended": turns.ended},
    )


async def _run(turns: _Turns, tools: Sequence[ListedTool], request: str) -> list[BaseMessage]:
    """The agent's conversation, to its answer or to as many calls as it may make."""
    from langchain_core.runnables import RunnableLambda
    from langgraph.prebuilt import ToolNode, create_react_agent
    from langgraph.warnings import LangGraphDeprecatedSinceV10

    model: Any = RunnableLambda(turns.next)
    with warnings.catch_warnings():
        # It is to move to the package langchain, of which nothing else is needed here.
        warnings.simplefilter("ignore", LangGraphDeprecatedSinceV10)
        agent = create_react_agent(
            # A model by a function is asked as it is: no tools are bound to it.
            lambda _state, _runtime: model,
            ToolNode([_stand_in(tool) for tool in tools]),
            prompt=_SYSTEM + listing(tools),
        )
    told = await agent.ainvoke(
        {"messages": [("user", request)]},
        # A call is two steps of the graph. The turn after the last one is to be the answer; the
        # agent puts an apology in place of a call, and stops before the limit is passed.
        {"recursion_limit": 2 * MAX_CALLS + 2},
    )
    conversation: list[BaseMessage] = told["messages"]
    return conversation


class _Turns:
    """The chat model as the agent's: each turn is one constrained reply.

    Attributes:
        replies, usage: what was written in all turns, and what it took.
        ended: whether the last of them was an answer.
    """

    def __init__(self, way: OpenWay, tools: Sequence[ListedTool], inputs: Sequence[str]) -> None:
        self._way = way
        self._tools = tools
        self._inputs = inputs
        self.replies: list[str] = []
        self.usage = Usage()
        self.ended = False

    async def next(self, messages: Sequence[BaseMessage]) -> AIMessage:
        """What the model says next: a call, or an answer. Raises InvalidReply, SwitchboardError."""
        from langchain_core.messages import AIMessage, ToolMessage

        results = [m for m in messages if isinstance(m, ToolMessage)]
        placeholders = [text for m in results for text in strings(json.loads(str(m.content)))]
        reply = await complete(
            self._way,
            _with_examples([_as_sent(message) for message in messages]),
            turn_schema(self._tools, [*self._inputs, *placeholders]),
            max_tokens=MAX_TURN_TOKENS,
        )
        self.replies.append(reply.text)
        self.usage += reply.usage
        turn = as_object(reply)
        if isinstance(turn.get("answer"), str):
            self.ended = True
            return AIMessage(content=reply.text)
        name, args = turn.get("tool"), turn.get("args")
        if not isinstance(args, dict) or all(name != tool.name for tool in self._tools):
            raise InvalidReply("The chat model's reply is neither a call of a tool nor an answer.")
        step = f"s{len(results) + 1}"
        return AIMessage(content=reply.text, tool_calls=[{"name": name, "args": args, "id": step}])


def turn_schema(tools: Sequence[ListedTool], references: Sequence[str]) -> Schema:
    """JSON Schema of one turn: a call of one of the tools, or an answer."""
    thought = {"type": "string", "maxLength": _THOUGHT_CHARS}
    answer: Schema = {"answer": {"type": "string", "maxLength": _ANSWER_CHARS}}
    return {
        "anyOf": [
            {
                "type": "object",
                "properties": {"thought": thought, **said},
                "required": ["thought", *said],
                "additionalProperties": False,
            }
            for said in [*calls(tools, references), answer]
        ]
    }


def observation(step: str, tool: ListedTool) -> dict[str, str]:
    """What a call gives: a typed placeholder for each port of its result."""
    return {port: f"<{step}.{port}: {kind}>" for port, kind in tool.outputs.items()}


def _stand_in(tool: ListedTool) -> BaseTool:
    """A tool that gives placeholders, whatever its arguments."""
    from langchain_core.messages import ToolMessage
    from langchain_core.tools import BaseTool

    class StandIn(BaseTool):
        async def ainvoke(self, input: Any, config: Any = None, **_: Any) -> ToolMessage:
            """Past BaseTool's own, which takes arguments called `config` for its own."""
            said = self._run(input["id"])
            return ToolMessage(content=said, name=self.name, tool_call_id=input["id"])

        def _run(self, step: str) -> str:
            return json.dumps(observation(step, tool), ensure_ascii=False)

    return StandIn(
        name=tool.name, description=tool.description, args_schema=simple(tool.parameters)
    )


def _as_sent(message: BaseMessage) -> Message:
    """A message of the agent's, in plain roles: what was called stands in the model's own words."""
    if message.type == "tool":
        return {"role": "user", "content": f"Result: {message.content}"}
    role = {"human": "user", "ai": "assistant"}.get(message.type, message.type)
    return {"role": role, "content": str(message.content)}


def _with_examples(messages: list[Message]) -> list[Message]:
    """The worked examples follow the system message, before what this request made."""
    return [*messages[:1], *_SHOTS, *messages[1:]]


def made_calls(messages: Sequence[BaseMessage]) -> list[tuple[str, str, dict[str, Any]]]:
    """Id, tool and arguments of each call that was made, in their order."""
    results: set[str] = {m.tool_call_id for m in messages if hasattr(m, "tool_call_id")}
    return [
        (call["id"], call["name"], call["args"])
        for message in messages
        for call in getattr(message, "tool_calls", ())
        if call["id"] in results
    ]


def as_plan(
    made: Sequence[tuple[str, str, Mapping[str, Any]]], tools: Sequence[ListedTool]
) -> dict[str, Any]:
    """The calls in the form of a routing gold: placeholders become references and edges."""
    by_name = {tool.name: tool for tool in tools}
    produced: dict[str, str] = {}
    steps: list[dict[str, Any]] = []
    for step, name, args in made:
        found = [m["step"] for text in strings(args) for m in _PLACEHOLDER.finditer(text)]
        after = [earlier for earlier in dict.fromkeys(found) if earlier in produced]
        steps.append({"id": step, "tool": name, "args": _joined(args, produced), "after": after})
        produced[step] = next(iter(by_name[name].outputs))
    return {"steps": steps}


def _joined(value: Any, produced: Mapping[str, str]) -> Any:
    """The value with references in place of what is a placeholder and nothing else."""
    if isinstance(value, Mapping):
        return {name: _joined(inner, produced) for name, inner in value.items()}
    if isinstance(value, list):
        return [_joined(inner, produced) for inner in value]
    match = _PLACEHOLDER.fullmatch(value) if isinstance(value, str) else None
    if match is None or match["step"] not in produced:
        return value
    is_default = match["port"] == produced[match["step"]]
    return match["step"] if is_default else f"{match['step']}.{match['port']}"
