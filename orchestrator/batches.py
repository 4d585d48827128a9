"""Batches: files of requests, answered one by one, and again after a restart where they stopped."""

from __future__ import annotations

import asyncio
import functools
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from model_servers.contracts import SwitchboardError
from orchestrator.admission import Overloaded, Stopping
from orchestrator.batch import (
    UNFINISHED,
    Batch,
    BatchError,
    BatchState,
    Endpoint,
    Line,
    RequestCounts,
)
from orchestrator.batch_lines import LineFile, answered, refused
from orchestrator.database import Database, now, storable, storable_json
from orchestrator.errors import BadRequest, DatabaseUnavailable
from orchestrator.files import BATCH_OUTPUT, FileStore
from orchestrator.row_run import KeptRows, run_rows
from orchestrator.row_store import RowStore, StoredRow
from orchestrator.tables import batches as _batches
from tools.artifacts import Artifact, FileArtifactStore
from tools.contracts import NotFound
from tools.file_types import TEXT

log = logging.getLogger(__name__)

LINES_AT_ONCE = 4
"""Of all batches together: they are done beside the requests that somebody waits for."""
PAUSE_S = 5.0
MAX_UNFINISHED = 100
"""Batches of one owner that are not finished."""

Answer = Callable[[str, str, Mapping[str, Any]], Awaitable[tuple[int, Any]]]
"""Owner, endpoint and body of a request to the status and the body of its answer. Raises
Overloaded and Stopping where it was not even begun."""


class BatchStore:
    """Batches by owner: a key's id, or "local". Others' look as if they were not there."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, batch: Batch) -> None:
        """Raises Overloaded where the owner has too many that are not finished."""
        unfinished = sa.select(sa.func.count()).where(
            _batches.c.owner == batch.owner, _batches.c.state.in_(UNFINISHED)
        )
        async with self._database.write() as connection:
            if (await connection.execute(unfinished)).scalar_one() >= MAX_UNFINISHED:
                raise Overloaded(
                    f"{MAX_UNFINISHED} batches of yours are not finished; wait for some, or "
                    "cancel them.",
                    retry_after_s=30.0,
                )
            await connection.execute(_batches.insert().values(**_record(batch)))

    async def get(self, batch_id: str, owner: str) -> Batch:
        """Raises NotFound."""
        query = sa.select(_batches.c.batch).where(
            _batches.c.id == storable(batch_id), _batches.c.owner == storable(owner)
        )
        async with self._database.read() as connection:
            kept = (await connection.execute(query)).scalar()
        if kept is None:
            raise NotFound("There is no such batch.", param="batch_id")
        return Batch.model_validate(kept)

    async def list(self, owner: str, *, after: str | None, limit: int) -> tuple[Batch, ...]:
        """The owner's, newest first; those older than `after`. Raises NotFound for that one."""
        query = sa.select(_batches.c.batch).where(_batches.c.owner == storable(owner))
        if after is not None:
            last = await self.get(after, owner)
            there = sa.tuple_(sa.literal(last.created_at, _batches.c.created_at.type), last.id)
            query = query.where(sa.tuple_(_batches.c.created_at, _batches.c.id) < there)
        query = query.order_by(_batches.c.created_at.desc(), _batches.c.id.desc()).limit(limit)
        async with self._database.read() as connection:
            return tuple(map(Batch.model_validate, (await connection.execute(query)).scalars()))

    async def unfinished(self) -> tuple[Batch, ...]:
        query = sa.select(_batches.c.batch).where(_batches.c.state.in_(UNFINISHED))
        async with self._database.read() as connection:
            found = (await connection.execute(query.order_by(_batches.c.created_at))).scalars()
            return tuple(map(Batch.model_validate, found))

    async def save(self, batch: Batch) -> None:
        async with self._database.write() as connection:
            await connection.execute(
                _batches.update().where(_batches.c.id == batch.id).values(**_record(batch))
            )


def _record(batch: Batch) -> dict[str, Any]:
    return {
        "id": batch.id,
        "owner": batch.owner,
        "state": batch.state,
        "batch": storable_json(batch.model_dump(mode="json")),
        "created_at": batch.created_at,
    }


def entered(batch: Batch, state: BatchState, **more: Any) -> Batch:
    """The batch in another state, from now on."""
    times = batch.times | {state: now()}
    return batch.model_copy(update={"state": state, "times": times, **more})


