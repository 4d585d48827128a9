"""The one shape of errors: as a model for the API's description, and for what is mounted beside it.

The chat page is an app of its own at "/", which gets every address that is none of the API's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from model_servers.contracts import SwitchboardError
from orchestrator.api.replies import error_response, wrong_method


class ErrorFacts(BaseModel):
    """What is wrong and what to do, in `message`; `code` is for programs, and `param` names the
    field of the request that it is about."""

    message: str
    type: str
    param: str | None
    code: str


class ErrorBody(BaseModel):
    """An error, in OpenAI's shape."""

    error: ErrorFacts


RESPONSES: Mapping[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorBody, "description": "The request can't be served as it was sent."},
    "5XX": {"model": ErrorBody, "description": "The service could not do it."},
}
"""Declared for every route: what FastAPI declares by itself, a 422 of its own, never comes."""

_REFUSED = {404: b'{"detail":"Not Found"}', 405: b'{"detail":"Method Not Allowed"}'}
"""What the framework says where it has no route. Other errors are the mounted app's own affair:
its page reads them."""
_OF_THE_BODY = (b"content-length", b"content-type")


class MountedErrors:
    """Answers in the API's shape where a mounted app has nothing at an address.

    Args:
        reason: what is wrong with a request, by its scope, that no app has a route for.
    """

    def __init__(self, app: ASGIApp, reason: Callable[[Scope], SwitchboardError]) -> None:
        self._app = app
        self._reason = reason

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        # The app writes into the scope where it mounts.
        asked, held = dict(scope), list[Message]()

        async def send_ours(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in _REFUSED:
                held.append(message)
                return
            if held:
                start = held.pop()
                if message.get("body") == _REFUSED[start["status"]]:
                    response = error_response(self._error(asked, Headers(raw=start["headers"])))
                    response.raw_headers += [
                        header for header in start["headers"] if header[0] not in _OF_THE_BODY
                    ]
                    await response(scope, receive, send)
                    return
                await send(start)
            await send(message)

        return await self._app(scope, receive, send_ours)

    def _error(self, scope: Scope, headers: Headers) -> SwitchboardError:
        if "allow" in headers:
            return wrong_method(scope["path"], scope["method"], [headers["allow"]])
        return self._reason(scope)
