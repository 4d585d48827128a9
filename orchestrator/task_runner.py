"""Runs tasks to their end: a few at once, and again after a restart."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from model_servers.contracts import SwitchboardError
from orchestrator.errors import DatabaseUnavailable
from orchestrator.task import FinalState, Task, TaskEvent, TaskRequest
from orchestrator.tasks import MAX_ATTEMPTS, TaskStore
from orchestrator.turn import (
    ErrorReport,
    Finished,
    Outcome,
    TextDelta,
    Turn,
)

if TYPE_CHECKING:
    from orchestrator.bulk import Bulk
    from orchestrator.checkpoints import Checkpoints
    from orchestrator.turns import Turns

log = logging.getLogger(__name__)

PAUSES_S = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 30.0, 60.0, 60.0, 60.0)
"""Before a task goes on whose state could not be kept."""
CANCEL_WAIT_S = 1.0
STEP_PARTS, ROW_PARTS = 20, 100
"""In how many parts the progress of a step, and of rows, is told at most."""

Emit = Callable[[TaskEvent], None]


class TaskRunner:
    """Start it once; a task that is running when it is closed goes on at the next start.

    Args:
        turns: what a task is run with.
        bulk: what a task with `each` is run with.
        checkpoints: where a turn's state is kept while it is not finished.
        workers: tasks at once.
        timeout_s: for the steps of one attempt at a task.
    """

    def __init__(
        self,
        store: TaskStore,
        turns: Turns,
        bulk: Bulk,
        checkpoints: Checkpoints,
        *,
        workers: int,
        timeout_s: float,
    ) -> None:
        self.store = store
        self._turns = turns
        self._checkpoints = checkpoints
        self._bulk = bulk
        self._workers = workers
        self._timeout_s = timeout_s
        self._running: dict[str, tuple[Task, asyncio.Task[None]]] = {}
        self._news = asyncio.Event()
        self._dispatcher: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Go on with what is unfinished. Raises DatabaseUnavailable."""
        await self.store.recover()
        self._dispatcher = asyncio.create_task(self._dispatch(), name="tasks")

    async def create(
        self, owner: str, request: TaskRequest, key: str | None = None
    ) -> tuple[Task, bool]:
        """Take a task in, as `TaskStore.create` does."""
        task, is_new = await self.store.create(owner, request, key)
        self._news.set()
        return task, is_new

    async def cancel(self, task_id: str, owner: str) -> Task:
        """Stop a task's work; nothing changes where it has ended. Raises NotFound."""
        await self.store.get(task_id, owner)
        if await self.store.finish(task_id, "cancelled"):
            if task_id in self._running:
                _, work = self._running[task_id]
                work.cancel()
                await asyncio.wait((work,), timeout=CANCEL_WAIT_S)
            await self._forget(task_id)
        return await self.store.get(task_id, owner)

    async def close(self) -> None:
        """Stop the work. What it had not finished goes on at the next start."""
        running = list(self._running.values())
        works = [work for _, work in running]
        if self._dispatcher is not None:
            works.append(self._dispatcher)
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)
        with suppress(DatabaseUnavailable):
            for task, _ in running:
                await self.store.release(task)

    async def _dispatch(self) -> None:
        while True:
            self._news.clear()
            try:
                while (task := await self._next()) is not None:
                    self._begin(task)
            except Exception as error:
                # Whatever it was: tasks that wait must not wait for ever.
                log.warning("tasks wait", exc_info=not isinstance(error, DatabaseUnavailable))
                await asyncio.sleep(PAUSES_S[0])
            else:
                await self._news.wait()

    async def _next(self) -> Task | None:
        """The task that may begin now.

        One that the service has died of as often as it may but once is run alone: what the
        service dies of then is known, and no other task pays for it.
        """
        running = [task for task, _ in self._running.values()]
        if len(running) >= self._workers or any(map(_is_suspect, running)):
            return None
        task = await self.store.next()
        if task is None or (running and _is_suspect(task)):
            return None
        return task if await self.store.begin(task) else await self._next()

    def _begin(self, task: Task) -> None:
        work = asyncio.create_task(self._work(task), name=task.id)
        self._running[task.id] = task, work
        work.add_done_callback(lambda _: self._ended(task))

    def _ended(self, task: Task) -> None:
        self._running.pop(task.id, None)
        self._news.set()

    async def _work(self, task: Task) -> None:
        for pause_s in PAUSES_S:
            try:
                await self._attempt(task)
                return
            except DatabaseUnavailable as error:
                log.warning("task %s goes on in %s s: %s", task.id, pause_s, error.message)
            await asyncio.sleep(pause_s)
        log.error("task %s is left to the next start of the service", task.id)

    async def _attempt(self, task: Task) -> None:
        """Do it, and keep how it ended. Raises DatabaseUnavailable."""
        state: FinalState = "failed"
        outcome: Mapping[str, Any] | None = None
        error: ErrorReport | None = None
        try:
            outcome, error = await self._done(task)
            state = "succeeded" if error is None else "failed"
        except DatabaseUnavailable:
            raise
        except SwitchboardError as failure:
            error = ErrorReport(code=failure.code, message=failure.message)
        except Exception:
            log.exception("task %s", task.id)
            error = ErrorReport(
                code=SwitchboardError.code,
                message=f"Something broke inside the service; its log has it as {task.id}.",
            )
        await self.store.finish(task.id, state, outcome=outcome, error=error)
        # What waits for a person is forgotten when it has gone on.
        if outcome is None or outcome.get("handoff") is None:
            await self._forget(task.id)

    async def _done(self, task: Task) -> tuple[Mapping[str, Any], ErrorReport | None]:
        """A task's outcome, and why it has failed where nothing came of it."""
        outcomes: list[Outcome] = []
        async with telling(self.store, task.id) as tell:

            def emit(event: TaskEvent) -> None:
                if isinstance(event, Finished):
                    outcomes.append(event.outcome)
                else:
                    tell(event)

            if task.request.each:
                await self._bulk.run(_turn(task), emit, job_id=task.id)
            else:
                await self._turns.run(
                    _turn(task),
                    emit,
                    turn_id=task.id,
                    durability="sync",
                    timeout_s=self._timeout_s,
                )
        (outcome,) = outcomes
        return outcome.model_dump(mode="json"), _failure(outcome)

    async def _forget(self, task_id: str) -> None:
        """Remove the state of a task that has ended: its outcome has all of it.

        Where a person has its conversation, the agent goes on from that state one day.
        """
        with suppress(DatabaseUnavailable):
            await self._checkpoints.adelete_thread(task_id)


