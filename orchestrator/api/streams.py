"""Streamed answers: server-sent events, made by a task of their own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import anyio
from fastapi import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from model_servers.contracts import SwitchboardError
from orchestrator.api.replies import dumps
from orchestrator.api.tracing import internal_error
from orchestrator.errors import to_openai

log = logging.getLogger(__name__)

T = TypeVar("T")

DONE = b"data: [DONE]\n\n"


def sse(data: Any, *, event: str | None = None, number: int | None = None) -> bytes:
    """A server-sent event; by its number a client goes on where it was."""
    head = f"event: {event}\n".encode() if event else b""
    head += f"id: {number}\n".encode() if number is not None else b""
    return head + b"data: " + dumps(data) + b"\n\n"


@asynccontextmanager
async def closing(items: AsyncIterator[T]) -> AsyncIterator[AsyncIterator[T]]:
    """The iterator, closed at the end where it can be."""
    try:
        yield items
    finally:
        if isinstance(items, AsyncGenerator):
            await items.aclose()


class Feed:
    """Pieces of a stream, made by one task from beginning to end; `aclose` cancels it.

    What makes them uses timeouts and context variables, which must be entered and left in the
    same task, while a response is begun by one task and sent by another.
    """

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._ready: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()
        self._task = asyncio.create_task(self._make(pieces))

    async def _make(self, pieces: AsyncIterator[bytes]) -> None:
        end: Exception | None = None
        try:
            async with closing(pieces):
                async for piece in pieces:
                    self._ready.put_nowait(piece)
        except Exception as error:
            end = error
        self._ready.put_nowait(end)

    async def next(self) -> bytes | None:
        """The next piece; None at the end. Raises what making it raised."""
        piece = await self._ready.get()
        if isinstance(piece, Exception):
            raise piece
        return piece

    async def aclose(self) -> None:
        self._task.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.wait((self._task,))


class EventStream(StreamingResponse):
    """Sends a feed, then [DONE], or an error in its place. Closes the feed in every case."""

    def __init__(self, first: bytes | None, feed: Feed, request_id: str) -> None:
        super().__init__(
            self._pieces(first),
            media_type="text/event-stream",
            headers={"cache-control": "no-cache", "x-accel-buffering": "no"},
        )
        self._feed = feed
        self._request_id = request_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._feed.aclose()

    async def _pieces(self, piece: bytes | None) -> AsyncIterator[bytes]:
        try:
            while piece is not None:
                yield piece
                piece = await self._feed.next()
            yield DONE
        except SwitchboardError as error:
            yield sse(to_openai(error))
        except Exception:
            log.exception("the answer broke in mid-stream")
            yield sse(to_openai(internal_error(self._request_id)))


async def streamed(pieces: AsyncIterator[bytes], request: Request) -> EventStream:
    """A streamed response, once its first piece is there: an error before it is raised."""
    feed = Feed(pieces)
    try:
        return EventStream(await feed.next(), feed, request.state.request_id)
    except BaseException:
        await feed.aclose()
        raise
