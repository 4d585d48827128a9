"""What the HTTP API needs of the service behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Any, Protocol, cast

from fastapi import Depends, Request

from orchestrator.errors import PermissionDenied
from orchestrator.turn import Event, Turn
from tools.contracts import ToolResult

if TYPE_CHECKING:
    from model_servers.contracts import ChatModel
    from model_servers.pool import ModelPool
    from orchestrator.admission import Admission
    from orchestrator.batches import Batches
    from orchestrator.bulk import Bulk
    from orchestrator.conversations import ConversationStore
    from orchestrator.file_links import FileLinks
    from orchestrator.files import FileStore
    from orchestrator.handoffs import Handoff, HandoffStore
    from orchestrator.keys import KeyStore
    from orchestrator.own_shop import OwnShop
    from orchestrator.settings import Settings
    from orchestrator.task_runner import TaskRunner
    from orchestrator.traces import TraceStore
    from orchestrator.tracing import Tracer
    from tools.artifacts import FileArtifactStore
    from tools.knowledge.base import KnowledgeBase
    from tools.registry import Registry
    from tools.web import WebFetcher


class Service(Protocol):
    """The whole of Switchboard behind the doors; `orchestrator.service` has the real one."""

    settings: Settings
    registry: Registry
    models: ModelPool
    chat: ChatModel
    artifacts: FileArtifactStore
    knowledge: KnowledgeBase
    conversations: ConversationStore
    handoffs: HandoffStore
    keys: KeyStore
    traces: TraceStore
    tracer: Tracer
    admission: Admission
    tasks: TaskRunner
    bulk: Bulk
    files: FileStore
    links: FileLinks
    web: WebFetcher
    batches: Batches
    shop: OwnShop

    def run(self, turn: Turn) -> AsyncIterator[Event]:
        """The agent; closing the iterator cancels the work."""
        ...

    async def resume(self, handoff_id: str) -> Handoff:
        """Give a conversation back to the agent. Raises NotFound, Conflict."""
        ...

    async def run_tool(self, name: str, arguments: dict[str, Any], *, owner: str) -> ToolResult:
        """One tool. Raises NotFound, InvalidInput and what the tool raises."""
        ...

    async def close(self) -> None: ...


def service_of(request: Request) -> Service:
    return cast("Service", request.app.state.service)


def owner_of(request: Request) -> str:
    """Id of the key that the request brought, or "local"; set by `auth.Gate`."""
    return cast(str, request.state.owner)


def only_operators(request: Request) -> None:
    """Raises PermissionDenied for who may not answer in others' conversations."""
    if not request.state.operator:
        raise PermissionDenied(
            "This needs an operator's key; `switchboard keys create NAME --operator` makes one."
        )


TheService = Annotated[Service, Depends(service_of)]
Owner = Annotated[str, Depends(owner_of)]
