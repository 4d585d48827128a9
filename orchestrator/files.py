"""Files that were uploaded by themselves, or made for a batch: each belongs to whoever brought it.

The bytes lie in the artifact store, once for all who have the same. A file's own id is random and
says nothing of its bytes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import uuid4

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from orchestrator.database import Database, now, storable
from orchestrator.errors import DatabaseError
from orchestrator.tables import files as _files
from tools.artifacts import Artifact, FileArtifactStore
from tools.contracts import NotFound

log = logging.getLogger(__name__)

PREFIX = "file-"
MAX_LISTED = 10_000

Purpose = Literal["assistants", "batch", "evals", "fine-tune", "user_data", "vision"]
"""What OpenAI's clients may say of an upload; only "batch" means something here."""
BATCH_OUTPUT = "batch_output"


class StoredFile(BaseModel):
    """A file and who may have it."""

    model_config = ConfigDict(frozen=True)

    id: str
    owner: str
    artifact: Artifact
    purpose: str
    created_at: datetime


class FileStore:
    """Files by owner: a key's id, or "local". Others' look as if they were not there."""

    def __init__(self, database: Database, artifacts: FileArtifactStore) -> None:
        self._database = database
        self._artifacts = artifacts

    async def add(self, owner: str, artifact: Artifact, purpose: str) -> StoredFile:
        """A file of this owner's with these bytes."""
        file = StoredFile(
            id=f"{PREFIX}{uuid4().hex}",
            owner=storable(owner),
            artifact=artifact,
            purpose=purpose,
            created_at=now(),
        )
        kept = file.model_dump() | {"artifact": artifact.model_dump(mode="json")}
        async with self._database.write() as connection:
            await connection.execute(_files.insert().values(**kept))
        return file

    async def get(self, file_id: str, owner: str) -> StoredFile:
        """Raises NotFound."""
        query = sa.select(_files).where(
            _files.c.id == storable(file_id), _files.c.owner == storable(owner)
        )
        async with self._database.read() as connection:
            row = (await connection.execute(query)).mappings().first()
        if row is None:
            raise NotFound("There is no such file here; upload it again.")
        return _file(row)

    async def list(
        self,
        owner: str,
        *,
        purpose: str | None = None,
        after: str | None = None,
        limit: int = MAX_LISTED,
        newest_first: bool = True,
    ) -> tuple[StoredFile, ...]:
        """The owner's files, from the one that follows `after`. Raises NotFound for that one."""
        query = sa.select(_files).where(_files.c.owner == storable(owner))
        if purpose is not None:
            query = query.where(_files.c.purpose == storable(purpose))
        place = sa.tuple_(_files.c.created_at, _files.c.id)
        if after is not None:
            last = await self.get(after, owner)
            there = sa.tuple_(sa.literal(last.created_at, _files.c.created_at.type), last.id)
            query = query.where(place < there if newest_first else place > there)
        order = [_files.c.created_at, _files.c.id]
        query = query.order_by(*([c.desc() for c in order] if newest_first else order))
        async with self._database.read() as connection:
            rows = (await connection.execute(query.limit(limit))).mappings().all()
        return tuple(map(_file, rows))

    async def delete(self, file_id: str, owner: str) -> None:
        """Forget a file, and its bytes where no other file has the same. Raises NotFound."""
        file = await self.get(file_id, owner)
        async with self._database.write() as connection:
            await connection.execute(sa.delete(_files).where(_files.c.id == file.id))
            others = (await connection.execute(_having(file.artifact.id))).first()
        if others is None:
            await asyncio.to_thread(self._artifacts.remove, file.artifact.id)

    async def expire(self, kept_s: float) -> int:
        """Remove the bytes that came with requests, or were made, more than `kept_s` seconds ago.

        What was uploaded by itself, or belongs to a batch, stays until its owner deletes it.
        """
        query = sa.select(_files.c.artifact["id"].as_string()).distinct()
        async with self._database.read() as connection:
            owned = frozenset((await connection.execute(query)).scalars())
        return await asyncio.to_thread(self._artifacts.expire, kept_s, spared=owned)

    async def keep_tidy(self, kept_s: float, *, every_s: float = 3_600.0) -> None:
        """Expire files now and from time to time, until cancelled."""
        while True:
            try:
                removed = await self.expire(kept_s)
                if removed:
                    log.info("%d files were older than %.0f days", removed, kept_s / 86_400)
            except (OSError, DatabaseError):
                log.exception("old files could not be removed")
            await asyncio.sleep(every_s)

    async def artifact(self, file_id: str, owner: str) -> Artifact:
        """The bytes that a file's id names, or their sha256: those came with a request, or were
        made by a tool. Raises NotFound, also where others uploaded them and this owner did not.
        """
        if file_id.startswith(PREFIX):
            return (await self.get(file_id, owner)).artifact
        artifact = await asyncio.to_thread(self._artifacts.get, file_id)
        async with self._database.read() as connection:
            owners = {row.owner for row in await connection.execute(_having(artifact.id))}
        if owners and owner not in owners:
            raise NotFound("There is no such file here; upload it again.")
        return artifact


def _having(artifact_id: str) -> sa.Select[tuple[str]]:
    has = _files.c.artifact["id"].as_string() == storable(artifact_id)
    return sa.select(_files.c.owner).where(has).distinct()


def _file(row: Mapping[Any, Any]) -> StoredFile:
    return StoredFile.model_validate(dict(row))
