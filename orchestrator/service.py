"""The whole of Switchboard in one process: opened once, asked many times, closed once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pydantic import SecretStr

from model_servers.contracts import DeadlineExceeded
from orchestrator.budget import MeteredChat
from orchestrator.composer import Composer
from orchestrator.conversations import ConversationStore, StoredMessage
from orchestrator.database import open_database
from orchestrator.executor import run_tool
from orchestrator.keys import KeyStore
from orchestrator.plan import Plan
from orchestrator.router import Router
from orchestrator.settings import Settings
from orchestrator.turn import (
    Event,
    Finished,
    Message,
    Outcome,
    RouteReport,
    StepReport,
    Turn,
    UsageReport,
)
from tools.artifacts import FileArtifactStore
from tools.contracts import RunContext, ToolResult
from tools.registry import Registry, load_registry

if TYPE_CHECKING:
    from model_servers.chat_endpoint import ChatEndpoint
    from model_servers.contracts import ChatModel
    from model_servers.pool import ModelPool
    from model_servers.store import ModelStore
    from tools.knowledge.base import KnowledgeBase

MAX_CALLS_A_REQUEST = 40
MAX_COMPLETION_TOKENS_A_REQUEST = 8_000
_HISTORY_MESSAGES = 20
_CHECKPOINTS = "checkpoints.db"


class Service:
    """Use `open_service` to make one, and `close` it."""

    def __init__(
        self,
        settings: Settings,
        *,
        registry: Registry,
        models: ModelPool,
        chat: ChatModel,
        artifacts: FileArtifactStore,
        knowledge: KnowledgeBase,
        conversations: ConversationStore,
        keys: KeyStore,
        composer: Composer,
        agent: Any,
        resources: AsyncExitStack,
    ) -> None:
        self.settings = settings
        self.registry = registry
        self.models = models
        self.chat = chat
        self.artifacts = artifacts
        self.knowledge = knowledge
        self.conversations = conversations
        self.keys = keys
        self._composer = composer
        self._agent = agent
        self._resources = resources

    async def run(self, turn: Turn) -> AsyncGenerator[Event, None]:
        """The agent at work on one turn; the last event is the outcome.

        Closing the generator cancels the work. Raises SwitchboardError where the turn as a whole
        can't be served; a step that fails is part of the outcome instead.
        """
        events: asyncio.Queue[Event | None] = asyncio.Queue()
        work = asyncio.create_task(self._turn(turn, events.put_nowait))
        work.add_done_callback(lambda _: events.put_nowait(None))
        try:
            while (event := await events.get()) is not None:
                yield event
            await work
        finally:
            work.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await work

    async def run_tool(self, name: str, arguments: Mapping[str, Any], *, owner: str) -> ToolResult:
        """One tool by itself. Raises NotFound, InvalidInput and what the tool raises."""
        tool = self.registry[name]
        chat = self._meter()
        ctx = self._context(chat)
        try:
            async with asyncio.timeout(ctx.remaining_s()):
                result = await run_tool(tool, arguments, ctx)
        except TimeoutError:
            raise DeadlineExceeded(f"{name} did not finish in the time for a request.") from None
        return ToolResult(result.data, result.artifacts, chat.usage)

    async def close(self) -> None:
        """Give everything back; servers that were started are stopped."""
        await self._resources.aclose()

    async def _turn(self, turn: Turn, emit: Callable[[Event], None]) -> None:
        from orchestrator.graph import TurnContext

        begun = time.monotonic()
        turn_id = f"turn_{uuid4().hex}"
        history, last_plan, earlier = await self._past(turn)
        if turn.conversation_id is not None and not turn.plan_only:
            kept = {"attachments": [file.model_dump(mode="json") for file in turn.attachments]}
            await self.conversations.append(turn.conversation_id, "user", turn.text, kept)
        chat = self._meter()
        context = TurnContext(
            registry=self.registry,
            composer=self._composer,
            run=self._context(chat),
            chat=chat,
            emit=emit,
            route_threshold=self.settings.route_threshold,
            max_prompt_chars=self.settings.max_prompt_chars,
            max_steps=self.settings.max_steps,
        )
        state = await self._agent.ainvoke(
            {
                "request": turn.text,
                "attachments": [file.model_dump(mode="json") for file in turn.attachments],
                "earlier_attachments": earlier,
                "history": [message.model_dump() for message in history],
                "last_plan": last_plan.model_dump(mode="json"),
                "plan_only": turn.plan_only,
            },
            {"configurable": {"thread_id": turn_id}},
            context=context,
            # Whoever waits for this answer is gone after a crash: keep the state once, at the end.
            durability="exit",
        )
        outcome = _outcome(turn_id, turn.conversation_id, state, chat, time.monotonic() - begun)
        if turn.conversation_id is not None and not turn.plan_only:
            message_id = await self.conversations.append(
                turn.conversation_id, "assistant", outcome.answer, outcome.model_dump(mode="json")
            )
            outcome = outcome.model_copy(update={"message_id": message_id})
        emit(Finished(outcome=outcome))

    async def _past(self, turn: Turn) -> tuple[tuple[Message, ...], Plan, list[dict[str, Any]]]:
        """Earlier messages, the last plan, and the files of the last turn that had some."""
        if turn.conversation_id is None:
            return turn.history, Plan(), []
        stored = await self.conversations.messages(
            turn.conversation_id, turn.owner, _HISTORY_MESSAGES
        )
        return _messages(stored), _last_plan(stored), _last_files(stored)

    def _meter(self) -> MeteredChat:
        return MeteredChat(
            self.chat,
            max_calls=MAX_CALLS_A_REQUEST,
            max_completion_tokens=MAX_COMPLETION_TOKENS_A_REQUEST,
        )

    def _context(self, chat: ChatModel) -> RunContext:
        return RunContext(
            models=self.models,
            chat=chat,
            artifacts=self.artifacts,
            knowledge=self.knowledge,
            deadline=time.monotonic() + self.settings.request_timeout_s,
        )


async def open_service(settings: Settings) -> Service:
    """Open database, vectors and models' store, fit the router, and compile the agent.

    Models load when they are first needed. Raises SwitchboardError where something is missing;
    what was opened by then is closed again.
    """
    from model_servers.chat import LiteLLMChat
    from model_servers.encoders import encode
    from model_servers.serving import build_pool
    from model_servers.store import ModelStore
    from orchestrator.graph import build_agent
    from tools.knowledge import open_knowledge

    async with AsyncExitStack() as resources:
        home = settings.home_dir
        database = await open_database(settings.sqlalchemy_url)
        resources.push_async_callback(database.close)
        store = ModelStore(settings.cache_dir)
        models = build_pool(
            settings.profile,
            store,
            memory_budget_mb=settings.models_memory_mb,
            idle_s=settings.models_idle_s,
            threads=2,
        )
        resources.push_async_callback(models.close)
        endpoint = _chat_endpoint(settings, store)
        resources.push_async_callback(endpoint.close)
        artifacts = FileArtifactStore(
            home / "artifacts",
            max_file_bytes=settings.max_request_bytes,
            quota_bytes=settings.artifacts_quota_mb * 1024 * 1024,
        )
        knowledge = await open_knowledge(
            home / "vectors",
            models,
            qdrant_url=settings.qdrant_url,
            qdrant_api_key=_secret(settings.qdrant_api_key),
        )
        resources.push_async_callback(knowledge.close)
        registry = load_registry()

        async def encode_wishes(texts: Any, *, language: str) -> Any:
            return await encode(models, texts, language=language, role="query")

        router = await Router.fit(registry, encode_wishes, settings.cache_dir)
        checkpointer = await _open_checkpointer(settings, resources)
        return Service(
            settings,
            registry=registry,
            models=models,
            chat=LiteLLMChat(endpoint),
            artifacts=artifacts,
            knowledge=knowledge,
            conversations=ConversationStore(database),
            keys=KeyStore(database),
            composer=Composer(registry, router),
            agent=build_agent(checkpointer),
            resources=resources.pop_all(),
        )
    raise AssertionError("the stack does not swallow errors")


async def _open_checkpointer(settings: Settings, resources: AsyncExitStack) -> Any:
    """LangGraph's saver beside the database: SQLite by default, PostgreSQL where that is."""
    url = settings.database_url or ""
    if url.startswith("postgresql"):
        from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

        plain = "postgresql" + url[url.index("://") :]
        saver: Any = await resources.enter_async_context(AsyncPostgresSaver.from_conn_string(plain))
    else:
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

        path = settings.home_dir / _CHECKPOINTS
        saver = await resources.enter_async_context(AsyncSqliteSaver.from_conn_string(str(path)))
    await saver.setup()
    return saver


