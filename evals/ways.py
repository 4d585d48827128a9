"""The public way in, as an evaluation takes it: the HTTP API, of a running service or of one that
is opened here for the run."""

from __future__ import annotations

import asyncio
import base64
import mimetypes
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

import httpx

from model_servers.contracts import SwitchboardError
from orchestrator.client import ServiceError, ServiceUnavailable, reported

if TYPE_CHECKING:
    from orchestrator.settings import Settings

_CHAT = "/v1/chat/completions"
_SPARE_S = 30.0
"""How much longer than the service itself a client waits for an answer."""
_PAUSES_S = (0.5, 2.0, 5.0)
"""Before each further try, where the service has no room or does not listen just now."""
_LONGEST_PAUSE_S = 30.0
_PATIENCE_S = 600.0
"""For one reply of a chat model that first reads all tools there are: some 6,000 tokens."""


class ServiceGone(SwitchboardError):
    """The service that is evaluated, or the model behind it, can't be reached any more."""

    code = "service_gone"
    http_status = 503
    retryable = True


@runtime_checkable
class Traced(Protocol):
    """A way in that also shows how a request was worked on."""

    async def trace(self, trace_id: str) -> dict[str, Any] | None:
        """The trace, or None where it was not kept."""
        ...


class ByUrl:
    """A running service. Close it, or use it in an `async with`.

    Args:
        url: where it listens, as http://127.0.0.1:8000.
        api_key: where the service asks for one.
        timeout_s: for the service's answer to one request.
        transport: in place of the network.
        pauses_s: before each further try where the service is busy or away; then ServiceGone.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        timeout_s: float = 180.0,
        transport: httpx.AsyncBaseTransport | None = None,
        pauses_s: Sequence[float] = _PAUSES_S,
    ) -> None:
        self.name = url
        self._pauses_s = pauses_s
        self._http = httpx.AsyncClient(
            base_url=url,
            transport=transport,
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            timeout=httpx.Timeout(timeout_s + _SPARE_S, connect=5.0),
            limits=httpx.Limits(max_connections=None),
        )

    async def ask(
        self,
        request: str,
        *,
        files: Sequence[tuple[str, bytes]] = (),
        plan_only: bool = False,
        attachments: Sequence[Mapping[str, str]] = (),
    ) -> dict[str, Any]:
        """The agent's Outcome as JSON; its `id` is the trace's. `attachments` are `{"name",
        "kind"}` without bytes, with `plan_only`. Raises ServiceError, ServiceGone."""
        parts = [{"type": "file", "file": file_argument(name, data)} for name, data in files]
        content: Any = [{"type": "text", "text": request}, *parts] if parts else request
        extension: dict[str, Any] = {"plan_only": plan_only}
        if attachments:
            extension["attachments"] = [{"name": a["name"], "kind": a["kind"]} for a in attachments]
        body = {
            "model": "switchboard",
            "messages": [{"role": "user", "content": content}],
            "switchboard": extension,
        }
        outcome: dict[str, Any] = (await self._post(_CHAT, body)).json()["switchboard"]
        return outcome

    async def invoke(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """One tool: {"data", "artifacts", "usage", "seconds", "trace_id"}. A file among the
        arguments is `{"filename", "file_data"}`. Raises ServiceError, ServiceGone."""
        answer = await self._post(f"/v1/tools/{tool}/invoke", {"arguments": dict(arguments)})
        said = answer.json()
        return {
            "data": said["result"],
            "artifacts": said["artifacts"],
            # How often a tool calls the chat model is not told; here it is once, or not at all.
            "usage": {**said["usage"], "llm_calls": int(said["usage"]["completion_tokens"] > 0)},
            "seconds": said["seconds"],
            "trace_id": answer.headers.get("x-request-id"),
        }

    async def api(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The JSON that the service answers to any request. Raises ServiceError, ServiceGone."""
        request = {} if body is None else {"json": body}
        return (await self._send(method, path, **request)).json()

    async def upload(
        self, path: str, files: Sequence[tuple[str, bytes]], fields: Mapping[str, str]
    ) -> Any:
        """The JSON that the service answers to a form with files, each a name and its bytes.
        Raises ServiceError, ServiceGone."""
        parts = [("file", (name, data, _media_type(name))) for name, data in files]
        return (await self._send("POST", path, files=parts, data=dict(fields))).json()

    async def download(self, file_id: str) -> bytes:
        """A file that a tool made, or that was uploaded. Raises ServiceError, ServiceGone."""
        return (await self._send("GET", f"/v1/files/{file_id}/content")).content

    async def trace(self, trace_id: str) -> dict[str, Any] | None:
        """How a request was worked on; None where it was not kept. Raises ServiceGone."""
        try:
            answer = await self._send("GET", f"/v1/traces/{trace_id}")
        except ServiceError:
            return None
        found: dict[str, Any] = answer.json()
        return found

    async def check(self) -> None:
        """Raises ServiceGone where nothing serves there, ServiceError where it refuses us."""
        await self._send("GET", "/v1/tools")

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _post(self, path: str, body: Mapping[str, Any]) -> httpx.Response:
        return await self._send("POST", path, json=body)

    async def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """The answer; tries again where the service says that it may do better later."""
        for pause_s in (*self._pauses_s, None):
            asked_s = 0.0
            try:
                answer = await self._http.request(method, path, **request)
            except httpx.TimeoutException as error:
                if not isinstance(error, httpx.ConnectTimeout):
                    raise ServiceUnavailable(
                        "The service did not answer in time.", reported="deadline_exceeded"
                    ) from None
                wrong = "does not answer."
            except (httpx.InvalidURL, httpx.UnsupportedProtocol):
                raise ServiceGone(f"{self.name} is no address of a service.") from None
            except httpx.TransportError:
                wrong = "does not answer."
            else:
                if not answer.is_error:
                    return answer
                error_found = reported(answer.status_code, _json_of(answer))
                if answer.status_code not in (429, 502, 503):
                    raise error_found
                wrong = f"says: {error_found.message}"
                asked_s = _retry_after_s(answer)
            if pause_s is not None:
                await asyncio.sleep(max(pause_s, asked_s))
        raise ServiceGone(f"The service ({self.name}) {wrong}")


