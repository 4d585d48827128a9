"""The process is killed in the middle of tasks: they go on by themselves when it is back."""

from __future__ import annotations

import asyncio
import functools
import json
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from httpx_sse import EventSource
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from orchestrator.service import Service
from orchestrator.task import TaskRequest

from .counted import Counted, ran
from .own_process import OwnProcess, own_process
from .small_service import plan_of, small_service

TASKS, WORKERS = 20, 2
MARKS = ("a", "b", "c")
"""Of the steps s1, s2 and s3."""


async def ask(own: OwnProcess, request: str) -> str:
    """A new task's id."""
    answer = await own.http.post("/v1/tasks", json={"request": request})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def events(own: OwnProcess, task_id: str) -> AsyncIterator[dict[str, Any]]:
    async with own.http.stream("GET", f"/v1/tasks/{task_id}/events") as answer:
        async for event in EventSource(answer).aiter_sse():
            if event.data != "[DONE]":
                yield json.loads(event.data)


async def end_of(own: OwnProcess, task_id: str) -> dict[str, Any]:
    """The whole task, once it has ended."""
    last: dict[str, Any] = {}
    async for event in events(own, task_id):
        last = event
    return dict(last["task"])


def chain(job: str, **more: Any) -> str:
    """Three steps, each on the result of the one before."""
    steps = [
        {"text": f"s{number}" if number else job, "job": job, "mark": mark, **more}
        for number, mark in enumerate(MARKS)
    ]
    return plan_of(*(("count", step) for step in steps))


def told(home: Path) -> set[tuple[str, str]]:
    """The steps that are told to be done, by task: read from the database itself."""
    with sqlite3.connect(f"file:{home / 'switchboard.db'}?mode=ro", uri=True) as database:
        rows = database.execute("SELECT task_id, event FROM task_events").fetchall()
    database.close()
    found = ((task_id, json.loads(event)) for task_id, event in rows)
    return {
        (task_id, event["step"]["id"])
        for task_id, event in found
        if event["type"] == "step" and event["step"]["status"] == "ok"
    }