def _is_suspect(task: Task) -> bool:
    """Whether the service has died of it, or beside it, so often that this try is its last."""
    return task.attempts == MAX_ATTEMPTS - 1


def _failure(outcome: Outcome) -> ErrorReport | None:
    """Why nothing came of it: no step went well, or no row."""
    rows = outcome.rows
    if rows is not None and rows.total and rows.failed == rows.total:
        return ErrorReport(code="rows_failed", message=outcome.answer)
    errors = [step.error for step in outcome.steps if step.status != "ok"]
    return errors[0] if errors and len(errors) == len(outcome.steps) else None


def _turn(task: Task) -> Turn:
    request = task.request
    return Turn(
        text=request.text,
        attachments=request.attachments,
        conversation_id=request.conversation_id,
        owner=task.owner,
    )


class _Teller:
    """Keeps a task's events, each told once: an attempt tells again what an earlier one did."""

    def __init__(self, store: TaskStore, task_id: str) -> None:
        self._store = store
        self._task_id = task_id
        self._told: set[tuple[Any, ...]] = set()
        self._waiting: list[TaskEvent] = []
        self._more = asyncio.Event()
        self._ended = False

    async def read(self) -> None:
        """Learn what has been told."""
        for _, event in await self._store.events(self._task_id):
            self._told.add(_mark(event))

    def tell(self, event: TaskEvent) -> None:
        # The answer is in the outcome, whole: half of one can't be taken back after a crash.
        if isinstance(event, TextDelta):
            return
        mark = _mark(event.model_dump(include=_MARKING))
        if mark not in self._told:
            self._told.add(mark)
            self._waiting.append(event)
            self._more.set()

    def end(self) -> None:
        self._ended = True
        self._more.set()

    async def write(self) -> None:
        """Keep what is told, until the end."""
        while not self._ended or self._waiting:
            await self._more.wait()
            self._more.clear()
            if self._waiting:
                told, self._waiting = self._waiting, []
                await self._store.append(self._task_id, told)


_MARKING: Any = {
    "type": True,
    "step": {"id", "status"},
    "id": True,
    "fraction": True,
    "seen": True,
    "done": True,
    "total": True,
}


def _mark(event: Mapping[str, Any]) -> tuple[Any, ...]:
    """What makes an event another one. Progress is told in parts: every event is kept."""
    match event["type"]:
        case "step":
            return "step", event["step"]["id"], event["step"]["status"]
        case "progress":
            seen = event.get("seen")
            if seen is not None:
                return "seen", event["id"], *sorted(seen.items())
            return "progress", event["id"], int(event["fraction"] * STEP_PARTS)
        case "rows":
            return "rows", event["done"] * ROW_PARTS // max(1, event["total"])
        case kind:
            return (kind,)


@asynccontextmanager
async def telling(store: TaskStore, task_id: str) -> AsyncIterator[Emit]:
    """Events that are told inside the block are kept at its end. Raises DatabaseUnavailable."""
    teller = _Teller(store, task_id)
    await teller.read()
    writing = asyncio.create_task(teller.write())
    try:
        yield teller.tell
    except BaseException:
        teller.end()
        await asyncio.gather(writing, return_exceptions=True)
        raise
    teller.end()
    await writing
