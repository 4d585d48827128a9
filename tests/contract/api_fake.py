"""A service without models behind the HTTP API: what it is asked is recorded."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import httpx
import numpy as np

from model_servers.contracts import (
    ChatDelta,
    ChatMessage,
    ChatReply,
    FunctionSpec,
    ModelBusy,
    ModelUnavailable,
    ToolCall,
    ToolCalls,
    Usage,
)
from orchestrator.admission import Admission, Bounds
from orchestrator.api.app import create_app
from orchestrator.api.batch_answers import answer_request
from orchestrator.batches import Batches, BatchStore
from orchestrator.conversations import ConversationStore
from orchestrator.database import Database, database_at
from orchestrator.executor import run_tool
from orchestrator.file_links import FileLinks
from orchestrator.files import FileStore
from orchestrator.handoffs import Handoff, HandoffStore
from orchestrator.keys import KeyStore
from orchestrator.plan import Plan, Step
from orchestrator.row_store import RowStore
from orchestrator.settings import Settings
from orchestrator.traces import TraceStore
from orchestrator.tracing import Tracer
from orchestrator.turn import (
    Event,
    Finished,
    Outcome,
    Planned,
    Routed,
    RouteReport,
    StepChanged,
    StepProgress,
    StepReport,
    TextDelta,
    Turn,
    UsageReport,
)
from tools.artifacts import FileArtifactStore
from tools.contracts import (
    DocumentSlot,
    InvalidInput,
    Kind,
    LanguageCode,
    NotFound,
    RunContext,
    TextSlot,
    Tool,
    ToolArgs,
    ToolData,
    ToolResult,
)
from tools.knowledge.passages import Document, document_id
from tools.registry import Registry
from tools.web import WebFetcher


class ShoutArgs(ToolArgs):
    text: TextSlot
    target_language: LanguageCode | None = None


class ShoutResult(ToolData):
    text: str


class Shout(Tool):
    name: ClassVar[str] = "shout"
    description: ClassVar[str] = "Writes a text in capitals."
    examples: ClassVar[tuple[str, ...]] = ("Shout this",)
    Args: ClassVar[type[ToolArgs]] = ShoutArgs
    Result: ClassVar[type[ToolData]] = ShoutResult
    outputs: ClassVar[Mapping[str, Kind]] = {"text": "text"}

    async def __call__(self, args: Any, ctx: RunContext) -> ToolResult:
        if args.text == "break":
            raise RuntimeError("a bug, with /a/path in it")
        return ToolResult(ShoutResult(text=args.text.upper()), usage=Usage(3, 2, 1))


class WeighArgs(ToolArgs):
    document: DocumentSlot
    unit: LanguageCode


class WeighResult(ToolData):
    size: float


class Weigh(Tool):
    name: ClassVar[str] = "weigh_document"
    description: ClassVar[str] = "Says how large a document is."
    examples: ClassVar[tuple[str, ...]] = ("How large is this?",)
    Args: ClassVar[type[ToolArgs]] = WeighArgs
    Result: ClassVar[type[ToolData]] = WeighResult
    outputs: ClassVar[Mapping[str, Kind]] = {"size": "labels"}

    async def __call__(self, args: Any, ctx: RunContext) -> ToolResult:
        return ToolResult(WeighResult(size=float(args.document.size)), (args.document,))


class FakeChat:
    """Calls the first function where the last message says "call"; otherwise it echoes."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    async def complete(self, messages: Sequence[ChatMessage], **more: Any) -> ChatReply:
        self.asked.append({"messages": messages, **more})
        if more.get("schema"):
            return ChatReply('{"city": "Lisbon"}', "stop", Usage(5, 4, 1))
        return ChatReply(f"echo {messages[-1].content}", "length", Usage(5, 4, 1))

    async def stream(
        self, messages: Sequence[ChatMessage], **more: Any
    ) -> AsyncGenerator[ChatDelta, None]:
        self.asked.append({"messages": messages, **more})
        yield ChatDelta("echo ")
        yield ChatDelta(messages[-1].content)
        yield ChatDelta("", "stop", Usage(5, 4, 1))

    async def call(
        self, messages: Sequence[ChatMessage], functions: Sequence[FunctionSpec], **more: Any
    ) -> ToolCalls:
        self.asked.append({"messages": messages, "functions": functions, **more})
        if "call" not in messages[-1].content:
            return ToolCalls((), Usage(4, 1, 1))
        return ToolCalls((ToolCall(functions[0].name, {"city": "Lisboa ☀"}),), Usage(9, 3, 2))


class FakeModels:
    async def predict(self, name: str, items: Sequence[Any], **_: Any) -> list[Any]:
        first = 1.0 if name == "minilm" else 2.0
        return [np.eye(1, 384, dtype=np.float32)[0] * first for _ in items]


