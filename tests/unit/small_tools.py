"""Small tools and stand-ins for what they need, so that the agent's logic is tested by itself."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, BinaryIO, ClassVar, Literal

from model_servers.contracts import (
    ChatDelta,
    ChatMessage,
    ChatReply,
    FunctionSpec,
    ModelUnavailable,
    ToolCalls,
    Usage,
)
from tools.artifacts import Artifact, Origin, Provenance
from tools.contracts import (
    DocumentSlot,
    InvalidInput,
    LanguageCode,
    RunContext,
    TextSlot,
    Tool,
    ToolArgs,
    ToolData,
    ToolResult,
)
from tools.registry import Registry


class TextArgs(ToolArgs):
    text: TextSlot


class TextData(ToolData):
    text: str


class TranslateText(Tool):
    name = "translate_text"
    description = "Translates a text. Any pair of languages."
    examples = ("Translate this into French", "put it into German")
    outputs: ClassVar = {"text": "text"}
    prose = True

    class Args(TextArgs):
        target_language: LanguageCode
        source_language: LanguageCode | None = None

    Result = TextData

    async def __call__(self, args: Any, ctx: RunContext) -> ToolResult:
        text = f"{args.target_language}:{args.text}"
        for piece in (text[:2], text[2:]):
            ctx.write(piece)
        return ToolResult(TextData(text=text))


class SummarizeText(Tool):
    name = "summarize_text"
    description = "Summarizes a text."
    examples = ("Summarize this", "tl;dr")
    outputs: ClassVar = {"text": "text"}
    prose = True

    class Args(TextArgs):
        language: LanguageCode | None = None
        sentences: int | None = None

    Result = TextData

    async def __call__(self, args: Any, ctx: RunContext) -> ToolResult:
        return ToolResult(TextData(text=f"sum({args.text})"))


class ExtractEntities(Tool):
    name = "extract_entities"
    description = "Finds names in a text."
    examples = ("List the people in it", "who is mentioned")
    outputs: ClassVar = {"entities": "entities"}

    class Args(TextArgs):
        types: list[Literal["person", "place", "organisation"]] | None = None
        redact: bool | None = None

    class Result(ToolData):
        entities: list[dict[str, Any]]

    async def __call__(self, args: Any, ctx: RunContext) -> ToolResult:
        words = [{"type": "person", "text": w} for w in args.text.split() if w.istitle()]
        return ToolResult(self.Result(entities=words))


class ClassifyText(Tool):
    name = "classify_text"
    description = "Says which label fits a text."
    examples = ("Is this good or bad?", "which department is it for")
    outputs: ClassVar = {"labels": "labels"}

    class Args(TextArgs):
        labels: list[str] | None = None
        task: Literal["sentiment", "topic", "language"] | None = None

    class Result(ToolData):
        labels: list[dict[str, Any]]

    async def __call__(self, args: Any, ctx: RunContext) -> ToolResult:
        return ToolResult(self.Result(labels=[{"label": "good", "score": 1.0}]))


class AnswerQuestion(Tool):
    name = "answer_question"
    description = "Answers questions from the handbook or a document."
    examples = ("How long can I return shoes?", "what does the contract say")
    outputs: ClassVar = {"answer": "text"}
    prose = True

    class Args(ToolArgs):
        question: str
        document: DocumentSlot | None = None
        context: TextSlot | None = None
        language: LanguageCode | None = None

    class Result(ToolData):
        answer: str
        citations: list[dict[str, Any]]

    async def __call__(self, args: Any, ctx: RunContext) -> ToolResult:
        cited = {
            "number": 1, "document": "a.md", "heading": ["A"], "chunk_id": "c1", "text": "30 days"
        }  # fmt: skip
        return ToolResult(self.Result(answer="30 days [1]", citations=[cited]))


class Failing(Tool):
    """Raises what it is told to; `flaky` works at its second call."""

    name = "fail"
    description = "Fails."
    examples = ("fail",)
    outputs: ClassVar = {"text": "text"}

    class Args(TextArgs):
        how: Literal["typed", "bug", "flaky", "hang"] = "typed"

    Result = TextData

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self, args: Any, ctx: RunContext) -> ToolResult:
        self.calls += 1
        if args.how == "typed":
            raise InvalidInput("That can't be done.")
        if args.how == "bug":
            raise ZeroDivisionError("secret detail")
        if args.how == "hang":
            await asyncio.Event().wait()
        if self.calls == 1:
            raise ModelUnavailable("Busy.")
        return ToolResult(TextData(text="worked"))


class FakeChat:
    """Replies from a queue, and keeps what it was asked."""

    def __init__(self, *replies: str) -> None:
        self.replies = list(replies)
        self.asked: list[Sequence[ChatMessage]] = []
        self.schemas: list[Mapping[str, Any] | None] = []

    async def complete(
        self,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int,
        schema: Mapping[str, Any] | None = None,
        temperature: float = 0.0,
        timeout_s: float = 120.0,
    ) -> ChatReply:
        self.asked.append(messages)
        self.schemas.append(schema)
        text = self.replies.pop(0)
        return ChatReply(text, "stop", Usage(10, len(text), 1))

    async def stream(
        self,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        timeout_s: float = 120.0,
    ) -> AsyncGenerator[ChatDelta, None]:
        reply = await self.complete(messages, max_tokens=max_tokens)
        for word in reply.text.split(" "):
            yield ChatDelta(word + " ")
        yield ChatDelta("", "stop", reply.usage)

    async def call(
        self, messages: Sequence[ChatMessage], functions: Sequence[FunctionSpec], **options: Any
    ) -> ToolCalls:
        raise NotImplementedError


class FakeArtifacts:
    """Files in a dict."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def put(
        self, data: bytes, *, name: str, origin: Origin, provenance: Provenance | None = None
    ) -> Artifact:
        id_ = f"{len(self.files):064x}"
        self.files[id_] = data
        return Artifact(
            id=id_, kind="document", media_type="text/plain", size=len(data), name=name,
            origin=origin, provenance=provenance,
        )  # fmt: skip

    def get(self, artifact_id: str) -> Artifact:
        raise NotImplementedError

    def open(self, artifact_id: str) -> BinaryIO:
        return io.BytesIO(self.files[artifact_id])


def registry() -> Registry:
    return Registry(
        [ClassifyText(), ExtractEntities(), SummarizeText(), TranslateText(), AnswerQuestion(),
         Failing()]
    )  # fmt: skip


def context(chat: Any = None, *, seconds: float = 30.0) -> RunContext:
    return RunContext(
        models=None,  # type: ignore[arg-type]
        chat=chat or FakeChat(),
        artifacts=FakeArtifacts(),
        knowledge=None,  # type: ignore[arg-type]
        deadline=time.monotonic() + seconds,
    )
