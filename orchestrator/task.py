"""One task: a request that is kept until it is done, and what is told of it on the way.

Everything here is JSON: it is stored, streamed and shown as it stands.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from orchestrator.turn import ErrorReport, Event
from tools.artifacts import Artifact

TaskState = Literal["queued", "running", "succeeded", "failed", "cancelled"]
FinalState = Literal["succeeded", "failed", "cancelled"]
UNFINISHED = ("queued", "running")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class TaskRequest(_Frozen):
    """What is asked for; with `each` it is asked for every row of its one file."""

    text: str
    attachments: tuple[Artifact, ...] = ()
    conversation_id: str | None = None
    each: bool = False

    @property
    def fingerprint(self) -> str:
        """The same for requests that ask for the same."""
        files = [file.id for file in self.attachments]
        asked = [self.text, files, self.conversation_id, self.each]
        return hashlib.sha256(json.dumps(asked).encode("utf-8", "surrogatepass")).hexdigest()


class Progress(_Frozen):
    done: int
    total: int


class RowsDone(_Frozen):
    """How far a task with `each` is; `failed` rows are among those done."""

    type: Literal["rows"] = "rows"
    done: int
    total: int
    failed: int = 0


class TaskChanged(_Frozen):
    """That it waits, that it runs, and last how it ended."""

    type: Literal["task"] = "task"
    state: TaskState


TaskEvent = Event | RowsDone | TaskChanged


class Task(_Frozen):
    """A task as it stands.

    Attributes:
        outcome: what it gave: the Outcome of a turn as JSON, or what was made of the rows. A
            failed task has one where its steps ran.
        attempts: times it was begun since it last got on: by a step, or by rows.
    """

    id: str
    owner: str
    state: TaskState
    request: TaskRequest
    progress: Progress | None = None
    outcome: dict[str, Any] | None = None
    error: ErrorReport | None = None
    attempts: int = 0
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def is_finished(self) -> bool:
        return self.state not in UNFINISHED
