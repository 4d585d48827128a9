"""The shapes of chat completions: whole, and in chunks."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import uuid4

from model_servers.contracts import Usage
from orchestrator.api.streams import sse
from orchestrator.turn import UsageReport

FinishReason = Literal["stop", "length", "tool_calls"]


def usage_json(usage: Usage | UsageReport) -> dict[str, Any]:
    """OpenAI's fields, and beside them how often the chat model was called."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "llm_calls": usage.llm_calls,
    }


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer under way: what its chunks, or the whole of it, have in common."""

    model: str
    include_usage: bool = False
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(
        self,
        text: str | None,
        usage: Usage | UsageReport,
        *,
        finish: FinishReason = "stop",
        tool_calls: list[dict[str, Any]] | None = None,
    ) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
        if tool_calls:
            message["tool_calls"] = tool_calls
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
        return {
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": [choice],
            "usage": usage_json(usage),
        }

    def first(self) -> bytes:
        return self._chunk({"role": "assistant", "content": ""})

    def text(self, text: str) -> bytes:
        return self._chunk({"content": text})

    def tool_calls(self, calls: list[dict[str, Any]]) -> bytes:
        return self._chunk(
            {"tool_calls": [{"index": index, **call} for index, call in enumerate(calls)]}
        )

    def last(self, usage: Usage | UsageReport, finish: FinishReason = "stop") -> bytes:
        """The chunk that ends the answer, and the one with the usage where it was asked for."""
        end = self._chunk({}, finish)
        if not self.include_usage:
            return end
        return end + sse(self._envelope([]) | {"usage": usage_json(usage)})

    def beside(self, event: dict[str, Any]) -> bytes:
        """An event of the agent, named `switchboard`. It is a chunk without text as well: clients
        that know chunks alone take every event for one. The event's own fields go before, so that
        progress has the `id` of its step."""
        return sse(self._envelope([_choice({})]) | event, event="switchboard")

    def _chunk(self, delta: dict[str, Any], finish: FinishReason | None = None) -> bytes:
        return sse(self._envelope([_choice(delta, finish)]))

    def _envelope(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        chunk: dict[str, Any] = {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": choices,
        }
        if self.include_usage:
            chunk["usage"] = None
        return chunk


def _choice(delta: dict[str, Any], finish: FinishReason | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
