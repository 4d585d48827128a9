"""The command line's one way in: the HTTP API of the running service, or of one in this process.

Where a service runs, its address is in the home folder's lock. Where none runs, this process takes
the lock and serves the very same API on a unix socket until the client is closed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar

import httpx

from model_servers.contracts import SwitchboardError
from orchestrator.home import Address, Home

if TYPE_CHECKING:
    from orchestrator.server import OneShotService
    from orchestrator.settings import Settings

WAIT_S = 60.0
"""How long another process may take to start or to go away."""

_SPARE_S = 30.0
"""How much longer than the service itself a client waits for an answer."""

_UNAVAILABLE = frozenset({"weights_error", "rate_limit_exceeded", "service_stopping"})
_REFUSED = frozenset({"invalid_input", "invalid_request", "context_length_exceeded"})


class ServiceError(SwitchboardError):
    """What the service answered instead of a result; `reported` is its own code for it."""

    code: ClassVar[str] = "service_error"

    def __init__(self, message: str, *, reported: str = "", param: str | None = None) -> None:
        super().__init__(message, param=param)
        self.reported = reported


class ServiceRefused(ServiceError):
    """The request was wrong."""

    code = "service_refused"
    http_status = 400


class ServiceFailed(ServiceError):
    """The request was right, and could not be done."""

    code = "service_failed"


class ServiceUnavailable(ServiceError):
    """The service, or a model behind it, can't be reached just now."""

    code = "service_unavailable"
    http_status = 503
    retryable = True


class Client:
    """Talks to the service that owns `settings.home`. Close it, or use it in a `with`.

    `say` is told, in a line, what is waited for.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        say: Callable[[str], None] = lambda _: None,
        wait_s: float = WAIT_S,
    ) -> None:
        self._settings = settings
        self.home = Home(settings.home_dir)
        self._say = say
        self._wait_s = wait_s
        self._http: httpx.Client | None = None
        self._address: Address | None = None
        self._own: OneShotService | None = None

    def json(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        files: Mapping[str, tuple[str, bytes]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Send a request, and give the JSON of its answer. Raises ServiceError, HomeError."""
        sent = {"json": body, "params": params, "data": data, "files": files, "headers": headers}
        with self._send(method, path, **{k: v for k, v in sent.items() if v is not None}) as answer:
            raw = answer.read()
            return json.loads(raw) if raw else None

    def content(self, path: str) -> bytes:
        """The bytes of a file. Raises ServiceError, HomeError."""
        with self._send("GET", path) as answer:
            return answer.read()

    def events(self, path: str, body: Mapping[str, Any] | None = None) -> Iterator[tuple[str, Any]]:
        """Send a request, and give the name and JSON of each server-sent event of its answer.

        Without a body it is a GET.
        Raises ServiceError, also where the service reports one in mid-stream, and HomeError.
        """
        from httpx_sse import EventSource

        sent = {} if body is None else {"json": body}
        with self._send("GET" if body is None else "POST", path, **sent) as answer:
            try:
                for event in EventSource(answer).iter_sse():
                    if not event.data:  # a sign of life
                        continue
                    if event.data == "[DONE]":
                        return
                    found = json.loads(event.data)
                    if isinstance(found, dict) and "error" in found:
                        raise reported(500, found)
                    yield event.event, found
            except httpx.TransportError:
                raise _broke_off() from None
        raise _broke_off()

    def close(self) -> None:
        """Leave the running service alone; stop the one in this process, when its requests of
        other commands are done."""
        self._disconnect()
        if self._own is not None:
            own, self._own = self._own, None
            own.stop()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def _send(self, method: str, path: str, **request: Any) -> Iterator[httpx.Response]:
        """The answer to a request, as it begins. Tries again where the service was going away."""
        until = time.monotonic() + self._wait_s
        while True:
            http = self._connect(until)
            try:
                answer = http.send(http.build_request(method, path, **request), stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                address = self._disconnect()
                if time.monotonic() > until or self._own is not None:
                    raise ServiceUnavailable(
                        f"The service at {_name(address)} does not answer; stop it, or try again."
                    ) from None
                time.sleep(0.05)
                continue
            except httpx.TimeoutException:
                raise ServiceUnavailable(
                    "The service did not answer in time; try again, or ask for less."
                ) from None
            except httpx.TransportError:
                # Nothing was answered. A service that is stopping did not take the request;
                # one that broke down may have, and then it is not for us to ask twice.
                if not self._went_away(self._disconnect()):
                    raise _broke_off() from None
                continue
            break
        try:
            if answer.is_error:
                raise reported(answer.status_code, _json_of(answer))
            yield answer
        finally:
            answer.close()

    def _went_away(self, address: Address | None) -> bool:
        if self._own is not None:
            return False
        record = self.home.record()
        return record is None or record.state == "stopping" or record.address != address

    def _connect(self, until: float) -> httpx.Client:
        """A connection to whatever owns the home; where nothing does, this process does."""
        told = False
        while self._http is None:
            lock = self.home.acquire()
            if lock is not None:
                from orchestrator.server import OneShotService

                own = OneShotService(self._settings, lock)
                self._use(own.start())
                self._own = own
                break
            record = self.home.record()
            if record is not None and record.state == "serving" and record.address is not None:
                self._use(record.address)
                break
            if not told and record is not None:
                self._say(f"another switchboard (process {record.pid}) is {record.state}; waiting")
                told = True
            if time.monotonic() > until:
                who = f" (process {record.pid})" if record is not None else ""
                raise ServiceUnavailable(
                    f"Another switchboard{who} holds {self.home.path} and does not answer; "
                    "try again, or stop it."
                )
            time.sleep(0.05)
        assert self._http is not None
        return self._http

    def _use(self, address: Address) -> None:
        key = self._settings.api_key
        self._address = address
        self._http = httpx.Client(
            base_url=address.url,
            # Plain HTTP to this machine: no certificates to load, no proxy to go through.
            transport=httpx.HTTPTransport(uds=address.socket, verify=False, trust_env=False),
            trust_env=False,
            headers={"Authorization": f"Bearer {key.get_secret_value()}"} if key else {},
            timeout=httpx.Timeout(self._settings.request_timeout_s + _SPARE_S, connect=5.0),
        )

    def _disconnect(self) -> Address | None:
        if self._http is not None:
            self._http.close()
            self._http = None
        return self._address


def _name(address: Address | None) -> str:
    assert address is not None
    return address.socket or address.url


def _broke_off() -> ServiceUnavailable:
    return ServiceUnavailable("The service stopped before it had finished its answer; try again.")


def _json_of(answer: httpx.Response) -> Any:
    try:
        return json.loads(answer.read())
    except (ValueError, httpx.TransportError):
        return None


def reported(status: int, body: Any) -> ServiceError:
    """The error in OpenAI's shape, or what little a status says."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        error = {}
    message = str(error.get("message") or f"The service answered with status {status}.")
    code = str(error.get("code") or "")
    if status == 401:
        message += " Set SWITCHBOARD_API_KEY."
    # In mid-stream the status is gone, and the code says what it was.
    if status in (429, 502, 503) or code.endswith("_unavailable") or code in _UNAVAILABLE:
        return ServiceUnavailable(message, reported=code)
    if status in (400, 404, 405, 413, 415) or code in _REFUSED:
        return ServiceRefused(message, reported=code, param=error.get("param"))
    return ServiceFailed(message, reported=code, param=error.get("param"))
