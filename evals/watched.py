"""Sees what one sample takes of the way in, so that no task has to count it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

from evals.task import Prediction, Sample, Solve, Way
from evals.ways import ServiceGone
from model_servers.contracts import SwitchboardError

T = TypeVar("T")


class NoWay(SwitchboardError):
    """The way in does not lead to what is asked for."""

    code = "no_way"
    http_status = 400


@runtime_checkable
class OpenWay(Protocol):
    """A way in that leads to the whole public API."""

    async def api(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The JSON that the service answers. Raises SwitchboardError."""
        ...


@runtime_checkable
class FillingWay(Protocol):
    """A way in by which files can be given to the service."""

    async def upload(
        self, path: str, files: Sequence[tuple[str, bytes]], fields: Mapping[str, str]
    ) -> Any:
        """The JSON that the service answers to a form. Raises SwitchboardError."""
        ...


@runtime_checkable
class FetchingWay(Protocol):
    """A way in by which the files that tools make can be had."""

    async def download(self, file_id: str) -> bytes:
        """The file's bytes. Raises SwitchboardError."""
        ...


class WatchedWay:
    """A way in for one sample.

    Attributes:
        way: the way in itself, the same for all samples of a run.
        gone: set once the service could not be reached: then nothing was predicted, even where
            the solver took it for an error of its own.
        usage: prompt_tokens, completion_tokens and llm_calls of all requests together.
        trace_id: of the last request.
    """

    def __init__(self, way: Way) -> None:
        self.way = way
        self.gone: ServiceGone | None = None
        self.usage = {"prompt_tokens": 0, "completion_tokens": 0, "llm_calls": 0}
        self.trace_id: str | None = None

    async def ask(
        self,
        request: str,
        *,
        files: Sequence[tuple[str, bytes]] = (),
        plan_only: bool = False,
        attachments: Sequence[Mapping[str, str]] = (),
    ) -> dict[str, Any]:
        """As the way in does it."""
        outcome = await self._seen(
            self.way.ask(request, files=files, plan_only=plan_only, attachments=attachments)
        )
        self._count(outcome.get("usage"))
        self.trace_id = outcome.get("id") or self.trace_id
        return outcome

    async def invoke(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """As the way in does it."""
        result = await self._seen(self.way.invoke(tool, arguments))
        self._count(result.get("usage"))
        self.trace_id = result.get("trace_id") or self.trace_id
        return result

    async def api(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Any request of the public API, where the way in leads to all of it."""
        if not isinstance(self.way, OpenWay):
            raise NoWay("This way in leads to the agent and the tools alone.")
        return await self._seen(self.way.api(method, path, body))

    async def upload(
        self, path: str, files: Sequence[tuple[str, bytes]], fields: Mapping[str, str]
    ) -> Any:
        """A form with files, where the way in takes them."""
        if not isinstance(self.way, FillingWay):
            raise NoWay("There is no way here to give the service documents.")
        return await self._seen(self.way.upload(path, files, fields))

    async def download(self, file_id: str) -> bytes:
        """A file's bytes, where the way in gives them."""
        if not isinstance(self.way, FetchingWay):
            raise NoWay("There is no way here to get the files that tools make.")
        return await self._seen(self.way.download(file_id))

    async def _seen(self, asked: Awaitable[T]) -> T:
        try:
            return await asked
        except ServiceGone as error:
            self.gone = error
            raise

    def _count(self, usage: Mapping[str, Any] | None) -> None:
        for name in self.usage:
            self.usage[name] += int((usage or {}).get(name) or 0)


async def predict(sample: Sample, solve: Solve, way: Way) -> Prediction:
    """What the solver gives; what it leaves open of seconds, usage and trace is filled in.

    A SwitchboardError becomes the prediction's error. Raises ServiceGone.
    """
    watched = WatchedWay(way)
    begun = time.monotonic()
    try:
        found = await solve(sample, watched)
    except SwitchboardError as error:
        found = Prediction(error=f"{getattr(error, 'reported', '') or error.code}: {error.message}")
    if watched.gone is not None:
        raise watched.gone
    changed: dict[str, Any] = {}
    if not found.seconds:
        changed["seconds"] = round(time.monotonic() - begun, 4)
    if not (found.prompt_tokens or found.completion_tokens or found.llm_calls):
        changed |= watched.usage
    if found.trace_id is None:
        changed["trace_id"] = watched.trace_id
    return found.model_copy(update=changed)
