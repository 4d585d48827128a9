"""What every model server is, and the root of the error tree.

This is the lowest layer: nothing here knows of tools, plans, users or the environment.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, TypeVar, runtime_checkable


class SwitchboardError(Exception):
    """Root of every error that Switchboard raises on purpose.

    The message is written for the person who gets it: what was wrong, and what to do. It never
    holds a secret or a path of the server.

    Attributes:
        code: stable, machine-readable name, as in OpenAI's `error.code`.
        http_status: the status an HTTP client sees.
        retryable: whether the same call may succeed later, unchanged.
        param: the argument that was wrong, where there is one.
        retry_after_s: how long to wait before the next try, where that is known.
        retried: it was tried again as often as makes sense; who gets it does not try it again.
    """

    code: ClassVar[str] = "internal_error"
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(
        self, message: str, *, param: str | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after_s = retry_after_s
        self.retried = False


class ModelError(SwitchboardError):
    """A model, its weights or its runtime failed."""

    code = "model_error"


class ModelUnavailable(ModelError):
    """The model can't be reached, loaded or served just now."""

    code = "model_unavailable"
    http_status = 503
    retryable = True


class WeightsError(ModelError):
    """Weights are missing, do not match their hash, or could not be stored."""

    code = "weights_error"
    http_status = 503


class ProfileError(ModelError):
    """The active profile has no model for this capability; the message names one that has."""

    code = "profile_unsupported"
    http_status = 501


class ContextTooLong(ModelError):
    """The prompt does not fit the chat model's context window."""

    code = "context_length_exceeded"
    http_status = 400


class ModelRefused(ModelError):
    """The chat model's endpoint does not take this request: a parameter or a schema is wrong."""

    code = "invalid_request"
    http_status = 400


class ModelBusy(ModelError):
    """The chat model's endpoint takes no more requests just now."""

    code = "rate_limit_exceeded"
    http_status = 429
    retryable = True


class DeadlineExceeded(SwitchboardError):
    """The time allowed for this work is over."""

    code = "deadline_exceeded"
    http_status = 504
    retryable = True


@dataclass(frozen=True, slots=True)
class ItemError:
    """One item of a batch that failed while its neighbours did not."""

    message: str
    code: str = "item_error"


I_contra = TypeVar("I_contra", contravariant=True)
O_co = TypeVar("O_co", covariant=True)


@runtime_checkable
class ModelServer(Protocol[I_contra, O_co]):
    """Turns a batch of inputs into a batch of outputs of the same length and order.

    Blocking by design: the pool calls it from worker threads, Ray Serve from a replica.
    """

    def load(self) -> None:
        """Bring the weights into memory. Raises ModelError."""

    def predict(self, batch: Sequence[I_contra]) -> Sequence[O_co | ItemError]:
        """One output, or ItemError, for each input, in order."""

    def unload(self) -> None:
        """Give the memory back; `load` may be called again."""


Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that the chat model read and wrote, and how often it was called.

    `cached_tokens` of the prompt came from the server's prefix cache, where it tells.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    llm_calls: int = 0
    cached_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.llm_calls + other.llm_calls,
            self.cached_tokens + other.cached_tokens,
        )


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """`images` are pictures as data URLs, for a model that sees."""

    role: Role
    content: str
    images: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChatReply:
    """A whole reply. `finish_reason` is "length" when max_tokens cut it."""

    text: str
    finish_reason: Literal["stop", "length"]
    usage: Usage


@dataclass(frozen=True, slots=True)
class ChatDelta:
    """A piece of a streamed reply; the last one has `finish_reason` and `usage`."""

    text: str
    finish_reason: Literal["stop", "length"] | None = None
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """A function that a client offers to the model; `parameters` is a JSON Schema object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of one offered function."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCalls:
    """The calls that answer a conversation; `usage` counts what it took to decide on them, and
    on none."""

    calls: tuple[ToolCall, ...]
    usage: Usage


class ChatModel(Protocol):
    """The one way to an LLM, whatever serves it."""

    async def complete(
        self,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int,
        schema: Mapping[str, Any] | None = None,
        temperature: float = 0.0,
        timeout_s: float = 120.0,
    ) -> ChatReply:
        """One reply; with `schema` (JSON Schema) its text is constrained to it.

        A constrained reply may still be cut by `max_tokens`: check `finish_reason`.
        Raises ModelUnavailable, ContextTooLong, DeadlineExceeded, ModelError.
        """
        ...

    def stream(
        self,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        timeout_s: float = 120.0,
    ) -> AsyncGenerator[ChatDelta, None]:
        """The reply in pieces. Closing the iterator (`aclose`) stops the generation."""
        ...

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
        """The call of one of `functions` that answers `messages`; none where none is needed.

        `choice` is "auto" (the model decides), "required" (some function), or the name of one;
        where `parallel` is set, the function may be called several times, each time for another
        thing that is asked.
        Raises as `complete` does; ModelError too when the arguments are cut by `max_tokens`.
        """
        ...
