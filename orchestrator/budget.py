"""What one request may spend on the chat model, held where the spending happens."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
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


class MeteredChat:
    """A chat model that counts what one request uses, and stops it at its bounds.

    Args:
        chat: the model behind it.
        max_calls, max_completion_tokens: bounds for the whole request.
    """

    def __init__(self, chat: ChatModel, *, max_calls: int, max_completion_tokens: int) -> None:
        self._chat = chat
        self._max_calls = max_calls
        self._max_tokens = max_completion_tokens
        self._begun = 0
        self.usage = Usage()

    @property
    def calls(self) -> int:
        """Calls of the model that were begun, those that failed among them."""
        return self._begun

    def _admit(self, max_tokens: int) -> int:
        left = self._max_tokens - self.usage.completion_tokens
        if self._begun >= self._max_calls or left <= 0:
            raise BudgetExceeded(
                f"This request has used its {self._max_calls} model calls or "
                f"{self._max_tokens} generated tokens; split it, or raise the budget."
            )
        self._begun += 1
        return min(max_tokens, left)

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
            max_tokens=self._admit(max_tokens),
            schema=schema,
            temperature=temperature,
            timeout_s=timeout_s,
        )
        self.usage += reply.usage
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
            max_tokens=self._admit(max_tokens),
            temperature=temperature,
            timeout_s=timeout_s,
        )
        async with aclosing(pieces):
            async for delta in pieces:
                if delta.usage is not None:
                    self.usage += delta.usage
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
            max_tokens=self._admit(max_tokens),
            timeout_s=timeout_s,
        )
        self.usage += made.usage
        return made