class InProcess(ByUrl):
    """A service of this process, asked through the very same API. `open_in_process` makes one."""

    def __init__(self, app: Any, *, timeout_s: float = 180.0) -> None:
        # A bug in the service is answered with 500, as over a network.
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        super().__init__("http://localhost", transport=transport, timeout_s=timeout_s)
        self.name = "in process"


@asynccontextmanager
async def open_in_process(settings: Settings) -> AsyncIterator[InProcess]:
    """Open the service on `settings.home`, and close it at the end.

    Raises HomeError where another process owns the home, and what opening the service raises.
    """
    from orchestrator.home import Home, HomeError
    from orchestrator.logs import log_to_file
    from orchestrator.server import service_app

    async with AsyncExitStack() as resources:
        lock = Home(settings.home_dir).acquire()
        if lock is None:
            raise HomeError(f"Another process works in {settings.home_dir}; let it finish.")
        resources.enter_context(lock)
        resources.enter_context(log_to_file(settings.home_dir / "switchboard.log", settings))
        app = await resources.enter_async_context(service_app(settings, page=False))
        yield await resources.enter_async_context(
            InProcess(app, timeout_s=settings.request_timeout_s)
        )


def settings_for(home: Path, profile: str | None, *, patient: bool = False) -> Settings:
    """The settings of this environment, with a home of the run's own: an evaluation neither sees
    nor changes what people keep. A `patient` service waits for a chat model that reads hundreds
    of tools, as a baseline makes it, on whatever machine."""
    from orchestrator.settings import get_settings

    changed: dict[str, Any] = {"home": home}
    if profile is not None:
        changed["profile"] = profile
    settings = get_settings()
    if patient:
        for name in ("llm_timeout_s", "request_timeout_s"):
            changed[name] = max(getattr(settings, name), _PATIENCE_S)
    return settings.model_copy(update=changed)


def file_argument(name: str, data: bytes) -> dict[str, str]:
    """A file as a tool's argument, or as a part of a message: {"filename", "file_data"}."""
    encoded = base64.b64encode(data).decode("ascii")
    return {"filename": name, "file_data": f"data:{_media_type(name)};base64,{encoded}"}


def _media_type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _retry_after_s(answer: httpx.Response) -> float:
    """How long the service asks to wait, within reason."""
    told = answer.headers.get("retry-after", "")
    return min(float(told), _LONGEST_PAUSE_S) if told.isdecimal() else 0.0


def _json_of(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None
