"""Who may ask: bearer keys, and no web pages from elsewhere.

Off loopback every request needs a key. On loopback none is needed, but one of ours that is sent
is checked; anything else there is the placeholder that OpenAI's clients insist on.

A browser on this machine would carry a foreign page's requests to a service on loopback: without
a key, the Host must be a loopback name (a page's own name may have been bound to 127.0.0.1) and
the Origin must be the service's own.
"""

from __future__ import annotations

import base64
import binascii
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from model_servers.contracts import SwitchboardError
from orchestrator import file_links
from orchestrator.api.facade import Service
from orchestrator.api.replies import error_response
from orchestrator.errors import AuthenticationFailed, PermissionDenied
from orchestrator.keys import PREFIX, Key
from orchestrator.server import is_loopback

OPEN_PATHS = frozenset({"/healthz", "/readyz"})
"""What whoever watches over the service may ask without a key."""
OPEN_PREFIX = file_links.PREFIX
"""Links to files are checked by their signatures."""
LOCAL = "local"


class Gate:
    """Puts the caller's id into `scope["state"]["owner"]`, and whether it may answer in others'
    conversations into `["operator"]`, or refuses the request.

    A browser sends the key as the password of HTTP's own login, which is asked for where a page
    is opened; programs send it as a bearer token.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _is_open(scope["path"]):
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        try:
            key = await self._admit(headers, over_unix_socket=_over_unix_socket(scope))
        except SwitchboardError as error:
            response = error_response(error)
            if response.status_code == 401 and not scope["path"].startswith("/v1/"):
                response.headers["www-authenticate"] = 'Basic realm="Switchboard: key as password"'
            return await response(scope, receive, send)
        scope.setdefault("state", {}).update(
            # Without a key the caller is on this machine, which is the operator's own.
            owner=LOCAL if key is None else key.id,
            operator=key is None or key.operator,
        )
        return await self._app(scope, receive, send)

    async def _admit(self, headers: Headers, *, over_unix_socket: bool) -> Key | None:
        """The caller's key; None for who needs none."""
        # The unix socket is its owner's alone: the file system sees to that.
        on_loopback = over_unix_socket or is_loopback(self._service.settings.host)
        scheme, secret = _credentials(headers)
        if secret is not None and (not on_loopback or secret.startswith(PREFIX)):
            key = await self._service.keys.verify(secret)
            if key is None:
                raise AuthenticationFailed(
                    "The API key is not valid; `switchboard keys create` makes one."
                )
            if scheme != "bearer":  # a browser adds it to other pages' requests, too
                _check_origin(headers)
            return key
        if not on_loopback:
            raise AuthenticationFailed(
                "An API key is needed here: send it as `Authorization: Bearer KEY`. "
                "`switchboard keys create` makes one."
            )
        host = _host(headers.get("host", ""))
        if host is None or not is_loopback(host):
            raise PermissionDenied(
                "This service is reached as localhost or 127.0.0.1; under another name it needs "
                "an API key."
            )
        _check_origin(headers)
        return None


def _is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_PREFIX)


def _over_unix_socket(scope: Scope) -> bool:
    """As ASGI tells it: the server's address is a path, and there is no port."""
    server = scope.get("server")
    return server is not None and server[1] is None and server[0].startswith("/")


def _credentials(headers: Headers) -> tuple[str, str | None]:
    """The scheme and the secret that were sent; no secret where none was."""
    value = headers.get("authorization")
    if value is None:
        return "", None
    scheme, _, secret = value.strip().partition(" ")
    scheme, secret = scheme.lower(), secret.strip()
    if scheme == "basic":
        try:
            secret = base64.b64decode(secret, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            secret = ""
    elif scheme != "bearer":
        raise AuthenticationFailed("The key is sent as `Authorization: Bearer KEY`.")
    return scheme, secret


def _host(value: str) -> str | None:
    try:
        return urlsplit(f"//{value}").hostname
    except ValueError:
        return None


def _check_origin(headers: Headers) -> None:
    origin = headers.get("origin")
    foreign = origin is not None and origin.partition("://")[2] != headers.get("host")
    site = headers.get("sec-fetch-site", "none")
    embedded = site in {"cross-site", "same-site"} and headers.get("sec-fetch-mode") != "navigate"
    if foreign or embedded:
        raise PermissionDenied("Web pages from elsewhere may not use this service without a key.")
