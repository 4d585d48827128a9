"""What one request may spend on the chat model, held where the spending happens."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from model_servers.contracts import (
    ChatDelta,
    ChatMessage,
    ChatModel,
    ChatReply,
    FunctionSpec,
    SwitchboardError,
    ToolCalls,
    Usage,
)


class BudgetExceeded(SwitchboardError):
    """The request has used the tokens or calls that it was allowed."""

    code = "budget_exceeded"
    http_status = 422


@dataclass(slots=True)
class _Spent:
    """What a request may use of all models together, and has."""

    max_calls: int
    max_tokens: int
    begun: int = 0
    usage: Usage = field(default_factory=Usage)

    def admit(self, max_tokens: int) -> int:
        """How many of the tokens a call may make that begins now. Raises BudgetExceeded."""
        left = self.max_tokens - self.usage.completion_tokens
        if self.begun >= self.max_calls or left <= 0:
            raise BudgetExceeded(
                f"This request has used its {self.max_calls} model calls or "
                f"{self.max_tokens} generated tokens; split it, or raise the budget."
            )
        self.begun += 1
        return min(max_tokens, left)


class MeteredChat:
    """A chat model that counts what one request uses, and stops it at its bounds.

    Args:
        chat: the model behind it.
        max_calls, max_completion_tokens: bounds for the whole request.
    """

    def __init__(self, chat: ChatModel, *, max_calls: int, max_completion_tokens: int) -> None:
        self._chat = chat
        self._spent = _Spent(max_calls, max_completion_tokens)

    def beside(self, chat: ChatModel) -> MeteredChat:
        """Another model, whose calls and tokens count for the same request."""
        metered = copy(self)
        metered._chat = chat
        return metered

    @property
    def calls(self) -> int:
        """Calls that were begun, those that failed among them."""
        return self._spent.begun

    @property
    def usage(self) -> Usage:
        """What they used."""
        return self._spent.usage

    async def complete(
        self,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int,
        schema: Mapping[str, Any] | None = None,
        temperature: float = 0.0,
        timeout_s: float = 120.0,
    ) -> ChatReply:
        reply = await self._chat.complete(
            messages,
            max_tokens=self._spent.admit(max_tokens),
            schema=schema,
            temperature=temperature,
            timeout_s=timeout_s,
        )
        self._spent.usage += reply.usage
        return reply

    async def stream(
        self,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        timeout_s: float = 120.0,
    ) -> AsyncGenerator[ChatDelta, None]:
        pieces = self._chat.stream(
            messages,
            max_tokens=self._spent.admit(max_tokens),
            temperature=temperature,
            timeout_s=timeout_s,
        )
        async with aclosing(pieces):
            async for delta in pieces:
                if delta.usage is not None:
                    self._spent.usage += delta.usage
                yield delta

    async def call(
        self,
        messages: Sequence[ChatMessage],
        functions: Sequence[FunctionSpec],
        *,
        choice: str = "auto",
        parallel: bool = False,
        max_tokens: int = 512,
        timeout_s: float = 120.0,
    ) -> ToolCalls:
        made = await self._chat.call(
            messages,
            functions,
            choice=choice,
            parallel=parallel,
            max_tokens=self._spent.admit(max_tokens),
            timeout_s=timeout_s,
        )
        self._spent.usage += made.usage
        return made
