"""A tiny OpenAI-compatible server on loopback, whose answers a test scripts."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

Request = dict[str, Any]
Answer = Callable[[asyncio.StreamWriter, Request], Awaitable[None]]
USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


@dataclass
class FakeOpenAI:
    """Gives `answers` in turn; `requests` holds what was asked, `hung_up` who left early."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    handling: set[asyncio.Task[None]] = field(default_factory=set)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self.handle(reader, writer))
        self.handling.add(task)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
        self.authorizations.append(headers.get("authorization", ""))
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        request = json.loads(body) if body else {"path": head[0].split()[1]}
        self.requests.append(request)
        self.asked.set()
        answering = asyncio.ensure_future(self.answers.pop(0)(writer, request))
        leaving = asyncio.ensure_future(reader.read())
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            self.hung_up.set()
        for task in (answering, leaving):
            task.cancel()
        await asyncio.gather(answering, leaving, return_exceptions=True)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def fake_openai() -> AsyncIterator[FakeOpenAI]:
    fake = FakeOpenAI()
    server = await asyncio.start_server(fake.accept, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    fake.url = f"http://{host}:{port}/v1"
    try:
        yield fake
    finally:
        server.close()
        async with asyncio.timeout(10):
            await asyncio.gather(*fake.handling)
        await server.wait_closed()


def body(payload: Any, status: int = 200, **headers: str) -> Answer:
    async def answer(writer: asyncio.StreamWriter, request: Request) -> None:
        data = json.dumps(payload).encode()
        extra = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        writer.write(
            f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{extra}"
            f"Content-Length: {len(data)}\r\nConnection: close\r\n\r\n".encode()
            + data
        )
        await writer.drain()

    return answer


def reply(text: str, finish: str = "stop", **message: Any) -> Answer:
    """A whole reply, in one piece or streamed, as the request asks."""
    said = {"role": "assistant", "content": text, **message}
    choice = {"index": 0, "message": said, "finish_reason": finish}
    whole = {"id": "1", "object": "chat.completion", "model": "m", "choices": [choice]}

    async def answer(writer: asyncio.StreamWriter, request: Request) -> None:
        if request.get("stream"):
            await stream(text, then=finish)(writer, request)
        else:
            await body({**whole, "usage": USAGE})(writer, request)

    return answer


def error(status: int, message: str = "no", **headers: str) -> Answer:
    return body({"error": {"message": message, "type": "x", "code": status}}, status, **headers)


def stream(*texts: str, then: str | None = "stop") -> Answer:
    """Pieces as server-sent events. `then`: the finish reason; None breaks the connection;
    "wait" sends nothing more; "end" ends as if that were all; "torn" leaves it open."""

    async def answer(writer: asyncio.StreamWriter, request: Request) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        )
        for text in texts:
            _event(writer, _chunk({"content": text}))
        await writer.drain()
        if then is None:
            writer.transport.abort()
            return
        if then == "torn":
            return
        if then == "wait":
            await asyncio.Event().wait()
        if then != "end":
            _event(writer, _chunk({}, then))
            _event(writer, {**_chunk({}), "choices": [], "usage": USAGE})
        _send(writer, b"data: [DONE]\n\n")
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    return answer


def torn(*texts: str) -> Answer:
    """A stream whose connection breaks in the middle of a further piece."""

    async def answer(writer: asyncio.StreamWriter, request: Request) -> None:
        await stream(*texts, then="torn")(writer, request)
        half = json.dumps(_chunk({"content": "-two"})).encode()[:60]
        _send(writer, b"data: " + half)
        await writer.drain()
        writer.close()

    return answer


async def silence(writer: asyncio.StreamWriter, request: Request) -> None:
    """Never answers."""
    await asyncio.Event().wait()


async def hang_up(writer: asyncio.StreamWriter, request: Request) -> None:
    """Breaks the connection instead of answering."""
    writer.transport.abort()


def _chunk(delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}


def _event(writer: asyncio.StreamWriter, payload: dict[str, Any]) -> None:
    _send(writer, b"data: " + json.dumps(payload).encode() + b"\n\n")


def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
