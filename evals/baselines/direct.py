"""The chat model itself, asked through the service's public API."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals.baselines.catalogue import ListedTool, Schema, read_catalogue
from evals.task import Sample, Way
from evals.watched import NoWay, OpenWay
from model_servers.contracts import SwitchboardError, Usage

Message = dict[str, str]

HANDOFF = ListedTool(
    name="handoff",
    description="Hands the conversation over to a person of the company. Use it alone, when the "
    "user asks for a human, threatens with legal steps, or is in distress or danger.",
    parameters={
        "type": "object",
        "properties": {"reason": {"enum": ["human_requested", "legal_threat", "distress"]}},
        "required": ["reason"],
    },
)
"""What the agent can do besides its tools; without it the baselines could not be right there."""

EXAMPLE = """\
Tools:
- describe_picture: Says in words what a picture shows. Gives: description (text).
    picture (data: image; required)
- read_aloud: Speaks a text. Gives: speech (audio).
    text (data: text; required)
    voice (one of 'high', 'deep'; optional)
Inputs: input:text (text), input:harbour.jpg (image)
Request: What is on harbour.jpg? Read it to me in a deep voice, too."""
ONE_CALL = "Inputs: input:text (text)\nRequest: Say this aloud: the ferry is an hour late."
SMALL_TALK = "Request: Thank you, that was kind!"
"""What the worked examples of both baselines ask for: two calls, one, and none."""


class InvalidReply(SwitchboardError):
    """What the chat model wrote is no plan and no call: it counts as an error, unrepaired."""

    code = "invalid_reply"
    http_status = 422


@dataclass(frozen=True, slots=True)
class Reply:
    """What the chat model wrote; `cut` where it was given no room to end."""

    text: str
    cut: bool
    usage: Usage


def opened(way: Way) -> OpenWay:
    """The way in, where it leads to the whole API, the chat model's included. Raises NoWay."""
    if not isinstance(way, OpenWay):
        raise NoWay("This leads to the agent and the tools alone, and not to the chat model.")
    return way


async def complete(
    way: OpenWay, messages: Sequence[Message], schema: Schema, *, max_tokens: int
) -> Reply:
    """One reply of the chat model, held to a schema. Raises SwitchboardError."""
    format_ = {"name": "reply", "strict": True, "schema": schema}
    body = {
        "model": "switchboard",
        "messages": list(messages),
        "temperature": 0.0,
        "max_completion_tokens": max_tokens,
        "response_format": {"type": "json_schema", "json_schema": format_},
    }
    answer = await way.api("POST", "/v1/chat/completions", body)
    choice, usage = answer["choices"][0], answer["usage"]
    return Reply(
        text=choice["message"]["content"] or "",
        cut=choice["finish_reason"] == "length",
        usage=Usage(usage["prompt_tokens"], usage["completion_tokens"], usage["llm_calls"]),
    )


def as_object(reply: Reply) -> dict[str, Any]:
    """The JSON object that a reply holds. Raises InvalidReply."""
    if reply.cut:
        raise InvalidReply("The chat model's reply was cut before its end.")
    try:
        found = json.loads(reply.text)
    except (ValueError, RecursionError):
        raise InvalidReply("The chat model's reply is no JSON.") from None
    if not isinstance(found, dict):
        raise InvalidReply("The chat model's reply is no JSON object.")
    return found


async def catalogue_of(sample: Sample, way: OpenWay) -> list[ListedTool]:
    """The sample's own tools; else the service's, and HANDOFF.

    Raises BadCatalogue, SwitchboardError.
    """
    entries = sample.inputs.get("catalogue")
    if entries is not None:
        return read_catalogue(entries)
    served = (await way.api("GET", "/v1/tools"))["data"]
    return [*read_catalogue(served), HANDOFF]


def inputs_of(sample: Sample, tools: Sequence[ListedTool]) -> dict[str, str]:
    """What a plan may refer to, with its kind: the attachments, and the request's own text.

    Nothing, where no tool has a slot to fill with it.
    """
    if not any(tool.slots for tool in tools):
        return {}
    named: Any = sample.inputs.get("attachments") or []
    return {"input:text": "text"} | {f"input:{a['name']}": str(a["kind"]) for a in named}


def wish(sample: Sample, inputs: Mapping[str, str]) -> str:
    """A request and what came with it, as the chat model reads it."""
    given = ", ".join(f"{name} ({kind})" for name, kind in inputs.items())
    request = f"Request: {sample.inputs['request']}"
    return f"Inputs: {given}\n{request}" if given else request


def strings(value: Any) -> Iterator[str]:
    """Every string in a JSON value, the value itself included; no object's keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for inner in value.values() for text in strings(inner))
    elif isinstance(value, list):
        yield from (text for inner in value for text in strings(inner))
