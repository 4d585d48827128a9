"""A service that listens on loopback, in the test's own loop, and raw clients that may leave."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from orchestrator.api.app import create_app
from orchestrator.server import _server as make_server
from orchestrator.service import Service

from .small_service import CHAT


@asynccontextmanager
async def listening(service: Service) -> AsyncIterator[int]:
    """Gives the port. All that was asked must be over soon after the block."""
    ready = asyncio.Event()
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        server = make_server(create_app(service), ready.set, grace_s=10)
        serving = asyncio.create_task(server.serve(sockets=[sock]))
        await ready.wait()
        try:
            yield sock.getsockname()[1]
        finally:
            server.should_exit = True
            await serving


@asynccontextmanager
async def connected(
    port: int, body: dict[str, Any], path: str = CHAT
) -> AsyncIterator[asyncio.StreamReader]:
    """Send a request; the connection is broken at the end of the block, whatever came by then."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    sent = json.dumps(body).encode()
    writer.write(
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(sent)}\r\n\r\n".encode()
        + sent
    )
    try:
        yield reader
    finally:
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()
