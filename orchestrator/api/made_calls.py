"""Calls of a client's own functions that a conversation already holds the results of.

A small chat model makes a call again whose result it has been given, and again with the next
result: an order would be looked up for ever, and a mail sent each time.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from model_servers.contracts import ChatMessage, ToolCall
from orchestrator.api.chat_request import AnyMessage, AssistantMessage, ToolMessage, UserMessage

_IN_WORDS = "Answer my request in words, from the results."


def settled_calls(messages: Sequence[AnyMessage]) -> list[ToolCall]:
    """The calls that have their results, of those made since the user's last message."""
    said = [index for index, message in enumerate(messages) if isinstance(message, UserMessage)]
    since = messages[said[-1] + 1 :] if said else messages
    answered = {message.tool_call_id for message in since if isinstance(message, ToolMessage)}
    return [
        ToolCall(call.function.name, arguments)
        for message in since
        if isinstance(message, AssistantMessage)
        for call in message.tool_calls or ()
        if call.id in answered and (arguments := _object(call.function.arguments)) is not None
    ]


def unsettled(calls: Iterable[ToolCall], settled: Collection[ToolCall]) -> tuple[ToolCall, ...]:
    """The calls without those that are settled: the same function with the same arguments."""
    return tuple(call for call in calls if call not in settled)


def asking_for_words(prompt: Sequence[ChatMessage]) -> list[ChatMessage]:
    """A prompt that ends with results, for an answer: without being told, a small model may write
    down the next call as if that were one."""
    *earlier, last = prompt
    return [*earlier, ChatMessage(last.role, f"{last.content}\n\n{_IN_WORDS}")]


def _object(text: str) -> dict[str, Any] | None:
    """The JSON object in a text; what a client sends back need not be one."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