def _messages(stored: tuple[StoredMessage, ...]) -> tuple[Message, ...]:
    """The conversation as said; a question that leant on another one as it was understood."""
    messages: list[Message] = []
    for number, message in enumerate(stored):
        content = message.content
        reply = stored[number + 1].outcome if number + 1 < len(stored) else None
        if message.role == "user" and reply is not None:
            outcome = Outcome.model_validate(reply) if "route" in reply else None
            asked = outcome is not None and any("question" in s.args for s in outcome.plan.steps)
            if outcome is not None and asked and outcome.route.resolved_request:
                content = outcome.route.resolved_request
        if content:
            messages.append(Message(role=message.role, content=content))
    return tuple(messages)


_EMBEDDED_CHAT = "qwen2.5-coder-1.5b-instruct"
_GPU_CHAT = "qwen3-4b-instruct-2507"


def _chat_endpoint(settings: Settings, store: ModelStore) -> ChatEndpoint:
    """Where the chat model is served: nothing is started or looked up for a given URL."""
    from model_servers.chat_endpoint import chat_endpoint
    from model_servers.vllm import VllmOptions

    own_vllm = settings.profile == "gpu" and settings.llm_base_url is None
    pulled = str(store.path(_GPU_CHAT)) if own_vllm and settings.vllm_model is None else ""
    return chat_endpoint(
        base_url=settings.llm_base_url,
        model=settings.llm_model,
        api_key=_secret(settings.llm_api_key),
        profile=settings.profile,
        gguf=lambda: store.path(_EMBEDDED_CHAT),
        vllm=VllmOptions(
            model=settings.vllm_model or pulled,
            served_name="switchboard",
            context_tokens=settings.llm_context_tokens,
            parallel=settings.llm_parallel,
            tensor_parallel=settings.vllm_tensor_parallel,
            quantization=settings.vllm_quantization,
            prefix_caching=settings.vllm_prefix_caching,
            tool_parser=settings.vllm_tool_parser,
            python=settings.vllm_python,
        ),
        context_tokens=settings.llm_context_tokens,
        parallel=settings.llm_parallel,
        log_folder=settings.home_dir / "logs",
    )


