"""What is kept of tasks: attempts, bounds, and events that are told once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orchestrator import tasks
from orchestrator.admission import Overloaded
from orchestrator.database import Database, database_at
from orchestrator.task import Progress, RowsDone, TaskRequest
from orchestrator.task_runner import ROW_PARTS, STEP_PARTS, telling
from orchestrator.tasks import MAX_ATTEMPTS, TaskStore
from orchestrator.turn import StepProgress, TextDelta


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with database_at(f"sqlite:///{tmp_path}/state.db") as opened:
        yield opened


async def test_what_ends_the_process_each_time_is_given_up(database: Database) -> None:
    store = TaskStore(database)
    poison, _ = await store.create("local", TaskRequest(text="poison"))
    beside, _ = await store.create("local", TaskRequest(text="beside"))
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert await store.begin(await store.get(poison.id, "local"))
        if attempt < MAX_ATTEMPTS:
            assert await store.begin(await store.get(beside.id, "local"))
        await store.recover()  # as a process does that starts after the one that died
    ended = await store.get(poison.id, "local")
    assert ended.state == "failed"
    assert ended.error is not None
    assert ended.error.code == "task_abandoned"
    assert (await store.get(beside.id, "local")).state == "queued"
    *_, (_, last) = await store.events(poison.id)
    assert last == {"type": "task", "state": "failed"}


async def test_what_gets_on_is_not_given_up(database: Database) -> None:
    store = TaskStore(database)
    task, _ = await store.create("local", TaskRequest(text="x", each=True))
    for attempt in range(2 * MAX_ATTEMPTS):
        assert await store.begin(await store.get(task.id, "local"))
        await store.append(task.id, [RowsDone(done=attempt + 1, total=100)])
        await store.recover()
    assert (await store.get(task.id, "local")).state == "queued"


async def test_an_owner_has_so_many_tasks_that_are_not_finished(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "MAX_UNFINISHED", 5)
    store = TaskStore(database)
    first, _ = await store.create("local", TaskRequest(text="x"), "k")
    for _ in range(4):
        await store.create("local", TaskRequest(text="x"))
    with pytest.raises(Overloaded) as refused:
        await store.create("local", TaskRequest(text="x"))
    assert refused.value.retry_after_s
    assert (await store.create("local", TaskRequest(text="x"), "k")) == (first, False)
    await store.create("other", TaskRequest(text="x"))
    await store.finish(first.id, "cancelled")
    await store.create("local", TaskRequest(text="x"))


async def test_an_attempt_tells_nothing_that_an_earlier_one_told(database: Database) -> None:
    store = TaskStore(database)
    task, _ = await store.create("local", TaskRequest(text="x"))
    for _ in range(2):
        async with telling(store, task.id) as tell:
            for step in range(1_000):
                tell(StepProgress(id="s1", fraction=step / 1_000))
            for row in range(5_001):
                tell(RowsDone(done=row, total=5_000))
            tell(TextDelta(text="half of an answer"))
    told = [event["type"] for _, event in await store.events(task.id)]
    assert told.count("progress") == STEP_PARTS
    assert told.count("rows") == ROW_PARTS + 1
    assert "text" not in told
    assert (await store.get(task.id, "local")).progress == Progress(done=5_000, total=5_000)
