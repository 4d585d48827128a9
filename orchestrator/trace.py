"""A trace: one request as a tree of spans."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Kind = Literal["turn", "task", "tool", "call"]
"""A turn of a conversation, a task, a tool by itself; "call" is what the API does without them:
the chat model's own answers, vectors, a search."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class TracedSpan(_Frozen):
    """A piece of work. `start_ms` counts from the beginning of the trace; `error` is a code."""

    name: str
    start_ms: float
    duration_ms: float
    error: str | None = None
    attributes: dict[str, Any] = {}
    spans: tuple[TracedSpan, ...] = ()


class TraceSummary(_Frozen):
    """A line in the list of traces."""

    id: str
    kind: Kind
    request_id: str | None = None
    begun_at: datetime
    duration_ms: float
    error: str | None = None
    attributes: dict[str, Any] = {}


class Trace(TraceSummary):
    """One request from its beginning to its end. `id` is the outcome's, which is the task's.

    `dropped_spans` counts those that found no room.
    """

    spans: tuple[TracedSpan, ...] = ()
    dropped_spans: int = 0
