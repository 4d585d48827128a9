"""Tasks: requests that are kept, and done whatever becomes of who asked or of this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from orchestrator.admission import Overloaded, Stopping
from orchestrator.database import Database, now, storable, storable_json
from orchestrator.errors import Conflict
from orchestrator.tables import task_events as _events
from orchestrator.tables import tasks as _tasks
from orchestrator.task import (
    UNFINISHED,
    FinalState,
    RowsDone,
    Task,
    TaskChanged,
    TaskEvent,
    TaskRequest,
    TaskState,
)
from orchestrator.turn import ErrorReport, StepChanged
from tools.contracts import NotFound

MAX_ATTEMPTS = 3
"""Times a task is begun. What ends the process each time must not do so for ever."""
MAX_UNFINISHED = 1_000
"""Tasks of one owner that wait or run."""
MAX_LISTED = 100


class TaskStore:
    """Tasks by owner: a key's id, or "local". Others' look as if they were not there."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watchers: dict[str, set[asyncio.Event]] = {}
        self._stopping = False

    async def create(
        self, owner: str, request: TaskRequest, key: str | None = None
    ) -> tuple[Task, bool]:
        """A new task, and True; or the one that was made with the same key, and False.

        Raises Conflict where the key came with another request, Overloaded where the owner has
        too many tasks that are not finished.
        """
        key = None if key is None else storable(key)
        try:
            async with self._database.write() as connection:
                known = await self._known(connection, owner, request, key)
                if known is not None:
                    return known, False
                return await self._insert(connection, owner, request, key), True
        except IntegrityError:  # another process was faster
            async with self._database.read() as connection:
                known = await self._known(connection, owner, request, key)
            assert known is not None
            return known, False

    async def get(self, task_id: str, owner: str) -> Task:
        """Raises NotFound."""
        query = sa.select(_tasks).where(
            _tasks.c.id == storable(task_id), _tasks.c.owner == storable(owner)
        )
        async with self._database.read() as connection:
            row = (await connection.execute(query)).mappings().first()
        if row is None:
            raise NotFound("There is no such task.", param="task_id")
        return _task(row)

    async def list(
        self,
        owner: str,
        *,
        state: TaskState | None = None,
        after: str | None = None,
        limit: int = MAX_LISTED,
    ) -> tuple[Task, ...]:
        """The owner's tasks without their outcomes, newest first; those older than `after`.

        Raises NotFound where there is no task `after`.
        """
        columns = [column for column in _tasks.c if column.name != "outcome"]
        query = sa.select(*columns).where(_tasks.c.owner == storable(owner))
        if state is not None:
            query = query.where(_tasks.c.state == state)
        if after is not None:
            last = await self.get(after, owner)
            there = sa.literal(last.created_at, _tasks.c.created_at.type), sa.literal(last.id)
            query = query.where(sa.tuple_(_tasks.c.created_at, _tasks.c.id) < sa.tuple_(*there))
        query = query.order_by(_tasks.c.created_at.desc(), _tasks.c.id.desc()).limit(limit)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return tuple(_task(row) for row in rows)

    async def recover(self) -> None:
        """Put back in the queue what ran when this process's predecessor ended.

        What was begun too often already has failed.
        """
        running = sa.select(_tasks.c.id, _tasks.c.attempts).where(_tasks.c.state == "running")
        async with self._database.read() as connection:
            rows = (await connection.execute(running)).all()
        for row in rows:
            if row.attempts < MAX_ATTEMPTS:
                await self._change(row.id, {"state": "queued"})
                continue
            error = ErrorReport(
                code="task_abandoned",
                message=f"The service stopped in the middle of this {row.attempts} times; ask for "
                "less at once, or see the service's log.",
            )
            await self.finish(row.id, "failed", error=error)

    async def next(self) -> Task | None:
        """The task that has waited longest."""
        query = (
            sa.select(_tasks)
            .where(_tasks.c.state == "queued")
            .order_by(_tasks.c.created_at, _tasks.c.id)
            .limit(1)
        )
        async with self._database.read() as connection:
            row = (await connection.execute(query)).mappings().first()
        return None if row is None else _task(row)

    async def begin(self, task: Task) -> bool:
        """Whether it runs from now on; it does not where it was cancelled meanwhile."""
        changes = {
            "state": "running",
            "attempts": task.attempts + 1,
            "started_at": task.started_at or now(),
        }
        told = [] if task.started_at else [TaskChanged(state="running")]
        return await self._change(task.id, changes, told, only=("queued",))

    async def release(self, task: Task) -> None:
        """Leave it to the next start of the service: this attempt does not count."""
        await self._change(task.id, {"state": "queued", "attempts": _tasks.c.attempts - 1})

    async def finish(
        self,
        task_id: str,
        state: FinalState,
        *,
        outcome: Mapping[str, Any] | None = None,
        error: ErrorReport | None = None,
    ) -> bool:
        """End it, with its last event; False where it had ended before."""
        changes = {
            "state": state,
            "outcome": None if outcome is None else storable_json(dict(outcome)),
            "error": None if error is None else storable_json(error.model_dump()),
            "finished_at": now(),
        }
        return await self._change(task_id, changes, [TaskChanged(state=state)])

    async def append(self, task_id: str, events: Sequence[TaskEvent]) -> None:
        """Add events, numbered on; none where it has ended. What gets on is begun for the first
        time again: only attempts that come to nothing are counted against it."""
        rows = [event for event in events if isinstance(event, RowsDone)]
        steps = [e for e in events if isinstance(e, StepChanged) and e.step.status == "ok"]
        changes: dict[str, Any] = {"attempts": 1} if rows or steps else {}
        if rows:
            changes["progress"] = {"done": rows[-1].done, "total": rows[-1].total}
        await self._change(task_id, changes, events)

    async def events(self, task_id: str, after: int = 0) -> Sequence[tuple[int, dict[str, Any]]]:
        """Its events with their numbers, from the one that follows number `after`."""
        query = (
            sa.select(_events.c.number, _events.c.event)
            .where(_events.c.task_id == storable(task_id), _events.c.number > after)
            .order_by(_events.c.number)
        )
        async with self._database.read() as connection:
            return [(row.number, row.event) for row in await connection.execute(query)]

    async def follow(
        self, task_id: str, after: int = 0, *, news_s: float
    ) -> AsyncIterator[tuple[int, dict[str, Any]] | None]:
        """Its events as they come, to the last one; None when there was none for `news_s`.

        Raises Stopping after `stop_following`.
        """
        with self.watching(task_id) as changed:
            while True:
                changed.clear()
                # Read before its events: where it has ended, they are all there.
                ended = await self._state(task_id) not in UNFINISHED
                for number, event in await self.events(task_id, after):
                    yield number, event
                    after = number
                if ended:
                    return
                if self._stopping:
                    raise Stopping("The service is stopping; the task goes on when it is back.")
                try:
                    async with asyncio.timeout(news_s):
                        await changed.wait()
                except TimeoutError:
                    yield None

    def stop_following(self) -> None:
        """End what follows tasks that have not ended: it would be waited for."""
        self._stopping = True
        for watchers in self._watchers.values():
            for event in watchers:
                event.set()

    @contextmanager
    def watching(self, task_id: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever something is told of the task."""
        event = asyncio.Event()
        watchers = self._watchers.setdefault(task_id, set())
        watchers.add(event)
        try:
            yield event
        finally:
            watchers.discard(event)
            if not watchers:
                self._watchers.pop(task_id, None)

    async def _state(self, task_id: str) -> str | None:
        query = sa.select(_tasks.c.state).where(_tasks.c.id == storable(task_id))
        async with self._database.read() as connection:
            return (await connection.execute(query)).scalar()

    async def _change(
        self,
        task_id: str,
        changes: Mapping[str, Any],
        told: Sequence[TaskEvent] = (),
        *,
        only: Sequence[str] = UNFINISHED,
    ) -> bool:
        """Change it and add events in one go; False, and nothing is, where its state is not
        among `only`."""
        state = sa.select(_tasks.c.state).where(_tasks.c.id == task_id).with_for_update()
        last = sa.select(sa.func.max(_events.c.number)).where(_events.c.task_id == task_id)
        async with self._database.write() as connection:
            if (await connection.execute(state)).scalar() not in only:
                return False
            if changes:
                await connection.execute(
                    _tasks.update().where(_tasks.c.id == task_id).values(**changes)
                )
            if told:
                number = (await connection.execute(last)).scalar() or 0
                await connection.execute(
                    _events.insert(), [_row(task_id, number + n, e) for n, e in enumerate(told, 1)]
                )
        for event in self._watchers.get(task_id, ()):
            event.set()
        return True

    async def _known(
        self, connection: Any, owner: str, request: TaskRequest, key: str | None
    ) -> Task | None:
        """The task that was made with this key. Raises Conflict."""
        if key is None:
            return None
        query = sa.select(_tasks).where(
            _tasks.c.owner == storable(owner), _tasks.c.idempotency_key == key
        )
        row = (await connection.execute(query)).mappings().first()
        if row is not None and row["fingerprint"] != request.fingerprint:
            raise Conflict(
                "This Idempotency-Key came with another request before; use a new key for a new "
                "request."
            )
        return None if row is None else _task(row)

    async def _insert(
        self, connection: Any, owner: str, request: TaskRequest, key: str | None
    ) -> Task:
        unfinished = sa.select(sa.func.count()).where(
            _tasks.c.owner == storable(owner), _tasks.c.state.in_(UNFINISHED)
        )
        if (await connection.execute(unfinished)).scalar() >= MAX_UNFINISHED:
            raise Overloaded(
                f"There are {MAX_UNFINISHED:,} tasks of yours that are not finished; wait for "
                "some, or cancel them.",
                retry_after_s=30.0,
            )
        task = Task(
            id=f"task_{uuid4().hex}",
            owner=storable(owner),
            state="queued",
            request=TaskRequest.model_validate(storable_json(request.model_dump(mode="json"))),
            created_at=now(),
        )
        await connection.execute(
            _tasks.insert().values(
                **task.model_dump(include={"id", "owner", "state", "attempts", "created_at"}),
                request=task.request.model_dump(mode="json"),
                idempotency_key=key,
                fingerprint=request.fingerprint,
            )
        )
        await connection.execute(_events.insert(), [_row(task.id, 1, TaskChanged(state="queued"))])
        return task


def _row(task_id: str, number: int, event: TaskEvent) -> dict[str, Any]:
    kept = storable_json(event.model_dump(mode="json"))
    return {"task_id": task_id, "number": number, "event": kept, "created_at": now()}


def _task(row: Mapping[Any, Any]) -> Task:
    return Task.model_validate({name: row[name] for name in Task.model_fields if name in row})
