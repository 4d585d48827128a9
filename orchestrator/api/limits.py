"""What a request's body may be: bounded, not compressed, and JSON that is safe to work on."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestrator.api.facade import owner_of, service_of
from orchestrator.api.json_extent import check_extent
from orchestrator.api.replies import error_response, too_large
from orchestrator.database import storable_json
from orchestrator.errors import BadRequest, UnsupportedMedia

MAX_JSON_DEPTH = 100
CLIENT_GONE = 499
_LARGE_BYTES = 256 * 1024


class BodyLimits:
    """Refuses a body that is too large, by its declared length or while it is read."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        length = headers.get("content-length", "")
        encoding = headers.get("content-encoding", "identity").strip().lower()
        if length.isdecimal() and int(length) > self._max_bytes:
            return await error_response(too_large(self._max_bytes))(scope, receive, send)
        if encoding != "identity":
            error = UnsupportedMedia("Compressed bodies are not taken; send it as it is.")
            return await error_response(error)(scope, receive, send)
        read_bytes = 0

        async def counted() -> Message:
            nonlocal read_bytes
            message = await receive()
            read_bytes += len(message.get("body", b""))
            if read_bytes > self._max_bytes:
                raise too_large(self._max_bytes)
            return message

        return await self._app(scope, counted, send)


class _JsonRequest(Request):
    """A request whose JSON is read strictly, and not kept beside what it says."""

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            # Room for it is taken once: growing would hold it twice.
            length = self.headers.get("content-length", "")
            body, place = bytearray(int(length) if length.isdecimal() else 0), 0
            async for chunk in self.stream():
                body[place : place + len(chunk)] = chunk
                place += len(chunk)
            del body[place:]
            # All that is asked of it from here on is whether there was one.
            self._body = bytes(body[:1])
            if len(body) > _LARGE_BYTES:  # parsing must not hold up the others
                self._json = await asyncio.to_thread(parse_json, body)
            else:
                self._json = parse_json(body)
        return self._json


class BoundedRoute(APIRoute):
    """A route that reads its body first and stops working when the client goes away."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def bounded(plain: Request) -> Response:
            request = _JsonRequest(plain.scope, plain.receive)
            if self.body_field is not None:
                await _read(request, self.body_field)
            else:
                await request.body()
            return await _while_connected(request, handle(request))

        return bounded


class CostlyRoute(BoundedRoute):
    """A route whose POST waits for its turn. One that would be refused is so before it is read:
    refusing must cost little when there is much to refuse."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def costly(request: Request) -> Response:
            if request.method == "POST":
                service_of(request).admission.refuse_if_full(owner_of(request))
            return await handle(request)

        return costly


async def _read(request: Request, body_field: Any) -> None:
    from fastapi import params

    sent = request.headers.get("content-type", "nothing").partition(";")[0].strip().lower()
    wanted = "application/json"
    if isinstance(body_field.field_info, params.Form):
        wanted = "multipart/form-data"
    if sent != wanted:
        raise UnsupportedMedia(f"The body is sent as {wanted}, and the header says {sent}.")
    if wanted == "application/json":
        await request.json()
    else:
        await request.form()


async def _while_connected(request: Request, handling: Coroutine[Any, Any, Response]) -> Response:
    work = asyncio.create_task(handling)
    gone = asyncio.create_task(_disconnected(request))
    try:
        await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return work.result()
        return Response(status_code=CLIENT_GONE)
    finally:
        work.cancel()
        gone.cancel()
        await asyncio.gather(work, gone, return_exceptions=True)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def parse_json(body: bytes | bytearray) -> Any:
    """The JSON in a body. Raises BadRequest where it is none, too deep, or not what JSON allows,
    PayloadTooLarge where it would take far more room than its bytes.

    Texts lose NULs and lone surrogates, which nothing behind can store. A bytearray is emptied on
    the way: a large body must not be held thrice.
    """
    check_extent(body)
    escaped = b"\\u" in body
    try:
        text = body.decode("utf-8")
        if isinstance(body, bytearray):
            body.clear()
        value = json.loads(text, parse_constant=_refuse)
    except UnicodeDecodeError:
        raise BadRequest("The body is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise BadRequest(
            f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    except ValueError:  # more digits than Python converts
        raise BadRequest("The body holds a number that is too long.") from None
    except RecursionError:
        raise _too_deep() from None
    _check(value)
    return storable_json(value) if escaped else value


def _refuse(name: str) -> None:
    raise BadRequest(f"The body is not JSON: {name} is no number; use null.")


def _too_deep() -> BadRequest:
    return BadRequest(f"The body is nested more than {MAX_JSON_DEPTH} levels deep.")


def _check(value: Any) -> None:
    layer, depth = [value], 0
    while layer:
        if any(isinstance(item, float) and not math.isfinite(item) for item in layer):
            raise BadRequest("The body holds a number that is too large.")
        containers = [item for item in layer if isinstance(item, dict | list)]
        depth += 1
        if containers and depth > MAX_JSON_DEPTH:
            raise _too_deep()
        layer = [
            inner
            for item in containers
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
