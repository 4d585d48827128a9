"""API keys: shown once when made, kept as sha256."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime
from uuid import uuid4

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from orchestrator.database import Database, now, storable
from orchestrator.errors import BadRequest
from orchestrator.tables import keys as _keys
from tools.contracts import NotFound

PREFIX = "sk-switchboard-"
MAX_NAME_CHARS = 100


class Key(BaseModel):
    """What is known of a key; not its secret."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    operator: bool = False
    """Whether it may answer in other owners' conversations that were handed over."""
    created_at: datetime
    revoked_at: datetime | None = None


class KeyStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, name: str, *, operator: bool = False) -> str:
        """Make a key and return its secret, which can't be had again. Raises BadRequest."""
        name = storable(name).strip()
        if not 1 <= len(name) <= MAX_NAME_CHARS or not name.isprintable():
            raise BadRequest(
                f"A key's name is 1 to {MAX_NAME_CHARS} printable characters.", param="name"
            )
        secret = PREFIX + secrets.token_urlsafe(32)
        async with self._database.write() as connection:
            await connection.execute(
                _keys.insert().values(
                    id=f"key_{uuid4().hex[:16]}",
                    name=name,
                    sha256=_digest(secret),
                    operator=operator,
                    created_at=now(),
                )
            )
        return secret

    async def list(self) -> tuple[Key, ...]:
        """Every key ever made, revoked ones too, oldest first."""
        columns = (_keys.c[name] for name in Key.model_fields)
        query = sa.select(*columns).order_by(_keys.c.created_at, _keys.c.id)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return tuple(Key.model_validate(dict(row)) for row in rows)

    async def revoke(self, key_id: str) -> None:
        """From now on it is refused. Raises NotFound for an unknown or revoked key."""
        async with self._database.write() as connection:
            result = await connection.execute(
                _keys.update()
                .where(_keys.c.id == storable(key_id), _keys.c.revoked_at.is_(None))
                .values(revoked_at=now())
            )
            if result.rowcount == 0:
                raise NotFound(
                    f"There is no valid key with the id {key_id!r}; `switchboard keys list` "
                    "shows them.",
                    param="id",
                )

    async def verify(self, secret: str) -> Key | None:
        """The valid key with this secret.

        Digests are compared, in constant time: what is looked up and what is compared tells
        nothing of the secret.
        """
        digest = _digest(secret)
        query = sa.select(_keys).where(_keys.c.sha256 == digest, _keys.c.revoked_at.is_(None))
        async with self._database.read() as connection:
            row = (await connection.execute(query)).mappings().first()
        if row is None or not hmac.compare_digest(row["sha256"], digest):
            return None
        return Key.model_validate({name: row[name] for name in Key.model_fields})


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