class Batches:
    """Answers batches. Start it once; what is not finished when it is closed goes on at the next
    start.

    Args:
        answer: what a line is answered with, the same as a request over HTTP.
    """

    def __init__(
        self,
        store: BatchStore,
        rows: RowStore,
        files: FileStore,
        artifacts: FileArtifactStore,
        answer: Answer,
    ) -> None:
        self.store = store
        self._rows = rows
        self._files = files
        self._artifacts = artifacts
        self._answer = answer
        self._running: dict[str, asyncio.Task[None]] = {}
        self._places = asyncio.Semaphore(LINES_AT_ONCE)

    async def start(self) -> None:
        """Go on with what is unfinished. Raises DatabaseUnavailable."""
        for batch in await self.store.unfinished():
            self._begin(batch)

    async def close(self) -> None:
        works = list(self._running.values())
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)

    async def create(
        self,
        owner: str,
        *,
        input_file_id: str,
        endpoint: Endpoint,
        metadata: dict[str, str] | None = None,
    ) -> Batch:
        """Take a batch in. Raises NotFound, BadRequest, Overloaded."""
        file = await self._files.get(input_file_id, owner)
        if file.purpose != "batch":
            raise BadRequest(
                f"input_file_id: the file was uploaded for {file.purpose!r}; upload it with the "
                "purpose 'batch'.",
                param="input_file_id",
            )
        batch = Batch(
            id=f"batch_{uuid4().hex}",
            owner=storable(owner),
            endpoint=endpoint,
            input_file_id=file.id,
            metadata=metadata,
            created_at=now(),
        )
        await self.store.create(batch)
        self._begin(batch)
        return batch

    async def cancel(self, batch_id: str, owner: str) -> Batch:
        """Stop a batch; what it has answered is in its files. Raises NotFound, BadRequest."""
        batch = await self.store.get(batch_id, owner)
        if batch.is_finished:
            raise BadRequest(f"The batch is {batch.state} and can't be cancelled.")
        if (work := self._running.get(batch.id)) is not None:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        batch = await self.store.get(batch_id, owner)
        if not batch.is_finished:
            await self._finish(batch, "cancelled")
        return await self.store.get(batch_id, owner)

    def _begin(self, batch: Batch) -> None:
        work = asyncio.create_task(self._work(batch), name=batch.id)
        self._running[batch.id] = work
        work.add_done_callback(lambda _: self._running.pop(batch.id, None))

    async def _work(self, batch: Batch) -> None:
        while True:
            try:
                return await self._run(batch)
            except (DatabaseUnavailable, Stopping) as error:
                log.warning("batch %s waits: %s", batch.id, error.message)
                await asyncio.sleep(PAUSE_S)
                with suppress(DatabaseUnavailable):
                    batch = await self.store.get(batch.id, batch.owner)
            except SwitchboardError as error:
                return await self._fail(batch, error.code, error.message)
            except Exception:
                log.exception("batch %s", batch.id)
                return await self._fail(
                    batch,
                    SwitchboardError.code,
                    f"Something broke inside the service; its log has it as {batch.id}.",
                )

    async def _fail(self, batch: Batch, code: str, message: str) -> None:
        with suppress(DatabaseUnavailable):
            error = BatchError(code=code, message=message)
            await self.store.save(entered(batch, "failed", errors=(error,)))

    async def _run(self, batch: Batch) -> None:
        file = await self._read(batch)
        batch = entered(batch, "in_progress") if batch.state == "validating" else batch
        done = await self._rows.done(batch.id)

        async def save() -> None:
            nonlocal batch
            good = len(kept.done) - kept.failed
            counts = RequestCounts(total=file.total, completed=good, failed=kept.failed)
            batch = batch.model_copy(update={"counts": counts})
            await self.store.save(batch)

        kept = KeptRows(self._rows, batch.id, done, save)
        await save()
        finished = frozenset(done)
        left = (line for line in file.lines() if line.number not in finished)
        left_s = (batch.expires_at - now()).total_seconds()
        try:
            async with asyncio.timeout(max(0.0, left_s)) as window:
                await run_rows(
                    left,
                    functools.partial(self._answer_line, batch),
                    kept,
                    at_once=lambda: LINES_AT_ONCE,
                )
        except TimeoutError:
            if not window.expired():
                raise
            await self._finish(batch, "expired")
        else:
            await self._finish(batch, "completed")

    async def _read(self, batch: Batch) -> LineFile:
        artifact = (await self._files.get(batch.input_file_id, batch.owner)).artifact

        def read() -> LineFile:
            with self._artifacts.open(artifact.id) as file:
                return LineFile(file.read(), batch.endpoint)

        return await asyncio.to_thread(read)

    async def _answer_line(self, batch: Batch, line: Line) -> StoredRow:
        if line.error is not None:
            result = refused(line, "invalid_request", line.error)
            return StoredRow(number=line.number, ok=False, result=result)
        async with self._places:
            while True:
                try:
                    status, body = await self._answer(batch.owner, batch.endpoint, line.body)
                    break
                except Overloaded as error:
                    await asyncio.sleep(error.retry_after_s or 1.0)
        return StoredRow(number=line.number, ok=status < 400, result=answered(line, status, body))

    async def _finish(self, batch: Batch, state: BatchState) -> None:
        """Write what there is of answers and errors into files, and end the batch."""
        if state == "completed":
            batch = entered(batch, "finalizing")
            await self.store.save(batch)
        outputs, errors = await self._write(batch)
        batch = entered(batch, state, output_file_id=outputs, error_file_id=errors)
        await self.store.save(batch)
        await self._rows.forget(batch.id)

    async def _write(self, batch: Batch) -> tuple[str | None, str | None]:
        with self._artifacts.new_file() as good, self._artifacts.new_file() as bad:
            async for page in self._rows.pages(batch.id):
                await asyncio.to_thread(_append, good, [row for row in page if row.ok])
                await asyncio.to_thread(_append, bad, [row for row in page if not row.ok])
            return (
                await self._keep(batch, good, f"{batch.id}_output.jsonl"),
                await self._keep(batch, bad, f"{batch.id}_error.jsonl"),
            )

    async def _keep(self, batch: Batch, path: Path, name: str) -> str | None:
        def keep() -> Artifact | None:
            if not path.stat().st_size:
                return None
            return self._artifacts.keep(path, name=name, media_type=TEXT, origin="tool")

        artifact = await asyncio.to_thread(keep)
        if artifact is None:
            return None
        return (await self._files.add(batch.owner, artifact, BATCH_OUTPUT)).id


def _append(path: Path, rows: Sequence[StoredRow]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(row.result, ensure_ascii=False) + "\n" for row in rows)
