"""An id for every request, and no failure that leaves without one."""

from __future__ import annotations

import logging
import re
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from model_servers.contracts import SwitchboardError
from orchestrator.api.replies import error_response

log = logging.getLogger(__name__)

_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def internal_error(request_id: str) -> SwitchboardError:
    """What a client is told of a bug: nothing but where to find it in the log."""
    return SwitchboardError(
        f"Something broke inside the service; its log has it as request {request_id}."
    )


class RequestIds:
    """Puts `x-request-id` on every response, the client's own where it sent a sound one.

    What nobody else has caught is answered here: a bug is logged with the id, and told as that.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        sent = Headers(scope=scope).get("x-request-id", "")
        request_id = sent if _ID.fullmatch(sent) else f"req_{uuid4().hex}"
        scope.setdefault("state", {})["request_id"] = request_id
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message)["x-request-id"] = request_id
            await send(message)

        try:
            return await self._app(scope, receive, send_with_id)
        except SwitchboardError as error:
            if started:
                raise
            response = error_response(error)
        except Exception:
            log.exception("request %s: %s %s", request_id, scope["method"], scope["path"])
            if started:
                raise
            response = error_response(internal_error(request_id))
        return await response(scope, receive, send_with_id)
