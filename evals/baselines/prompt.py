"""The baseline `prompt`: one prompt that lists all tools and asks for the whole plan as JSON.

After HuggingGPT (Shen et al., 2023, https://arxiv.org/abs/2303.17580), whose first stage it is:
tools with their descriptions and arguments, the conventions of a plan, a worked example, and one
reply. Here the reply is held to the plan's JSON Schema, and is not repaired.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from evals.baselines.catalogue import ListedTool, Schema, calls, listing
from evals.baselines.direct import (
    EXAMPLE,
    ONE_CALL,
    SMALL_TALK,
    InvalidReply,
    Message,
    Reply,
    as_object,
    catalogue_of,
    complete,
    inputs_of,
    opened,
    strings,
    wish,
)
from evals.task import Prediction, Sample, Way

MAX_STEPS = 8
MAX_PLAN_TOKENS = 768
_STEP = re.compile(r"(s[1-9]\d?)(?:\.\w+)?")

_SYSTEM = """You plan work for tools. You are given tools, and a request of a user. You never do \
the work yourself: you write the plan of the tool calls that do it, as a JSON object \
{"steps": [...]}.

A step is one call of one tool:
- "id": s1, s2, s3, ... in order.
- "tool": the name of a tool from the list, exactly as it stands there.
- "args": its arguments by name. Give the required ones, and of the optional ones only those that \
the request asks for. Take values from the request.
- "after": the ids of the steps whose results this step works on; [] where it works on none.

An argument that takes data is filled with a reference: "input:NAME" for an input that comes with \
the request ("input:text" is the text that the request itself holds), or "s1" for the result of \
step s1; several are given as a list, as ["s1", "s2"]. An argument that takes text may also be a \
few words copied exactly from the request; a longer text is referred to.

Use as few steps as the request needs: one for each thing that is asked, and one more for each \
time the same tool is needed with other arguments. Steps that do not need each other's results \
both refer to the input. If the request is small talk, or no tool of the list can do it, the plan \
is {"steps": []}.

The first requests are examples, with tools of their own. The tools that you have after them:
"""

_SHOTS: tuple[tuple[str, str], ...] = (
    (
        EXAMPLE,
        '{"steps":[{"id":"s1","tool":"describe_picture","args":{"picture":"input:harbour.jpg"},'
        '"after":[]},{"id":"s2","tool":"read_aloud","args":{"text":"s1","voice":"deep"},'
        '"after":["s1"]}]}',
    ),
    (
        ONE_CALL,
        '{"steps":[{"id":"s1","tool":"read_aloud","args":{"text":"input:text"},"after":[]}]}',
    ),
    (SMALL_TALK, '{"steps":[]}'),
)
"""Worked examples are turns of the conversation, as HuggingGPT gives them: a small model keeps to
the form of its own replies better than to one that it was told of."""


class _Step(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    id: str
    tool: str
    args: dict[str, JsonValue] = {}
    after: list[str] = []


class _Plan(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    steps: list[_Step]


async def solve(sample: Sample, way: Way) -> Prediction:
    """The plan of `{"request", "attachments"?, "catalogue"?}`, as `{"steps": [{"id", "tool",
    "args", "after"}]}`; an invalid one is an error.

    Raises NoWay, BadCatalogue, and what the service answers instead of a reply.
    """
    begun, chat = time.perf_counter(), opened(way)
    tools = await catalogue_of(sample, chat)
    inputs = inputs_of(sample, tools)
    reply = await complete(
        chat,
        messages(tools, wish(sample, inputs)),
        plan_schema(tools, list(inputs)),
        max_tokens=MAX_PLAN_TOKENS,
    )
    value: JsonValue = None
    error: str | None = None
    try:
        value = read_plan(reply, tools, list(inputs))
    except InvalidReply as invalid:
        error = f"{invalid.code}: {invalid.message}"
    return Prediction(
        value=value,
        error=error,
        seconds=time.perf_counter() - begun,
        prompt_tokens=reply.usage.prompt_tokens,
        completion_tokens=reply.usage.completion_tokens,
        llm_calls=reply.usage.llm_calls,
        details={"reply": reply.text},
    )


def messages(tools: Sequence[ListedTool], request: str) -> list[Message]:
    """The prompt. What is the same for every request of a catalogue comes first, so that it is
    read once where prefixes are cached."""
    told = [{"role": "system", "content": _SYSTEM + listing(tools)}]
    for asked, plan in _SHOTS:
        told += [{"role": "user", "content": asked}, {"role": "assistant", "content": plan}]
    return [*told, {"role": "user", "content": request}]


def plan_schema(tools: Sequence[ListedTool], inputs: Sequence[str]) -> Schema:
    """JSON Schema of the plans over these tools and inputs."""
    ids = [f"s{number}" for number in range(1, MAX_STEPS + 1)]
    steps = [
        {
            "type": "object",
            "properties": {
                "id": {"enum": ids},
                **call,
                "after": {"type": "array", "items": {"enum": ids}, "maxItems": MAX_STEPS},
            },
            "required": ["id", "tool", "args", "after"],
            "additionalProperties": False,
        }
        for call in calls(tools, [*inputs, *ids])
    ]
    return {
        "type": "object",
        "properties": {
            "steps": {
                "type": "array",
                "maxItems": MAX_STEPS if steps else 0,
                "items": {"anyOf": steps} if steps else {},
            }
        },
        "required": ["steps"],
        "additionalProperties": False,
    }


def read_plan(
    reply: Reply, tools: Sequence[ListedTool], inputs: Sequence[str] = ()
) -> dict[str, Any]:
    """The plan that a reply holds, in the form of a routing gold.

    A step comes after those that it names, in `after` or by a reference. Raises InvalidReply
    where the reply is cut or no plan, and where a tool, or what a step refers to, does not exist.
    """
    try:
        steps = _Plan.model_validate(as_object(reply)).steps
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidReply(f"The plan is not as asked: {where}: {first['msg']}.") from None
    by_name = {tool.name: tool for tool in tools}
    ids = [step.id for step in steps]
    after: dict[str, list[str]] = {}
    for step in steps:
        if ids.count(step.id) > 1:
            raise InvalidReply(f"Two steps are called {step.id!r}.")
        if step.tool not in by_name:
            raise InvalidReply(f"{step.id}: there is no tool {step.tool!r}.")
        needs = list(dict.fromkeys([*step.after, *_references(step, by_name[step.tool], ids)]))
        for need in needs:
            if need not in ids and need not in inputs:
                raise InvalidReply(f"{step.id} needs {need!r}, which is not there.")
        after[step.id] = [need for need in needs if need in ids]
    try:
        TopologicalSorter(after).prepare()
    except CycleError as error:
        raise InvalidReply(f"Steps wait for each other: {' → '.join(error.args[1])}.") from None
    return {"steps": [step.model_dump() | {"after": after[step.id]} for step in steps]}


def _references(step: _Step, tool: ListedTool, ids: Sequence[str]) -> Iterator[str]:
    """The steps and inputs that a step's arguments refer to.

    Where an argument takes no data, only what is the id of a step is taken for one: "s3" may be
    a word.
    """
    for name, value in step.args.items():
        for text in strings(value):
            match = _STEP.fullmatch(text)
            if match and (name in tool.slots or match[1] in ids):
                yield match[1]
            elif name in tool.slots and text.startswith("input:"):
                yield text
