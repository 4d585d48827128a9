"""Work that the API does itself waits for its turn, as the agent's and the tools' does."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar
from uuid import uuid4

from orchestrator.api.facade import Service
from orchestrator.api.streams import closing

T = TypeVar("T")


@asynccontextmanager
async def admitted(service: Service, owner: str) -> AsyncIterator[float]:
    """A place among the requests that run; gives the time by which the work is to be done.

    The work is traced. Raises as `Admission.admitted` does.
    """
    timeout_s = service.settings.request_timeout_s
    with service.tracer.trace(f"call_{uuid4().hex}", "call", owner):
        async with service.admission.admitted(owner, timeout_s=timeout_s) as deadline:
            yield deadline


async def admitted_stream(
    service: Service, owner: str, pieces: AsyncIterator[T]
) -> AsyncGenerator[T, None]:
    """The pieces, made while a place is held. Raises before the first where there is none.

    Belongs to one task, which takes the next piece at once: a `streams.Feed`.
    """
    async with admitted(service, owner), closing(pieces):
        async for piece in pieces:
            yield piece
