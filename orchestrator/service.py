"""The whole of Switchboard in one process: opened once, asked many times, closed once."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from model_servers.contracts import DeadlineExceeded
from orchestrator.admission import Admission, Bounds
from orchestrator.batches import Batches, BatchStore
from orchestrator.bulk import Bulk
from orchestrator.chat_models import (
    chat_model_endpoint,
    model_versions,
    secret,
    seeing_model_endpoint,
)
from orchestrator.composer import Composer
from orchestrator.conversations import ConversationStore
from orchestrator.database import open_database
from orchestrator.executor import run_tool
from orchestrator.file_links import FileLinks
from orchestrator.files import FileStore
from orchestrator.handoffs import Handoff, HandoffStore, not_open
from orchestrator.home import Home
from orchestrator.keys import KeyStore
from orchestrator.router import Router
from orchestrator.row_store import RowStore
from orchestrator.settings import Settings
from orchestrator.signs import Signs
from orchestrator.task_runner import TaskRunner
from orchestrator.tasks import TaskStore
from orchestrator.traces import TraceStore
from orchestrator.tracing import Tracer
from orchestrator.turn import Event, Turn
from orchestrator.turns import Turns, Work, lower
from orchestrator.understanding import understand_with
from tools.artifacts import FileArtifactStore, Provenance, ToolStore
from tools.contracts import ToolResult
from tools.registry import Registry, load_registry
from tools.web import FetchLimits, WebFetcher

if TYPE_CHECKING:
    from model_servers.contracts import ChatModel
    from model_servers.pool import ModelPool
    from orchestrator.own_shop import OwnShop
    from tools.knowledge.base import KnowledgeBase


_DAY_S = 86_400.0


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
        shop: OwnShop,
        conversations: ConversationStore,
        handoffs: HandoffStore,
        keys: KeyStore,
        tasks: TaskStore,
        rows: RowStore,
        files: FileStore,
        links: FileLinks,
        web: WebFetcher,
        batches: BatchStore,
        composer: Composer,
        signs: Signs,
        agent: Any,
        traces: TraceStore,
        tracer: Tracer,
        resources: AsyncExitStack,
        vision: ChatModel | None = None,
    ) -> None:
        self.settings = settings
        self.registry = registry
        self.models = models
        self.chat = chat
        self.artifacts = artifacts
        self.knowledge = knowledge
        self.shop = shop
        self.conversations = conversations
        self.handoffs = handoffs
        self.keys = keys
        self.admission = Admission(
            Bounds(
                running=settings.max_running,
                waiting=settings.max_waiting,
                running_per_key=settings.max_running_per_key,
                waiting_per_key=settings.max_waiting_per_key,
            )
        )
        self.traces = traces
        self.tracer = tracer
        self._work = Work(
            settings,
            registry,
            models,
            chat,
            artifacts,
            knowledge,
            shop.asked,
            tracer,
            files,
            web,
            vision,
        )
        self._turns = Turns(
            self._work,
            agent=agent,
            composer=composer,
            signs=signs,
            conversations=conversations,
            handoffs=handoffs,
        )
        self.bulk = Bulk(self._work, composer, rows)
        self.tasks = TaskRunner(
            tasks,
            self._turns,
            self.bulk,
            agent.checkpointer,
            workers=settings.task_workers,
            timeout_s=settings.task_timeout_s,
        )
        self.files = files
        self.links = links
        self.web = web
        self.batches = Batches(batches, rows, files, artifacts, functools.partial(_answer, self))
        self._resources = resources

    async def run(self, turn: Turn) -> AsyncGenerator[Event, None]:
        """The agent at work on one turn; the last event is the outcome.

        Closing the generator cancels the work. Raises SwitchboardError where the turn as a whole
        can't be served, Overloaded among them; a step that fails is part of the outcome instead.
        """
        events: asyncio.Queue[Event | None] = asyncio.Queue()

        async def when_admitted() -> None:
            timeout_s = lower(self.settings.request_timeout_s, turn.limits.timeout_s)
            async with self.admission.admitted(turn.owner, timeout_s=timeout_s) as deadline:
                # Whoever waits for this answer is gone after a crash: its state is kept once, at
                # the end.
                await self._turns.run(
                    turn,
                    events.put_nowait,
                    turn_id=f"turn_{uuid4().hex}",
                    timeout_s=deadline - time.monotonic(),
                )

        work = asyncio.create_task(when_admitted())
        work.add_done_callback(lambda _: events.put_nowait(None))
        try:
            while (event := await events.get()) is not None:
                yield event
            await work
        finally:
            work.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await work

    async def resume(self, handoff_id: str) -> Handoff:
        """Give a conversation back to the agent, which says so in it.

        Raises NotFound, and Conflict where it was given back before.
        """
        handoff = await self.handoffs.get(handoff_id)
        if handoff.state != "open":
            raise not_open(handoff)
        return await self._turns.resume(handoff)

    async def run_tool(self, name: str, arguments: Mapping[str, Any], *, owner: str) -> ToolResult:
        """One tool by itself.

        Raises NotFound, InvalidInput, Overloaded, and what the tool raises.
        """
        tool = self.registry[name]
        chat = self._work.meter()
        timeout_s = self.settings.request_timeout_s
        with self.tracer.trace(f"call_{uuid4().hex}", "tool", owner, tools=[name]):
            async with self.admission.admitted(owner, timeout_s=timeout_s) as deadline:
                ctx = self._work.context(chat, owner, timeout_s=deadline - time.monotonic())
                own = ToolStore(ctx.artifacts, Provenance(tool=name))
                ctx = dataclasses.replace(ctx, artifacts=own)
                try:
                    async with asyncio.timeout(ctx.remaining_s()):
                        result = await run_tool(tool, arguments, ctx)
                except TimeoutError:
                    raise DeadlineExceeded(
                        f"{name} did not finish in the time for a request."
                    ) from None
        return ToolResult(result.data, result.artifacts, chat.usage)

    async def close(self) -> None:
        """Give everything back; servers that were started are stopped.

        Tasks that are not finished go on at the next start.
        """
        await self.batches.close()
        await self.tasks.close()
        await self._resources.aclose()


async def open_service(settings: Settings) -> Service:
    """Open database, vectors and models' store, fit the router, and compile the agent.

    Models load when they are first needed. Raises SwitchboardError where something is missing;
    what was opened by then is closed again.
    """
    from model_servers.chat import LiteLLMChat
    from model_servers.encoders import encode
    from model_servers.serving import build_pool
    from model_servers.store import ModelStore
    from orchestrator.checkpoints import open_checkpoints
    from orchestrator.graph import build_agent
    from orchestrator.own_shop import open_shop
    from tools.knowledge import open_knowledge
    from tools.recommendation.opening import open_item_vectors

    async with AsyncExitStack() as resources:
        home = settings.home_dir
        database = await open_database(settings.sqlalchemy_url)
        resources.push_async_callback(database.close)
        traces = TraceStore(database, kept=settings.traces_kept)
        resources.push_async_callback(traces.close)
        store = ModelStore(settings.cache_dir)
        models = build_pool(
            settings.profile,
            store,
            memory_budget_mb=settings.models_memory_mb,
            idle_s=settings.models_idle_s,
            threads=2,
        )
        resources.push_async_callback(models.close)
        endpoint = chat_model_endpoint(settings, store)
        resources.push_async_callback(endpoint.close)
        seeing = seeing_model_endpoint(settings, store)
        if seeing is not None:
            resources.push_async_callback(seeing.close)
        artifacts = FileArtifactStore(
            home / "artifacts",
            max_file_bytes=settings.max_request_bytes,
            quota_bytes=settings.artifacts_quota_mb * 1024 * 1024,
        )
        knowledge = await open_knowledge(
            home / "vectors",
            models,
            qdrant_url=settings.qdrant_url,
            qdrant_api_key=secret(settings.qdrant_api_key),
        )
        resources.push_async_callback(knowledge.close)
        items = open_item_vectors(
            home / "item-vectors",
            models,
            qdrant_url=settings.qdrant_url,
            qdrant_api_key=secret(settings.qdrant_api_key),
        )
        resources.push_async_callback(items.close)
        files = FileStore(database, artifacts)
        tidying = asyncio.create_task(files.keep_tidy(settings.artifacts_kept_days * _DAY_S))
        resources.push_async_callback(_ended, tidying)
        registry = load_registry()

        async def encode_wishes(texts: Any, *, language: str) -> Any:
            return await encode(models, texts, language=language, role="query")

        understand = understand_with(models)
        router = await Router.fit(registry, encode_wishes, settings.cache_dir)
        checkpointer = await open_checkpoints(settings, resources)
        service = Service(
            settings,
            registry=registry,
            models=models,
            chat=LiteLLMChat(endpoint),
            vision=LiteLLMChat(seeing) if seeing else None,
            artifacts=artifacts,
            knowledge=knowledge,
            shop=open_shop(database, items, home / "recommenders"),
            conversations=ConversationStore(database),
            handoffs=HandoffStore(database),
            keys=KeyStore(database),
            tasks=TaskStore(database),
            rows=RowStore(database),
            files=files,
            links=FileLinks(Home(home).signing_key(), settings.file_links_s),
            web=WebFetcher(
                FetchLimits(max_bytes=settings.max_request_bytes), allowed=settings.fetch_allowed
            ),
            batches=BatchStore(database),
            composer=Composer(registry, router, understand),
            signs=Signs(registry, understand),
            agent=build_agent(checkpointer),
            traces=traces,
            tracer=Tracer(traces, versions=model_versions(settings), words=settings.trace_text),
            resources=resources.pop_all(),
        )
        resources.push_async_callback(service.close)
        await service.tasks.start()
        await service.batches.start()
        resources.pop_all()
        return service
    raise AssertionError("the stack does not swallow errors")


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait((task,))


async def _answer(
    service: Service, owner: str, endpoint: str, body: Mapping[str, Any]
) -> tuple[int, Any]:
    """A request of a batch, answered as the API answers it."""
    from orchestrator.api.batch_answers import answer_request

    return await answer_request(service, owner, endpoint, body)
