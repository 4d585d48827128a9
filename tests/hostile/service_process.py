"""A service in a process of its own, on loopback: what a request costs it can be measured.

All of it is real but the weights. The process tells its address and two keys in a line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from model_servers.contracts import (
    ChatDelta,
    ChatMessage,
    ChatReply,
    FunctionSpec,
    ToolCalls,
    Usage,
)
from model_servers.leash import when_owner_leaves
from orchestrator.api.app import create_app
from orchestrator.composer import Composer
from orchestrator.router import Router
from orchestrator.server import _server as make_server
from orchestrator.service import open_service
from orchestrator.settings import Settings
from orchestrator.understanding import Understand
from tests.faults.small_service import small_parts
from tests.hostile.guarded import SECRET
from tests.unit.small_tools import ClassifyText, ExtractEntities, SummarizeText, TranslateText
from tools.registry import Registry


class Echo:
    """A chat model that says again what it was told last."""

    async def complete(self, messages: Sequence[ChatMessage], **options: Any) -> ChatReply:
        text = '{"steps": []}' if options.get("schema") else f"You said: {messages[-1].content}"
        return ChatReply(text, "stop", Usage(10, 10, 1))

    async def stream(
        self, messages: Sequence[ChatMessage], **options: Any
    ) -> AsyncGenerator[ChatDelta, None]:
        yield ChatDelta((await self.complete(messages)).text)
        yield ChatDelta("", "stop", Usage(10, 10, 1))

    async def call(
        self, messages: Sequence[ChatMessage], functions: Sequence[FunctionSpec], **options: Any
    ) -> ToolCalls:
        return ToolCalls((), Usage())


def by_clauses(registry: Registry, router: Router, _understand: Understand) -> Composer:
    """The composer for small tools, which are none that the trained reader knows."""
    return Composer(registry, router)


@contextmanager
def parts() -> Iterator[None]:
    """Services that are opened meanwhile plan with the real composer, over small tools."""
    tools = [ClassifyText(), ExtractEntities(), SummarizeText(), TranslateText()]
    with small_parts(tools, chat=Echo()), patch("orchestrator.service.Composer", by_clauses):
        yield


def settings_of(home: Path, **more: Any) -> Settings:
    """Settings with the secret in them, and no model server behind."""
    base_url = f"http://user:{SECRET}@127.0.0.1:9/v1"
    return Settings(
        **{
            "home": home,
            "llm_base_url": base_url,
            "llm_model": "none",
            "llm_api_key": SECRET,
            "api_key": SECRET,
            "qdrant_api_key": SECRET,
            **more,
        }
    )


async def _serve(home: Path) -> None:
    with parts():
        service = await open_service(settings_of(home))
    try:
        keys = [await service.keys.create(name) for name in ("one", "another")]
        # By its protocol asyncio knows to send at once: an answer waits 40 ms otherwise.
        with socket.socket(proto=socket.IPPROTO_TCP) as sock:
            sock.bind(("127.0.0.1", 0))
            told = {"address": f"http://127.0.0.1:{sock.getsockname()[1]}", "keys": keys}
            server = make_server(
                create_app(service), lambda: print(json.dumps(told), flush=True), grace_s=5
            )

            def stop() -> None:
                server.should_exit = True

            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
            await server.serve(sockets=[sock])
    finally:
        await service.close()


if __name__ == "__main__":
    when_owner_leaves(lambda: os._exit(1))
    asyncio.run(_serve(Path(sys.argv[1])))