class FakeKnowledge:
    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}

    async def add(self, name: str, text: str, *, collection: str) -> Document:
        if not collection.isalnum():
            raise InvalidInput("A collection's name is letters and digits.", param="collection")
        document = Document(
            id=document_id(collection, name),
            name=name,
            collection=collection,
            source=name,
            language="en",
            chunks=len(text.split("\n\n")),
            content_hash="0",
        )
        self.documents[document.id] = document
        return document

    async def remove(self, document: str, collection: str) -> Document:
        removed = self.documents.pop(document, None)
        if removed is None:
            raise NotFound(f"There is no document {document!r} in {collection!r}.")
        return removed

    async def list(self, collection: str | None = None) -> Any:
        if collection is not None and not collection.isalnum():
            raise InvalidInput("A collection's name is letters and digits.", param="collection")
        return [d for d in self.documents.values() if collection in (None, d.collection)]

    async def search(self, query: str, *, collection: str, limit: int) -> Any:
        return [{"chunk_id": "c1", "text": query, "score": 0.5}][:limit]

    async def passage(self, chunk_id: str) -> dict[str, str]:
        if chunk_id != "c1":
            raise NotFound("There is no such passage.")
        return {"chunk_id": chunk_id, "text": "Thirty days."}


PLAN = Plan(steps=(Step(id="s1", tool="shout", args={"text": "input:request"}),))
ROUTE = RouteReport(path="router", confidence=0.9)


class FakeService:
    def __init__(self, settings: Settings, database: Database, home: Path) -> None:
        self.settings = settings
        self.registry = Registry([Shout(), Weigh()])
        self.models: Any = FakeModels()
        self.chat: Any = FakeChat()
        self.artifacts = FileArtifactStore(home, max_file_bytes=10**6, quota_bytes=10**8)
        self.knowledge: Any = FakeKnowledge()
        self.conversations = ConversationStore(database)
        self.handoffs = HandoffStore(database)
        self.keys = KeyStore(database)
        self.traces = TraceStore(database, kept=100)
        self.tracer = Tracer(self.traces, versions={})
        self.admission = Admission(Bounds())
        self.files = FileStore(database, self.artifacts)
        self.links = FileLinks(b"key", 3_600)
        self.web = WebFetcher()
        self.batches = Batches(
            BatchStore(database),
            RowStore(database),
            self.files,
            self.artifacts,
            functools.partial(answer_request, self),  # type: ignore[arg-type]
        )
        self.turns: list[Turn] = []
        self.working = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def run(self, turn: Turn) -> AsyncGenerator[Event, None]:
        self.turns.append(turn)
        if turn.conversation_id is not None:
            await self.conversations.messages(turn.conversation_id, turn.owner)
            await self.conversations.append(turn.conversation_id, "user", turn.text)
        if turn.text == "bad":
            raise InvalidInput("That is no good; say something else.")
        if turn.text == "busy":
            raise ModelBusy("Too much just now.", retry_after_s=7.4)
        yield Routed(route=ROUTE)
        if turn.text == "hang":
            self.working.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.cancelled.set()
        yield Planned(plan=PLAN)
        steps = (StepReport(id="s1", tool="shout", status="ok", result={"text": "HELLO"}),)
        answer = ""
        if not turn.plan_only:
            yield StepChanged(step=steps[0])
            yield StepProgress(id="s1", fraction=1.0)
            for piece in ("HEL", "LO 😀"):
                answer += piece
                # Timeouts must be left in the task that entered them.
                async with asyncio.timeout(5):
                    yield TextDelta(text=piece)
            if turn.text == "fail late":
                raise ModelUnavailable("The model went away; try again.")
            if turn.text == "break late":
                raise RuntimeError("a bug, with /a/path in it")
        message_id = None
        if turn.conversation_id is not None:
            message_id = await self.conversations.append(turn.conversation_id, "assistant", answer)
        outcome = Outcome(
            id="turn_1",
            conversation_id=turn.conversation_id,
            message_id=message_id,
            answer=answer,
            plan=PLAN,
            steps=steps,
            route=ROUTE,
            usage=UsageReport(prompt_tokens=7, completion_tokens=2, total_tokens=9, llm_calls=1),
        )
        yield Finished(outcome=outcome)

    async def run_tool(self, name: str, arguments: Mapping[str, Any], *, owner: str) -> ToolResult:
        return await run_tool(self.registry[name], arguments, None)  # type: ignore[arg-type]

    async def resume(self, handoff_id: str) -> Handoff:
        return await self.handoffs.resume(handoff_id)

    async def close(self) -> None: ...


@asynccontextmanager
async def fake_service(folder: Path, **settings: Any) -> AsyncIterator[FakeService]:
    async with database_at(f"sqlite:///{folder}/state.db") as database:
        chosen = Settings(home=folder, **settings)
        service = FakeService(chosen, database, folder / "artifacts")
        yield service
        await service.batches.close()
        await service.traces.close()


def client_of(
    service: FakeService, *, base_url: str = "http://127.0.0.1:8000", **more: Any
) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_app(service))
    return httpx.AsyncClient(transport=transport, base_url=base_url, **more)
