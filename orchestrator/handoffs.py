"""Conversations that a person has taken over: open until they are given back to the agent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Literal, get_args
from uuid import uuid4

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from orchestrator.database import Database, now, storable
from orchestrator.errors import Conflict
from orchestrator.tables import handoffs as _handoffs
from orchestrator.turn import HandoffReason, HandoffReport, RouteReport, StepReport
from tools.contracts import NotFound

HandoffState = Literal["open", "resumed"]
STATES: tuple[HandoffState, ...] = get_args(HandoffState)
MAX_LISTED = 200


class Handoff(BaseModel):
    """One hand-over. `thread_id` is the LangGraph thread that waits for the person."""

    model_config = ConfigDict(frozen=True)

    id: str
    conversation_id: str
    thread_id: str
    reason: HandoffReason
    state: HandoffState
    created_at: datetime
    resumed_at: datetime | None = None

    @property
    def report(self) -> HandoffReport:
        """What a turn's outcome says of it."""
        return HandoffReport(id=self.id, reason=self.reason, state=self.state)


class HandoffStore:
    """Hand-overs. A conversation has one open at a time.

    Every turn asks whether its conversation is handed over, so the open ones are kept in memory:
    one process owns the state.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._open: dict[str, Handoff] | None = None
        self._lock = asyncio.Lock()

    async def open_for(self, conversation_id: str) -> Handoff | None:
        """The conversation's open hand-over."""
        return (await self._opened()).get(conversation_id)

    async def open(self, conversation_id: str, thread_id: str, reason: HandoffReason) -> Handoff:
        """Give a conversation to a person; the one that is open already stays the only one."""
        opened = await self._opened()
        async with self._lock:
            if (found := opened.get(conversation_id)) is not None:
                return found
            made = Handoff(
                id=f"handoff_{uuid4().hex}",
                conversation_id=conversation_id,
                thread_id=thread_id,
                reason=reason,
                state="open",
                created_at=now(),
            )
            async with self._database.write() as connection:
                await connection.execute(_handoffs.insert().values(**made.model_dump()))
            opened[conversation_id] = made
        return made

    async def list(
        self, state: HandoffState | None = None, *, after: str | None = None, limit: int = 50
    ) -> tuple[Handoff, ...]:
        """Up to `limit` hand-overs, the oldest first; `after` is the id that the last page ended
        with. Raises NotFound for an `after` that is not there."""
        query = sa.select(_handoffs).order_by(_handoffs.c.created_at, _handoffs.c.id).limit(limit)
        if state is not None:
            query = query.where(_handoffs.c.state == state)
        if after is not None:
            last = await self.get(after)
            query = query.where(
                sa.or_(
                    _handoffs.c.created_at > last.created_at,
                    sa.and_(
                        _handoffs.c.created_at == last.created_at, _handoffs.c.id > storable(after)
                    ),
                )
            )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return tuple(Handoff.model_validate(dict(row)) for row in rows)

    async def get(self, handoff_id: str) -> Handoff:
        """One of them, whatever its state. Raises NotFound."""
        query = sa.select(_handoffs).where(_handoffs.c.id == storable(handoff_id))
        async with self._database.read() as connection:
            row = (await connection.execute(query)).mappings().first()
        if row is None:
            raise NotFound(
                f"There is no hand-over {handoff_id!r}; `switchboard handoffs list` shows them.",
                param="handoff_id",
            )
        return Handoff.model_validate(dict(row))

    async def resume(self, handoff_id: str) -> Handoff:
        """Take it back from the person. Raises NotFound, and Conflict where it is not open."""
        opened = await self._opened()
        async with self._lock, self._database.write() as connection:
            result = await connection.execute(
                _handoffs.update()
                .where(_handoffs.c.id == storable(handoff_id), _handoffs.c.state == "open")
                .values(state="resumed", resumed_at=now())
            )
        handoff = await self.get(handoff_id)
        if result.rowcount == 0:
            raise not_open(handoff)
        opened.pop(handoff.conversation_id, None)
        return handoff

    async def _opened(self) -> dict[str, Handoff]:
        if self._open is None:
            async with self._lock:
                if self._open is None:
                    query = sa.select(_handoffs).where(_handoffs.c.state == "open")
                    async with self._database.read() as connection:
                        rows = (await connection.execute(query)).mappings().all()
                    found = (Handoff.model_validate(dict(row)) for row in rows)
                    self._open = {handoff.conversation_id: handoff for handoff in found}
        return self._open


def is_unsure(route: RouteReport, steps: Sequence[StepReport]) -> bool:
    """Whether an answer was one of low confidence: the agent asked back, was not sure of a plan
    and had none, or all that it looked up was not known."""
    if not steps:
        return route.path in ("router", "planner")
    return all((step.result or {}).get("known") is False for step in steps)


def not_open(handoff: Handoff) -> Conflict:
    """The error for who would act on a hand-over that is over."""
    return Conflict(
        f"The hand-over {handoff.id} was given back to the agent; only an open one can be "
        "answered or given back.",
        param="handoff_id",
    )