def _last_plan(stored: tuple[StoredMessage, ...]) -> Plan:
    for message in reversed(stored):
        if message.role == "assistant" and message.outcome:
            return Plan.model_validate(message.outcome.get("plan") or {})
    return Plan()


def _last_files(stored: tuple[StoredMessage, ...]) -> list[dict[str, Any]]:
    for message in reversed(stored):
        if message.role == "user" and message.outcome and message.outcome.get("attachments"):
            return list(message.outcome["attachments"])
    return []


def _secret(value: SecretStr | None) -> str | None:
    return None if value is None else value.get_secret_value()


def _outcome(
    turn_id: str,
    conversation_id: str | None,
    state: Mapping[str, Any],
    chat: MeteredChat,
    seconds: float,
) -> Outcome:
    steps = tuple(StepReport.model_validate(step) for step in state.get("steps", ()))
    usage = chat.usage
    return Outcome(
        id=turn_id,
        conversation_id=conversation_id,
        answer=state.get("answer", ""),
        plan=Plan.model_validate(state["plan"]),
        steps=steps,
        artifacts=tuple(artifact for step in steps for artifact in step.artifacts),
        citations=state.get("citations", ()),
        route=RouteReport.model_validate(state["route"]),
        usage=UsageReport(
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            total_tokens=usage.prompt_tokens + usage.completion_tokens,
            llm_calls=usage.llm_calls,
        ),
        seconds=round(seconds, 4),
    )
