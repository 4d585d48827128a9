"""Conversations that are kept: their messages, what each answer rested on, and thumbs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import uuid4

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from orchestrator.database import Database, now, storable, storable_json
from orchestrator.tables import conversations as _conversations
from orchestrator.tables import messages as _messages
from orchestrator.tables import ratings as _ratings
from tools.contracts import NotFound

MAX_LISTED = 200
MAX_COMMENT_CHARS = 2_000
_TITLE_CHARS = 80

Thumb = Literal[1, -1]
Role = Literal["user", "assistant", "person"]
"""Who said it: the customer, the agent, or a person who has taken over from the agent."""


class StoredMessage(BaseModel):
    """A kept message. `outcome` is the Outcome of an answer, `rating` the thumb it was given."""

    model_config = ConfigDict(frozen=True)

    id: str
    role: Role
    content: str
    outcome: dict[str, Any] | None = None
    rating: Thumb | None = None
    created_at: datetime


class ConversationSummary(BaseModel):
    """A line in the list of conversations; the title is the first request, shortened."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    created_at: datetime
    updated_at: datetime


class ConversationStore:
    """Conversations by owner: a key's id, or "local". Others' look as if they were not there."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ping(self) -> None:
        """See that the database answers. Raises DatabaseUnavailable."""
        await self._database.ping()

    async def create(self, owner: str) -> str:
        """Start one, and return its id."""
        conversation_id = f"conv_{uuid4().hex}"
        async with self._database.write() as connection:
            await connection.execute(
                _conversations.insert().values(
                    id=conversation_id, owner=storable(owner), created_at=now()
                )
            )
        return conversation_id

    async def append(
        self,
        conversation_id: str,
        role: Role,
        content: str,
        outcome: Mapping[str, Any] | None = None,
        *,
        message_id: str | None = None,
    ) -> str:
        """Add a message at the end, and return its id. Raises NotFound.

        With a `message_id` that is there already nothing is added: it was, before a restart.
        """
        async with self._database.write() as connection:
            await _known(connection, conversation_id, owner=None)
            if message_id is None:
                message_id = f"msg_{uuid4().hex}"
            elif await _is_there(connection, message_id):
                return message_id
            await connection.execute(
                _messages.insert().values(
                    id=message_id,
                    conversation_id=conversation_id,
                    role=role,
                    content=storable(content),
                    outcome=None if outcome is None else storable_json(dict(outcome)),
                    created_at=now(),
                )
            )
        return message_id

    async def messages(
        self, conversation_id: str, owner: str | None, limit: int = 100
    ) -> tuple[StoredMessage, ...]:
        """The last `limit` messages, oldest first; with None for an owner, whoever's they are.

        Raises NotFound.
        """
        query = (
            sa.select(
                _messages.c.id,
                _messages.c.role,
                _messages.c.content,
                _messages.c.outcome,
                _messages.c.created_at,
                _ratings.c.value.label("rating"),
            )
            .outerjoin(_ratings, _ratings.c.message_id == _messages.c.id)
            .where(_messages.c.conversation_id == storable(conversation_id))
            .order_by(_messages.c.position.desc())
            .limit(limit)
        )
        async with self._database.read() as connection:
            await _known(connection, conversation_id, owner)
            rows = (await connection.execute(query)).mappings().all()
        return tuple(StoredMessage.model_validate(dict(row)) for row in reversed(rows))

    async def last_message(self, conversation_id: str, owner: str) -> str | None:
        """The id of the last message, to see whether there is a new one. Raises NotFound."""
        query = (
            sa.select(_messages.c.id)
            .where(_messages.c.conversation_id == storable(conversation_id))
            .order_by(_messages.c.position.desc())
            .limit(1)
        )
        async with self._database.read() as connection:
            await _known(connection, conversation_id, owner)
            found: str | None = (await connection.execute(query)).scalar()
        return found

    async def list(self, owner: str) -> tuple[ConversationSummary, ...]:
        """The owner's conversations that hold a message, the one used last first."""
        span = (
            sa.select(
                _messages.c.conversation_id,
                sa.func.min(_messages.c.position).label("first"),
                sa.func.max(_messages.c.position).label("last"),
            )
            .group_by(_messages.c.conversation_id)
            .subquery()
        )
        first, last = _messages.alias("first"), _messages.alias("last")
        query = (
            sa.select(
                _conversations.c.id,
                _conversations.c.created_at,
                first.c.content.label("request"),
                last.c.created_at.label("updated_at"),
            )
            .join(span, span.c.conversation_id == _conversations.c.id)
            .join(first, first.c.position == span.c.first)
            .join(last, last.c.position == span.c.last)
            .where(_conversations.c.owner == storable(owner))
            .order_by(span.c.last.desc())
            .limit(MAX_LISTED)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return tuple(
            ConversationSummary(
                id=row.id,
                title=_title(row.request),
                created_at=row.created_at,
                updated_at=row.updated_at,
            )
            for row in rows
        )

    async def rate(
        self, message_id: str, owner: str, value: Thumb, comment: str | None = None
    ) -> None:
        """Keep a thumb for a message; a later one takes the place of the one before.

        Raises NotFound.
        """
        query = (
            sa.select(_messages.c.id)
            .join(_conversations, _conversations.c.id == _messages.c.conversation_id)
            .where(
                _messages.c.id == storable(message_id), _conversations.c.owner == storable(owner)
            )
        )
        async with self._database.write() as connection:
            if (await connection.execute(query)).first() is None:
                raise NotFound("There is no such message.", param="message_id")
            await connection.execute(
                _ratings.delete().where(_ratings.c.message_id == storable(message_id))
            )
            await connection.execute(
                _ratings.insert().values(
                    message_id=storable(message_id),
                    value=value,
                    comment=None if comment is None else storable(comment)[:MAX_COMMENT_CHARS],
                    created_at=now(),
                )
            )

    async def delete(self, conversation_id: str, owner: str) -> None:
        """Forget it, with its messages and their thumbs. Raises NotFound."""
        async with self._database.write() as connection:
            await _known(connection, conversation_id, owner)
            await connection.execute(
                _conversations.delete().where(_conversations.c.id == conversation_id)
            )


async def _known(connection: Any, conversation_id: str, owner: str | None) -> None:
    query = sa.select(_conversations.c.id).where(_conversations.c.id == storable(conversation_id))
    if owner is not None:
        query = query.where(_conversations.c.owner == storable(owner))
    if (await connection.execute(query)).first() is None:
        raise NotFound("There is no such conversation.", param="conversation")


async def _is_there(connection: Any, message_id: str) -> bool:
    query = sa.select(_messages.c.id).where(_messages.c.id == message_id)
    return (await connection.execute(query)).first() is not None


def _title(request: str) -> str:
    line = " ".join(request.split())
    return line if len(line) <= _TITLE_CHARS else line[: _TITLE_CHARS - 1].rstrip() + "…"
