"""What a recording tells of the chat model's calls: sizes, tokens and times, never the words."""

from __future__ import annotations

import functools
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from typing import Any

from model_servers.contracts import ChatDelta, ChatMessage, FunctionSpec, SwitchboardError, Usage
from model_servers.spans import Span, leaf

Pieces = Callable[
    [Any, Sequence[ChatMessage], Mapping[str, Any], float], AsyncGenerator[ChatDelta, None]
]
FunctionCall = Callable[
    [Any, Sequence[ChatMessage], FunctionSpec, int, float], Awaitable[tuple[str, Usage]]
]


def recorded_pieces(pieces: Pieces) -> Pieces:
    """Record each reply that a chat model with an `endpoint` makes in pieces."""

    @functools.wraps(pieces)
    async def recorded(
        chat: Any, messages: Sequence[ChatMessage], options: Mapping[str, Any], timeout_s: float
    ) -> AsyncGenerator[ChatDelta, None]:
        constrained = "response_format" in options
        with _call(messages, options["max_tokens"], constrained=constrained) as call:
            async with aclosing(pieces(chat, messages, options, timeout_s)) as deltas:
                async for delta in deltas:
                    if "model" not in call.attributes:
                        first_ms = round(1000 * (time.perf_counter() - call.begun), 3)
                        call.note(model=await chat.endpoint.model_name(), first_piece_ms=first_ms)
                    if delta.usage is not None:
                        _note_usage(call, delta.usage)
                        call.note(finish_reason=delta.finish_reason)
                        call.end()  # whoever has the last piece need not ask for another
                    yield delta

    return recorded


def recorded_function_call(ask: FunctionCall) -> FunctionCall:
    """Record each call of a function that the endpoint itself holds to its schema."""

    @functools.wraps(ask)
    async def recorded(
        chat: Any,
        messages: Sequence[ChatMessage],
        function: FunctionSpec,
        max_tokens: int,
        timeout_s: float,
    ) -> tuple[str, Usage]:
        with _call(messages, max_tokens, constrained=True) as call:
            text, usage = await ask(chat, messages, function, max_tokens, timeout_s)
            _note_usage(call, usage)
            call.note(model=await chat.endpoint.model_name())
            return text, usage

    return recorded


@contextmanager
def recorded_failure() -> Iterator[None]:
    """Record a try that fails: the next one may do better, and nobody hears of this one."""
    begun = time.perf_counter()
    try:
        yield
    except SwitchboardError as error:
        with leaf("llm_try") as failed:
            failed.begun = begun
            failed.end(error)
        raise


@contextmanager
def _call(messages: Sequence[ChatMessage], max_tokens: int, *, constrained: bool) -> Iterator[Span]:
    chars = sum(len(message.content) for message in messages)
    about = {"prompt_chars": chars, "max_tokens": max_tokens, "constrained": constrained}
    with leaf("llm", **about) as call:
        yield call


def _note_usage(call: Span, usage: Usage) -> None:
    call.note(
        prompt_tokens=usage.prompt_tokens,
        cached_tokens=usage.cached_tokens,
        completion_tokens=usage.completion_tokens,
    )
