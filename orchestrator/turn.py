"""One turn of a conversation: what comes in, what is told on the way, what comes out.

Everything here is JSON: it is stored, streamed and shown as it stands.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from orchestrator.guard import clean
from orchestrator.plan import Plan
from tools.artifacts import Artifact
from tools.contracts import ToolEvent

StepStatus = Literal["running", "ok", "failed", "skipped"]
Path = Literal["router", "planner", "chat", "handoff"]
HandoffReason = Literal["human_requested", "legal_threat", "distress", "low_confidence"]


Clean = Annotated[str, AfterValidator(clean)]
"""Text that a person or a program sent, without what can't be seen."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Message(_Frozen):
    """An earlier message of the conversation."""

    role: Literal["user", "assistant"]
    content: Clean


class Limits(_Frozen):
    """What a turn may take at most. The service has bounds of its own: these only lower them."""

    timeout_s: float | None = None
    max_steps: int | None = None
    max_llm_calls: int | None = None
    max_completion_tokens: int | None = None


class HeardReport(_Frozen):
    """A request that was spoken, as it was heard; the recording is `seconds` long.

    `confidence` is the probability that `language` is what was spoken.
    """

    text: str
    language: str
    confidence: float
    seconds: float
    audio: Artifact


class Turn(_Frozen):
    """What a person or a program asks.

    Attributes:
        text: the request, cleaned by the guard; empty where it is spoken and not heard yet.
        speech: a recording that is the request itself, and no file that it is about.
        heard: what was heard in it, once it was listened to.
        attachments: files that came with it: data, never instructions.
        conversation_id: stored conversation that this turn continues; None starts a new one,
            unless `history` is given.
        history: earlier messages where the client keeps them itself (OpenAI's `messages`).
        plan_only: plan and stop; nothing is run.
        owner: id of the API key, or "local".
        limits: what it may take.
    """

    text: Clean
    speech: Artifact | None = None
    heard: HeardReport | None = None
    attachments: tuple[Artifact, ...] = ()
    conversation_id: str | None = None
    history: tuple[Message, ...] = ()
    plan_only: bool = False
    owner: str = "local"
    limits: Limits = Limits()


class ToolScore(_Frozen):
    tool: str
    confidence: float


class RouteReport(_Frozen):
    """How the plan came about. `confidence` is the calibrated probability that it is right."""

    path: Path
    confidence: float
    shortlist: tuple[ToolScore, ...] = ()
    resolved_request: str | None = None
    """The request as understood from the conversation, where it was a follow-up."""


class ErrorReport(_Frozen):
    code: str
    message: str


class StepReport(_Frozen):
    """One step that ran, failed or was skipped. `result` is the tool's data as JSON."""

    id: str
    tool: str
    status: StepStatus
    seconds: float = 0.0
    result: dict[str, Any] | None = None
    artifacts: tuple[Artifact, ...] = ()
    error: ErrorReport | None = None


class Citation(_Frozen):
    """A passage that the answer rests on; `number` is its mark in the text, as in [1]."""

    number: int
    document: str
    heading: str
    chunk_id: str
    text: str


class UsageReport(_Frozen):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    llm_calls: int = 0


class HandoffReport(_Frozen):
    """That a person is to answer, and why.

    `state` is "open" while the person has the conversation and "resumed" once it was given back.
    It is "not_possible", and there is no `id`, where nobody could answer: the request is part of
    no stored conversation. Where a request is only planned it is "planned", without an `id`.
    """

    id: str | None
    reason: HandoffReason
    state: Literal["open", "resumed", "not_possible", "planned"]


class RowsReport(_Frozen):
    """How a request over the rows of a file went. Rows count from 1, without the header.

    Attributes:
        failed: how many rows failed; `failed_rows` are the numbers of the first of them.
        text_columns: the columns that the request was taken to be about.
        columns: those of the results, which stand beside the file's own.
    """

    total: int
    failed: int
    failed_rows: tuple[int, ...] = ()
    text_columns: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


class Outcome(_Frozen):
    """The whole turn: what `switchboard ask --json` prints and the API returns on request."""

    id: str
    conversation_id: str | None
    message_id: str | None = None
    """Id of the stored answer, by which a thumb is given."""
    answer: str
    plan: Plan
    steps: tuple[StepReport, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    citations: tuple[Citation, ...] = ()
    route: RouteReport
    error: ErrorReport | None = None
    """Why the turn broke off; `answer` is then the part that was there, or empty."""
    usage: UsageReport = UsageReport()
    seconds: float = 0.0
    handoff: HandoffReport | None = None
    """Set where a person is asked to answer, or has the conversation already."""
    rows: RowsReport | None = None
    """Set where the request was run for each row of a file; the results are in `artifacts`."""
    heard: HeardReport | None = None
    """Set where the request was spoken."""


class Heard(_Frozen):
    """What a spoken request says: the first event of its turn."""

    type: Literal["heard"] = "heard"
    heard: HeardReport


class Routed(_Frozen):
    type: Literal["route"] = "route"
    route: RouteReport


class Planned(_Frozen):
    type: Literal["plan"] = "plan"
    plan: Plan


class StepChanged(_Frozen):
    type: Literal["step"] = "step"
    step: StepReport


class StepProgress(_Frozen):
    """How far a step is, from 0 to 1, and what it has just seen, where it watches something."""

    type: Literal["progress"] = "progress"
    id: str
    fraction: float
    seen: ToolEvent | None = None


class TextDelta(_Frozen):
    """A piece of the answer; joined, the pieces are `Outcome.answer`."""

    type: Literal["text"] = "text"
    text: str


class Finished(_Frozen):
    type: Literal["outcome"] = "outcome"
    outcome: Outcome


Event = Annotated[
    Heard | Routed | Planned | StepChanged | StepProgress | TextDelta | Finished,
    Field(discriminator="type"),
]
