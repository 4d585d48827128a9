"""How functions are put to a chat model that has no reliable way of its own to call them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from model_servers.contracts import ChatMessage, FunctionSpec

_REPLY = (
    "Answer in words: greetings, small talk, thanks, questions of general knowledge, anything "
    "that the functions above can't do"
)

MAX_CALLS = 16
"""Of one function at a time."""


def choice_prompt(
    messages: Sequence[ChatMessage], functions: Sequence[FunctionSpec], *, optional: bool
) -> list[ChatMessage]:
    """The conversation under the instruction to choose a function.

    To answer in words is put as one more function: told to name none, small models call anyway.
    """
    listed = [f"- {f.name}: {f.description}" for f in functions]
    if optional:
        listed.append(f"- {_reply_name(functions)}: {_REPLY}")
    return _under(
        "You decide what to do with the user's last message. Choose one:\n" + "\n".join(listed),
        messages,
    )


def choice_schema(functions: Sequence[FunctionSpec], *, optional: bool) -> dict[str, Any]:
    """JSON Schema of the answer to `choice_prompt`."""
    names = [f.name for f in functions]
    if optional:
        names.append(_reply_name(functions))
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
    if optional and name == _reply_name(functions):
        return None
    if name not in {f.name for f in functions}:
        raise ValueError("not one of the functions")
    return str(name)


def arguments_prompt(messages: Sequence[ChatMessage], function: FunctionSpec) -> list[ChatMessage]:
    """The conversation under the instruction to give the function's arguments."""
    parameters = json.dumps(function.parameters, ensure_ascii=False)
    return _under(
        f"You call the function {function.name} for the user's last message. "
        f"{function.description}\nIts parameters, as JSON Schema: {parameters}\n"
        "Answer with its arguments only, as a JSON object.",
        messages,
    )


def calls_prompt(messages: Sequence[ChatMessage], function: FunctionSpec) -> list[ChatMessage]:
    """The conversation under the instruction to give the arguments of one call or several."""
    parameters = json.dumps(function.parameters, ensure_ascii=False)
    return _under(
        f"You call the function {function.name} for the user's last message. "
        f"{function.description}\nIts parameters, as JSON Schema: {parameters}\n"
        'Answer with a JSON object {"calls": [...]} that holds the arguments of each call: one '
        "call, unless the message asks for the same with several values that one call can't "
        "take; then one for each.",
        messages,
    )


def calls_schema(function: FunctionSpec) -> dict[str, Any]:
    """JSON Schema of the answer to `calls_prompt`. What its parameters define stays at the top,
    where their references find it."""
    parameters = dict(function.parameters)
    kept: dict[str, Any] = {
        name: parameters.pop(name) for name in ("$defs", "definitions") if name in parameters
    }
    return {
        "type": "object",
        "properties": {
            "calls": {
                "type": "array", "items": parameters, "minItems": 1, "maxItems": MAX_CALLS,
            }
        },
        "required": ["calls"],
        "additionalProperties": False,
        **kept,
    }  # fmt: skip


def arguments_in(text: str, *, several: bool) -> list[dict[str, Any]]:
    """The arguments of each call in an answer: to `calls_prompt` where there may be `several`,
    else to `arguments_prompt`. Raises ValueError where there are none."""
    try:
        answer = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    made = answer.get("calls") if several and isinstance(answer, dict) else [answer]
    if not isinstance(made, list) or not made or not all(isinstance(a, dict) for a in made):
        raise ValueError("not the arguments of calls")
    return made


def _under(instruction: str, messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """One system message, whatever was there: many chat templates take no second one."""
    system = [m.content for m in messages if m.role == "system"]
    turns = [m for m in messages if m.role != "system"]
    return [ChatMessage("system", "\n\n".join([*system, instruction])), *turns]


def _reply_name(functions: Sequence[FunctionSpec]) -> str:
    name = "reply"
    while name in {f.name for f in functions}:
        name += "_"
    return name
