"""Function calls through the API's own `tools`, as programs make them."""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import JsonValue

from evals.baselines.catalogue import read_catalogue, simple
from evals.baselines.direct import opened
from evals.task import Prediction, Sample, Way

_NO_NAME = re.compile(r"[^a-zA-Z0-9_-]")
_MAX_TOKENS = 512


async def called(sample: Sample, way: Way) -> Prediction:
    """The calls that the service makes of `{"messages", "functions"}`: {"calls": [{function:
    arguments}]}."""
    functions = read_catalogue(sample.inputs["functions"])
    # OpenAI's names have no dots.
    names = {_NO_NAME.sub("_", function.name)[:64]: function for function in functions}
    body = {
        "model": "switchboard",
        "messages": sample.inputs["messages"],
        "temperature": 0.0,
        "max_completion_tokens": _MAX_TOKENS,
        "parallel_tool_calls": True,
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": name,
                    "description": function.description,
                    "parameters": simple(function.parameters),
                },
            }
            for name, function in names.items()
        ],
    }
    answer = await opened(way).api("POST", "/v1/chat/completions", body)
    message, usage = answer["choices"][0]["message"], answer["usage"]
    made = [call["function"] for call in message.get("tool_calls") or ()]
    return Prediction(
        value={"calls": [{names[c["name"]].name: json.loads(c["arguments"])} for c in made]},
        prompt_tokens=usage["prompt_tokens"],
        completion_tokens=usage["completion_tokens"],
        llm_calls=usage["llm_calls"],
        details={"said": message.get("content")},
    )


def as_request(sample: Sample) -> dict[str, JsonValue]:
    """What a baseline is given."""
    messages: Any = sample.inputs["messages"]
    request = "\n".join(message["content"] for message in messages)
    return {"request": request, "catalogue": sample.inputs["functions"]}


def as_calls(steps: list[dict[str, Any]]) -> JsonValue:
    """A baseline's plan as calls."""
    return {"calls": [{str(step["tool"]): step["args"]} for step in steps]}
