"""An id and a line in the log for every request, and no failure that leaves without them."""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from model_servers.contracts import SwitchboardError
from orchestrator.api.replies import error_response
from orchestrator.logs import RequestFacts, current_request, tell

log = logging.getLogger(__name__)

POLLED = frozenset({"/v1/conversations/{conversation_id}/state"})
"""Routes that an open page asks again and again."""
_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def internal_error(request_id: str) -> SwitchboardError:
    """What a client is told of a bug: nothing but where to find it in the log."""
    return SwitchboardError(
        f"Something broke inside the service; its log has it as request {request_id}."
    )


class RequestIds:
    """Puts `x-request-id` on every response, the client's own where it sent a sound one.

    What nobody else has caught is answered here: a bug is logged with the id, and told as that.
    The request's line in the log has its route and not its address, which may hold anything.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        sent = Headers(scope=scope).get("x-request-id", "")
        request_id = sent if _ID.fullmatch(sent) else f"req_{uuid4().hex}"
        scope.setdefault("state", {})["request_id"] = request_id
        request = RequestFacts(request_id)
        token, begun = current_request.set(request), time.perf_counter()
        answer = _Answer()
        try:
            await self._serve(scope, receive, answer.counting(send, request_id), answer)
        finally:
            _tell(scope, request, answer, time.perf_counter() - begun)
            current_request.reset(token)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, answer: _Answer) -> None:
        try:
            return await self._app(scope, receive, send)
        except SwitchboardError as error:
            if answer.status is not None:
                raise
            response = error_response(error)
        except Exception:
            request_id = scope["state"]["request_id"]
            log.exception("request %s: %s %s", request_id, scope["method"], _route(scope))
            if answer.status is not None:
                raise
            response = error_response(internal_error(request_id))
        return await response(scope, receive, send)


@dataclass(slots=True)
class _Answer:
    """What has been sent of the answer."""

    status: int | None = None
    sent_bytes: int = 0

    def counting(self, send: Send, request_id: str) -> Send:
        """`send`, which puts the id on the answer and takes note of it."""

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = request_id
            else:
                self.sent_bytes += len(message.get("body", b""))
            await send(message)

        return send_with_id


def _route(scope: Scope) -> str:
    """The path's template; the page's files, and what is not there, have none."""
    return getattr(scope.get("route"), "path", None) or "unmatched"


def _tell(scope: Scope, request: RequestFacts, answer: _Answer, seconds: float) -> None:
    """The request's line: of the API always, of the page and of what is asked every second only
    where it failed."""
    route, failed = _route(scope), answer.status is None or answer.status >= 500
    heard = scope["path"].startswith("/v1") and route not in POLLED
    level = logging.INFO if heard else logging.DEBUG
    facts: dict[str, Any] = {
        "method": scope["method"],
        "route": route,
        "status": answer.status,
        "seconds": round(seconds, 4),
        "owner": scope["state"].get("owner"),
        "response_bytes": answer.sent_bytes,
    }
    tell(log, "request", logging.WARNING if failed else level, **facts, **request.facts)
    request.told = True
