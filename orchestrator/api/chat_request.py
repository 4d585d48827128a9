"""The body of `POST /v1/chat/completions`, checked as strictly as OpenAI checks it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from tools.artifacts import MAX_NAME_CHARS, ArtifactKind

FunctionName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]


class Body(BaseModel):
    """Base of every request body: unknown fields are refused, and nothing is coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class TextPart(Body):
    type: Literal["text"]
    text: str


class FileData(Body):
    """A file in the request (`file_data`: base64 or a data URL), on the web, or one stored.

    With `live` the `file_url` is that of a video which is still being sent: it is watched from
    there while the request runs, and not fetched before.
    """

    filename: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    file_id: str | None = None
    live: bool = False


class FilePart(Body):
    type: Literal["file"]
    file: FileData


class ImageUrl(Body):
    url: str
    detail: str | None = None


class ImagePart(Body):
    type: Literal["image_url"]
    image_url: ImageUrl


class AudioData(Body):
    data: str
    format: str


class AudioPart(Body):
    type: Literal["input_audio"]
    input_audio: AudioData


AttachmentPart = FilePart | ImagePart | AudioPart
Part = Annotated[TextPart | AttachmentPart, Field(discriminator="type")]


class SystemMessage(Body):
    role: Literal["system", "developer"]
    content: str | list[TextPart]
    name: str | None = None


class UserMessage(Body):
    role: Literal["user"]
    content: str | list[Part]
    name: str | None = None


class CalledFunction(Body):
    name: FunctionName
    arguments: str


class MadeCall(Body):
    id: str
    type: Literal["function"]
    function: CalledFunction


class AssistantMessage(Body):
    """Clients send back what they got, with the fields that are empty here."""

    role: Literal["assistant"]
    content: str | list[TextPart] | None = None
    tool_calls: list[MadeCall] | None = None
    name: str | None = None
    refusal: str | None = None
    annotations: list[Any] | None = None
    audio: None = None
    function_call: None = None


class ToolMessage(Body):
    role: Literal["tool"]
    content: str | list[TextPart]
    tool_call_id: str


AnyMessage = Annotated[
    SystemMessage | UserMessage | AssistantMessage | ToolMessage, Field(discriminator="role")
]


class StreamOptions(Body):
    include_usage: bool = False
    include_obfuscation: bool | None = None


class Function(Body):
    name: FunctionName
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FunctionTool(Body):
    type: Literal["function"]
    function: Function


class NamedFunction(Body):
    name: FunctionName


class NamedChoice(Body):
    type: Literal["function"]
    function: NamedFunction


class SchemaFormat(Body):
    model_config = ConfigDict(populate_by_name=True)

    name: FunctionName
    description: str | None = None
    json_schema: dict[str, Any] | None = Field(default=None, alias="schema")
    strict: bool | None = None


class PlainFormat(Body):
    type: Literal["text", "json_object"]


class JsonSchemaFormat(Body):
    type: Literal["json_schema"]
    json_schema: SchemaFormat


class NamedAttachment(Body):
    """A file by name and kind, without its bytes: enough to plan with."""

    name: str = Field(min_length=1, max_length=MAX_NAME_CHARS)
    kind: ArtifactKind


class Extension(Body):
    """Switchboard's own field.

    Attributes:
        conversation: id of a stored conversation that the message continues.
        store: keep the request and the answer, as a new conversation where none is given.
        plan_only: plan and stop.
        attachments: files that are not sent, with `plan_only` alone.
        progress: a stream carries route, plan, steps and outcome as events of their own.
        timeout_s, max_steps, max_llm_calls, max_completion_tokens: what the request may take,
            below the service's own bounds.
    """

    conversation: str | None = None
    store: bool = False
    plan_only: bool = False
    attachments: list[NamedAttachment] = []
    progress: bool = False
    timeout_s: float | None = Field(default=None, gt=0)
    max_steps: int | None = Field(default=None, ge=1)
    max_llm_calls: int | None = Field(default=None, ge=0)
    max_completion_tokens: int | None = Field(default=None, ge=1)


class ChatRequest(Body):
    """Sampling settings reach the chat model where it writes by itself (functions, formats)."""

    model: str
    messages: list[AnyMessage] = Field(min_length=1)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    tools: list[FunctionTool] | None = Field(default=None, max_length=128)
    tool_choice: Literal["none", "auto", "required"] | NamedChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: (
        Annotated[PlainFormat | JsonSchemaFormat, Field(discriminator="type")] | None
    ) = None
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    seed: int | None = None
    n: int | None = None
    stop: str | list[str] | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    store: bool | None = None
    modalities: list[str] | None = None
    user: str | None = None
    metadata: dict[str, str] | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    service_tier: str | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None
    switchboard: Extension | None = None

    @field_validator("n")
    @classmethod
    def _one_answer(cls, value: int | None) -> int | None:
        if value not in (None, 1):
            raise ValueError("one answer is given to a request; leave n out, or send 1.")
        return value

    @field_validator("stop", "logit_bias", "logprobs", "top_logprobs")
    @classmethod
    def _not_served(cls, value: Any) -> Any:
        if value:
            raise ValueError("this is not served here; leave it out.")
        return value

    @field_validator("store")
    @classmethod
    def _stored_by_the_extension(cls, value: bool | None) -> bool | None:
        if value:
            raise ValueError('to keep a conversation, send {"switchboard": {"store": true}}.')
        return value

    @field_validator("modalities")
    @classmethod
    def _text_only(cls, value: list[str] | None) -> list[str] | None:
        if value not in (None, ["text"]):
            raise ValueError('answers are text; leave it out, or send ["text"].')
        return value

    @property
    def token_limit(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens
