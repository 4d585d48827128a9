"""How functions are put to a chat model that has no reliable way of its own to call them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from .contracts import ChatMessage, FunctionSpec

NO_FUNCTION = "no function"


def choice_prompt(
    messages: Sequence[ChatMessage], functions: Sequence[FunctionSpec], *, optional: bool
) -> list[ChatMessage]:
    """The conversation, and after it the question which of the functions to call.

    The functions come first, so that a server keeps them in its prefix cache.
    """
    listed = "\n".join(f"- {f.name}: {f.description}" for f in functions)
    question = "Which function answers my last message?"
    if optional:
        question += f' Say "{NO_FUNCTION}" if none of them does, or none is needed.'
    question += ' Answer as JSON: {"function": …}'
    return [
        ChatMessage("system", f"You can call these functions:\n{listed}"),
        *messages,
        ChatMessage("user", question),
    ]


def choice_schema(functions: Sequence[FunctionSpec], *, optional: bool) -> dict[str, Any]:
    """JSON Schema of the answer to `choice_prompt`."""
    names = [f.name for f in functions] + ([NO_FUNCTION] if optional else [])
    return {
        "type": "object",
        "properties": {"function": {"type": "string", "enum": names}},
        "required": ["function"],
        "additionalProperties": False,
    }


def chosen(text: str, functions: Sequence[FunctionSpec], *, optional: bool) -> str | None:
    """The function named in an answer; None for none. Raises ValueError on anything else."""
    answer = json.loads(text)
    name = answer.get("function") if isinstance(answer, dict) else None
    if optional and name == NO_FUNCTION:
        return None
    if name not in {f.name for f in functions}:
        raise ValueError("not one of the functions")
    return str(name)


def with_function(messages: Sequence[ChatMessage], function: FunctionSpec) -> list[ChatMessage]:
    """The conversation, and after it the request for the function's arguments."""
    parameters = json.dumps(function.parameters, ensure_ascii=False)
    return [
        ChatMessage(
            "system",
            f"You can call this function:\n- {function.name}: {function.description}\n"
            f"Its parameters, as JSON Schema: {parameters}",
        ),
        *messages,
        ChatMessage(
            "user", f"Give the arguments of {function.name} for my last message, as JSON only."
        ),
    ]
