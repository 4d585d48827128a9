"""What the first question would wait for, got ready in the background once the service serves."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING, Any

from model_servers.contracts import SwitchboardError

if TYPE_CHECKING:
    from orchestrator.service import Service

log = logging.getLogger(__name__)


@asynccontextmanager
async def warming_up(service: Service, once: asyncio.Event) -> AsyncIterator[None]:
    """Warms up for as long as the block lasts, from when `once` is set.

    Leaving the block waits for nothing; an import that has begun ends with its current module.
    """
    over = threading.Event()
    task = asyncio.create_task(_warm_up(service, once, over), name="warm-up")
    try:
        yield
    finally:
        over.set()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _warm_up(service: Service, once: asyncio.Event, over: threading.Event) -> None:
    from model_servers.chat import LiteLLMChat

    await once.wait()
    if _ends_imports not in sys.meta_path:
        sys.meta_path.insert(0, _ends_imports)
    _over.set(over)  # threads that this task starts see it, and no others
    if not service.settings.warm_up:
        return
    if isinstance(service.chat, LiteLLMChat):
        await _logged("the chat model", service.chat.warm_up())
    if service.settings.profile == "embedded":
        from model_servers.entities import import_pipeline

        await _logged("the finder of names", asyncio.to_thread(import_pipeline))


async def _logged(part: str, work: Awaitable[None]) -> None:
    """A part that can't be had says so to whoever needs it: here it is only logged."""
    try:
        await work
    except SwitchboardError as error:
        log.warning("%s could not be warmed up: %s", part, error.message)
    except Exception:
        log.exception("%s could not be warmed up", part)


_over: ContextVar[threading.Event | None] = ContextVar("warm_up_over", default=None)


class _Over(BaseException):
    """No Exception: modules go on where one of their own imports raises one."""


class _EndsImports(MetaPathFinder):
    """Finds nothing. Ends the imports of a warm-up that is over: the process would wait for its
    thread, for seconds, and a thread can't be cancelled.
    """

    def find_spec(self, *_: Any) -> None:
        over = _over.get()
        if over is not None and over.is_set():
            raise _Over


_ends_imports = _EndsImports()