@pytest.mark.parametrize("killed_at", [("s2", "ok")])
async def test_twenty_tasks_survive_a_kill_in_their_middle(
    tmp_path: Path, killed_at: tuple[str, str]
) -> None:
    jobs: dict[str, str] = {}
    async with own_process(tmp_path, task_workers=WORKERS) as own:
        for number in range(TASKS):
            job = f"job{number}"
            jobs[await ask(own, chain(job))] = job
        middle = list(jobs)[TASKS // 2]
        async for event in events(own, middle):
            step = event.get("step", {})
            if (step.get("id"), step.get("status")) == killed_at:
                break
        own.process.kill()
        await own.ended()
    before = Counter(run for run in ran(own.ran) if run[0] == "begin")
    assert len(before) < 3 * TASKS, "the kill came too late to show anything"
    finished = told(tmp_path / "home")

    async with own_process(tmp_path, task_workers=WORKERS) as own:
        tasks = await asyncio.gather(*(end_of(own, task_id) for task_id in jobs))

    runs = Counter((job, mark) for what, job, mark in ran(own.ran) if what == "begin")
    for task in tasks:
        job = jobs[task["id"]]
        assert task["state"] == "succeeded", task["error"]
        expected = [f"{job}>a", f"{job}>a>b", f"{job}>a>b>c"]
        assert [step["result"]["text"] for step in task["steps"]] == expected
        assert [step["result"]["text"] for step in task["outcome"]["steps"]] == expected
        _check_runs(task["id"], job, runs, before, finished)
    # One step of each task at work may have been cut off, and runs again.
    assert sum(runs.values()) <= 3 * TASKS + WORKERS
    # Nothing is told twice.
    assert len(told(tmp_path / "home")) == 3 * TASKS


def _check_runs(
    task_id: str,
    job: str,
    runs: Mapping[tuple[str, str], int],
    before: Mapping[tuple[str, str, str], int],
    finished: set[tuple[str, str]],
) -> None:
    """A step that was told to be done, or whose successor had begun, has run once."""
    for number, mark in enumerate(MARKS, 1):
        followed = number < len(MARKS) and ("begin", job, MARKS[number]) in before
        if followed or (task_id, f"s{number}") in finished:
            assert runs[job, mark] == 1, f"{mark} of {job} was done and ran again"
        assert runs[job, mark] in (1, 2)


async def test_a_step_that_others_wait_for_is_not_run_again_when_a_faster_one_was_first(
    tmp_path: Path,
) -> None:
    """s1 is slow, and s4 needs only s2: after a stop in s1 neither s2 nor s4 runs again."""
    counted = Counted(tmp_path / "ran")
    request = plan_of(
        ("count", {"text": "x", "job": "j", "mark": "a", "how": "wait"}),
        ("count", {"text": "y", "job": "j", "mark": "b"}),
        ("count", {"text": "s1", "job": "j", "mark": "c"}),
        ("count", {"text": "s2", "job": "j", "mark": "d"}),
    )
    async with small_service(tmp_path / "home", tools=[counted]) as service:
        task, _ = await service.tasks.create("local", TaskRequest(text=request))
        async with asyncio.timeout(30):
            async for found in service.tasks.store.follow(task.id, news_s=30):
                step = found[1].get("step", {}) if found else {}
                if (step.get("id"), step.get("status")) == ("s4", "ok"):
                    break
            await counted.waiting.wait()
    left = Counted(tmp_path / "ran")
    left.go_on.set()
    async with small_service(tmp_path / "home", tools=[left]) as service:
        async with asyncio.timeout(30):
            followed = service.tasks.store.follow(task.id, news_s=30)
            numbers = [found[0] async for found in followed if found]
        ended = await service.tasks.store.get(task.id, "local")
    assert ended.state == "succeeded"
    assert ended.attempts == 1, "a stop in good order is no failed attempt"
    assert ended.outcome is not None
    made = {step["id"]: step["result"]["text"] for step in ended.outcome["steps"]}
    assert made == {"s1": "x>a", "s2": "y>b", "s3": "x>a>c", "s4": "y>b>d"}
    runs = Counter(mark for what, _, mark in ran(tmp_path / "ran") if what == "begin")
    assert runs == {"a": 2, "b": 1, "c": 1, "d": 1}
    assert numbers == list(range(1, len(numbers) + 1))


async def test_sigterm_leaves_a_task_to_the_next_start(tmp_path: Path) -> None:
    """Neither the task nor who follows it holds up the stop, and it goes on by itself."""
    async with own_process(tmp_path) as own:
        task_id = await ask(own, chain("job", seconds=3.0))
        told: list[dict[str, Any]] = []
        async for event in events(own, task_id):
            told.append(event)
            if event.get("step", {}).get("id") == "s2":
                own.terminate()
        assert told[-1]["error"]["code"] == "service_stopping"
        assert await own.ended(10) == 0
    assert [run for run in ran(own.ran) if run[0] == "end"] == [("end", "job", "a")]
    async with own_process(tmp_path) as own:
        task = await end_of(own, task_id)
    assert task["state"] == "succeeded"
    assert task["outcome"]["steps"][2]["result"] == {"text": "job>a>b>c"}
    runs = Counter(mark for what, _, mark in ran(own.ran) if what == "begin")
    assert runs == {"a": 1, "b": 2, "c": 1}


@pytest.mark.parametrize("kept", ["aput", "aput_writes"])
async def test_a_task_goes_on_from_wherever_it_was_cut_off(tmp_path: Path, kept: str) -> None:
    """Between any two things that LangGraph keeps of it, a checkpoint or what a node gave."""
    for last in range(1, 9):
        home, log = tmp_path / str(last), tmp_path / f"ran{last}"
        with cut_off_at(kept, last) as (cut_off, over):
            async with small_service(home, tools=[Counted(log)]) as service:
                task, _ = await service.tasks.create("local", TaskRequest(text=chain("j")))
                ending = asyncio.create_task(_ended(service, task.id))
                reached = asyncio.create_task(cut_off.wait())
                await asyncio.wait((ending, reached), return_when=asyncio.FIRST_COMPLETED)
                works = [work for _, work in service.tasks._running.values()]
                for waiting in (ending, reached, *works):
                    waiting.cancel()
                over.set()
                await asyncio.gather(ending, reached, *works, return_exceptions=True)
        async with small_service(home, tools=[Counted(log)]) as service:
            await _ended(service, task.id)
            ended = await service.tasks.store.get(task.id, "local")
            told = [event for _, event in await service.tasks.store.events(task.id)]
        assert ended.state == "succeeded", (last, ended.error)
        assert ended.outcome is not None
        made = [step["result"]["text"] for step in ended.outcome["steps"]]
        assert made == ["j>a", "j>a>b", "j>a>b>c"], last
        kinds = [event["type"] for event in told if event["type"] != "task"]
        assert kinds == ["route", "plan", *["step"] * 6], last
        runs = Counter(mark for what, _, mark in ran(log) if what == "begin")
        assert sorted(runs.values()) in ([1, 1, 1], [1, 1, 2]), last


@contextmanager
def cut_off_at(name: str, last: int) -> Iterator[tuple[asyncio.Event, asyncio.Event]]:
    """From the `last` call of this method on nothing is kept any more. The first event tells of
    it; until the second one is set the call does not return."""
    kept = getattr(AsyncSqliteSaver, name)
    reached, over, calls = asyncio.Event(), asyncio.Event(), 0

    @functools.wraps(kept)
    async def until(*args: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls < last:
            return await kept(*args, **more)
        reached.set()
        await over.wait()
        return None

    with patch.object(AsyncSqliteSaver, name, until):
        yield reached, over


async def _ended(service: Service, task_id: str) -> None:
    async with asyncio.timeout(30):
        async for _ in service.tasks.store.follow(task_id, news_s=30):
            pass
