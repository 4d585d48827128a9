"""What the first question would wait for, got ready in the background once the service serves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from model_servers.contracts import SwitchboardError

if TYPE_CHECKING:
    from orchestrator.service import Service

log = logging.getLogger(__name__)


@asynccontextmanager
async def warming_up(service: Service, once: asyncio.Event) -> AsyncIterator[None]:
    """Warms up for as long as the block lasts, from when `once` is set.

    Leaving the block waits for nothing; an import that has begun ends in its thread.
    """
    task = asyncio.create_task(_warm_up(service, once), name="warm-up")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _warm_up(service: Service, once: asyncio.Event) -> None:
    from model_servers.chat import LiteLLMChat

    await once.wait()
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
