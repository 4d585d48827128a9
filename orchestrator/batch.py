"""OpenAI's batches: what is kept of one, and the lines that it is made of."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

BatchState = Literal[
    "validating", "in_progress", "finalizing", "completed", "failed", "cancelled", "expired"
]
UNFINISHED: tuple[BatchState, ...] = ("validating", "in_progress", "finalizing")
Endpoint = Literal["/v1/chat/completions", "/v1/embeddings"]
WINDOW = timedelta(hours=24)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class BatchError(_Frozen):
    """Why a batch as a whole failed."""

    code: str
    message: str
    line: int | None = None
    param: str | None = None


class RequestCounts(_Frozen):
    total: int = 0
    completed: int = 0
    failed: int = 0


class Batch(_Frozen):
    """A batch as it stands. Times are set when it enters the state of that name."""

    id: str
    owner: str
    state: BatchState = "validating"
    endpoint: Endpoint
    input_file_id: str
    metadata: dict[str, str] | None = None
    errors: tuple[BatchError, ...] = ()
    output_file_id: str | None = None
    error_file_id: str | None = None
    counts: RequestCounts = RequestCounts()
    times: dict[str, datetime] = Field(default_factory=dict)
    created_at: datetime

    @property
    def expires_at(self) -> datetime:
        return self.created_at + WINDOW

    @property
    def is_finished(self) -> bool:
        return self.state not in UNFINISHED


class Line(_Frozen):
    """One request of a batch's file; `error` says what is wrong with the line itself."""

    number: int
    custom_id: str | None = None
    body: dict[str, Any] = Field(default_factory=dict)
    error: str | None = None
