"""Tasks over the API, by a real service on small tools."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx_sse import EventSource

from orchestrator import task_runner
from orchestrator.database import database_at
from orchestrator.errors import DatabaseUnavailable
from orchestrator.service import Service
from orchestrator.signs import Sign
from orchestrator.task import TaskRequest
from orchestrator.tasks import MAX_ATTEMPTS, TaskStore
from tests.faults.small_service import Trouble, client_of, plan_of, small_service

SHOUTED = {"request": plan_of(("shout", {"text": "hello"}), ("shout", {"text": "s1"}))}
WAITING = {"request": plan_of(("trouble", {"text": "x", "how": "wait"}))}
HANGING = {"request": plan_of(("trouble", {"text": "x", "how": "hang"}))}


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with small_service(tmp_path) as opened:
        yield opened


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(service) as http:
        yield http


async def make(client: httpx.AsyncClient, body: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = await client.post("/v1/tasks", json=body, **more)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


async def events(
    client: httpx.AsyncClient, task_id: str, after: int | None = None
) -> list[tuple[int, str, dict[str, Any]]]:
    """The number, name and data of each event, to the last one."""
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    async with asyncio.timeout(30):
        answer = await client.get(f"/v1/tasks/{task_id}/events", headers=headers)
    assert answer.headers["content-type"].startswith("text/event-stream")
    *told, done = EventSource(answer).iter_sse()
    assert done.data == "[DONE]"
    return [(int(event.id), event.event, json.loads(event.data)) for event in told]


async def ended(client: httpx.AsyncClient, task_id: str) -> dict[str, Any]:
    last: dict[str, Any] = (await events(client, task_id))[-1][2]["task"]
    return last


def error(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()["error"]
    assert set(told) == {"message", "type", "param", "code"}
    return told


def trouble(service: Service) -> Trouble:
    tool = service.registry["trouble"]
    assert isinstance(tool, Trouble)
    return tool


async def test_a_task_is_made_at_once_and_done_in_its_own_time(client: httpx.AsyncClient) -> None:
    made = await make(client, SHOUTED)
    assert made["object"] == "task"
    assert made["state"] == "queued"
    assert made["request"]["text"] == SHOUTED["request"]
    task = await ended(client, made["id"])
    assert task == (await client.get(f"/v1/tasks/{made['id']}")).json()
    assert task["state"] == "succeeded"
    assert [step["tool"] for step in task["plan"]["steps"]] == ["shout", "shout"]
    assert [(step["id"], step["status"]) for step in task["steps"]] == [("s1", "ok"), ("s2", "ok")]
    assert task["steps"][1]["result"] == {"text": "HELLO"}
    assert task["outcome"]["answer"].count("HELLO") == 2
    assert task["attempts"] == 1
    assert task["created_at"] <= task["started_at"] <= task["finished_at"]


async def test_events_are_numbered_and_go_on_from_any_of_them(client: httpx.AsyncClient) -> None:
    task = await make(client, SHOUTED)
    live = await events(client, task["id"])
    assert [number for number, _, _ in live] == list(range(1, len(live) + 1))
    names = [name for _, name, _ in live]
    assert names[:4] == ["task", "task", "route", "plan"]
    assert names[-1] == "task"
    steps = [data["step"] for _, name, data in live if name == "step"]
    assert [(step["id"], step["status"]) for step in steps] == [
        ("s1", "running"), ("s1", "ok"), ("s2", "running"), ("s2", "ok"),
    ]  # fmt: skip
    assert await events(client, task["id"]) == live, "a finished task tells the same"
    assert await events(client, task["id"], after=5) == live[5:]
    assert await events(client, task["id"], after=len(live)) == []


async def test_a_follower_gets_what_happens_as_it_happens(
    service: Service, client: httpx.AsyncClient
) -> None:
    task = await make(client, WAITING)
    await trouble(service).running.wait()
    seen: list[str] = []
    async with asyncio.timeout(30):
        async for found in service.tasks.store.follow(task["id"], news_s=30):
            assert found is not None
            seen.append(found[1]["type"])
            if seen[-1] == "step":  # it runs, and ends only now
                trouble(service).go_on.set()
    assert seen == ["task", "task", "route", "plan", "step", "step", "task"]


async def test_no_news_is_told_too(service: Service, client: httpx.AsyncClient) -> None:
    task = await make(client, HANGING)
    await trouble(service).running.wait()
    following = service.tasks.store.follow(task["id"], news_s=0.01)
    async with asyncio.timeout(30):
        async for found in following:
            if found is None:
                break
    await following.aclose()


@pytest.mark.parametrize("number", ["-1", "x", "1e3", str(2**80)])
async def test_a_last_event_id_that_is_none(client: httpx.AsyncClient, number: str) -> None:
    task = await make(client, SHOUTED)
    headers = {"Last-Event-ID": number}
    answer = await client.get(f"/v1/tasks/{task['id']}/events", headers=headers)
    assert error(answer, 400)["param"] == "Last-Event-ID"


async def test_the_same_key_gives_the_same_task(client: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "order 66"}
    made = await make(client, SHOUTED, headers=key)
    again = await client.post("/v1/tasks", json=SHOUTED, headers=key)
    assert again.status_code == 200
    assert again.json()["id"] == made["id"]
    other = await client.post("/v1/tasks", json=WAITING, headers=key)
    assert error(other, 409)["code"] == "conflict"
    each = await client.post("/v1/tasks", json=SHOUTED | {"files": [csv("a\n1\n")]}, headers=key)
    assert error(each, 409)["code"] == "conflict"
    assert len((await client.get("/v1/tasks")).json()["data"]) == 1
    assert (await make(client, SHOUTED))["id"] != made["id"], "without a key each is a new one"


async def test_the_same_key_sent_at_once_makes_one_task(client: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "k"}
    answers = await asyncio.gather(
        *(client.post("/v1/tasks", json=SHOUTED, headers=key) for _ in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [202]
    assert len({answer.json()["id"] for answer in answers}) == 1


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_a_key_that_is_none(client: httpx.AsyncClient, key: str) -> None:
    answer = await client.post("/v1/tasks", json=SHOUTED, headers={"Idempotency-Key": key})
    assert error(answer, 400)["param"] == "Idempotency-Key"


async def test_a_dry_run_gives_the_plan_and_makes_no_task(
    service: Service, client: httpx.AsyncClient
) -> None:
    answer = await client.post("/v1/tasks", json=HANGING | {"dry_run": True})
    assert answer.status_code == 200
    assert answer.json()["plan"]["steps"][0]["tool"] == "trouble"
    assert trouble(service).calls == 0
    assert (await client.get("/v1/tasks")).json()["data"] == []


async def test_cancelling_stops_the_work_within_a_second(
    service: Service, client: httpx.AsyncClient
) -> None:
    task = await make(client, HANGING)
    await trouble(service).running.wait()
    async with asyncio.timeout(1):
        answer = await client.post(f"/v1/tasks/{task['id']}/cancel")
        await trouble(service).cancelled.wait()
    assert answer.json()["state"] == "cancelled"
    last = (await events(client, task["id"]))[-1][2]["task"]
    assert last["state"] == "cancelled"
    assert last["finished_at"]
    (step,) = last["steps"]
    assert (step["status"], step["error"]["code"]) == ("failed", "cancelled")
    again = await client.post(f"/v1/tasks/{task['id']}/cancel")
    assert again.json() == last, "it has ended: nothing changes"


async def test_what_waits_is_cancelled_and_never_begins(
    service: Service, client: httpx.AsyncClient
) -> None:
    busy = [await make(client, HANGING) for _ in range(service.settings.task_workers)]
    waits = await make(client, SHOUTED)
    answer = await client.post(f"/v1/tasks/{waits['id']}/cancel")
    assert answer.json()["state"] == "cancelled"
    after = await make(client, SHOUTED)
    await client.post(f"/v1/tasks/{busy[0]['id']}/cancel")
    assert (await ended(client, after["id"]))["state"] == "succeeded"
    assert (await client.get(f"/v1/tasks/{waits['id']}")).json()["attempts"] == 0


async def test_so_many_run_at_once_and_no_more(service: Service, client: httpx.AsyncClient) -> None:
    made = [await make(client, WAITING) for _ in range(service.settings.task_workers + 2)]
    async with asyncio.timeout(30):
        for task in made[: service.settings.task_workers]:
            async for found in service.tasks.store.follow(task["id"], news_s=30):
                if found is not None and found[1]["type"] == "step":
                    break
    states = [(await client.get(f"/v1/tasks/{task['id']}")).json()["state"] for task in made]
    assert states == ["running"] * service.settings.task_workers + ["queued"] * 2
    trouble(service).go_on.set()
    for task in made:
        assert (await ended(client, task["id"]))["state"] == "succeeded"


async def test_a_task_of_which_nothing_came_has_failed(client: httpx.AsyncClient) -> None:
    refused = {"request": plan_of(("trouble", {"text": "x"}))}
    task = await ended(client, (await make(client, refused))["id"])
    assert task["state"] == "failed"
    assert task["error"] == {"code": "invalid_input", "message": "That can't be done."}
    assert task["outcome"]["steps"][0]["status"] == "failed"
    half = {"request": plan_of(("trouble", {"text": "x"}), ("shout", {"text": "x"}))}
    task = await ended(client, (await make(client, half))["id"])
    assert task["state"] == "succeeded"
    assert [step["status"] for step in task["steps"]] == ["failed", "ok"]
    no_plan = {"request": "something that no tool does"}
    task = await ended(client, (await make(client, no_plan))["id"])
    assert task["state"] == "failed"
    assert task["error"]["code"]
    assert task["outcome"] is None


async def test_what_breaks_inside_is_told_without_its_details(
    service: Service, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("/srv/secret")

    monkeypatch.setattr(service.tasks._turns, "run", broken)
    task = await ended(client, (await make(client, SHOUTED))["id"])
    assert task["state"] == "failed"
    assert task["error"]["code"] == "internal_error"
    assert "secret" not in json.dumps(task)


async def test_a_task_with_files_and_one_for_each_row(client: httpx.AsyncClient) -> None:
    rows = csv("text\n1\n2\n3\n")
    each = {
        "request": plan_of(("tens", {"text": "input:text"})),
        "files": [rows],
        "each": True,
    }
    planned = (await client.post("/v1/tasks", json=each | {"dry_run": True})).json()
    assert [step["tool"] for step in planned["plan"]["steps"]] == ["tens"]
    task = await ended(client, (await make(client, each))["id"])
    assert task["state"] == "succeeded", task
    assert task["progress"] == {"done": 3, "total": 3}
    assert len(task["artifacts"]) == 2
    content = (await client.get(f"/v1/files/{task['artifacts'][0]['id']}/content")).text
    assert [line.split(",")[1] for line in content.split()[1:]] == ["10", "20", "30"]

    uploaded = await client.post(
        "/v1/files", files={"file": ("n.csv", b"text\n4\n")}, data={"purpose": "user_data"}
    )
    by_id = each | {"files": [{"file_id": uploaded.json()["id"]}]}
    assert (await ended(client, (await make(client, by_id))["id"]))["progress"]["done"] == 1


async def test_a_task_is_part_of_its_conversation(
    service: Service, client: httpx.AsyncClient
) -> None:
    conversation = await service.conversations.create("local")
    task = await make(client, SHOUTED | {"conversation": conversation})
    outcome = (await ended(client, task["id"]))["outcome"]
    request, answer = await service.conversations.messages(conversation, "local")
    assert (request.role, request.content) == ("user", SHOUTED["request"])
    assert (answer.role, answer.content) == ("assistant", outcome["answer"])
    assert answer.id == outcome["message_id"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "request"),
        ({"request": " \u200b"}, None),
        ({"request": 3}, "request"),
        ({"request": "x", "file": "y"}, "file"),
        ({"request": "x", "each": True}, None),
        ({"request": "x", "files": [{}]}, "files[0]"),
        ({"request": "x", "files": [{"file_data": "no base64"}]}, "files[0].file_data"),
        ({"request": "x", "each": True, "conversation": "c"}, "conversation"),
    ],
)
async def test_a_body_that_is_no_task(
    client: httpx.AsyncClient, body: dict[str, Any], param: str | None
) -> None:
    told = error(await client.post("/v1/tasks", json=body), 400)
    if param is not None:
        assert told["param"] == param
    assert (await client.get("/v1/tasks")).json()["data"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"request": "x", "conversation": "conv_none"},
        {"request": "x", "files": [{"file_id": "0" * 64}]},
        {"request": "x", "files": [{"file_id": "file-none"}]},
        {"request": "x", "files": [{"file_id": "../../x"}]},
    ],
)
async def test_what_a_task_names_must_be_there(
    client: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    error(await client.post("/v1/tasks", json=body), 404)


async def test_lists_come_in_pages_newest_first(client: httpx.AsyncClient) -> None:
    made = [(await make(client, SHOUTED))["id"] for _ in range(5)]
    for task_id in made:
        await ended(client, task_id)
    pages, after = [], {}
    while True:
        page = (await client.get("/v1/tasks", params={"limit": "2", **after})).json()
        assert page["object"] == "list"
        pages.append([task["id"] for task in page["data"]])
        if not page["has_more"]:
            break
        after = {"after": page["last_id"]}
    assert pages == [[made[4], made[3]], [made[2], made[1]], [made[0]]]
    listed = (await client.get("/v1/tasks", params={"state": "succeeded"})).json()["data"]
    assert len(listed) == 5
    assert "outcome" not in listed[0]
    assert (await client.get("/v1/tasks", params={"state": "queued"})).json()["data"] == []
    for bad in ({"limit": "0"}, {"limit": "101"}, {"state": "done"}):
        error(await client.get("/v1/tasks", params=bad), 400)
    error(await client.get("/v1/tasks", params={"after": "task_none"}), 404)


async def test_others_tasks_look_as_if_they_were_not_there(
    service: Service, client: httpx.AsyncClient
) -> None:
    mine = await make(client, HANGING, headers={"Idempotency-Key": "k"})
    secret = await service.keys.create("other")
    other = {"Authorization": f"Bearer {secret}"}
    for method, path in (("GET", ""), ("GET", "/events"), ("POST", "/cancel")):
        answer = await client.request(method, f"/v1/tasks/{mine['id']}{path}", headers=other)
        assert error(answer, 404)["code"] == "not_found"
    assert (await client.get("/v1/tasks", headers=other)).json()["data"] == []
    theirs = await make(client, SHOUTED, headers=other | {"Idempotency-Key": "k"})
    assert theirs["id"] != mine["id"], "a key is its owner's"
    still = (await client.get(f"/v1/tasks/{mine['id']}")).json()
    assert still["state"] in ("queued", "running")


async def test_who_follows_when_the_service_stops_is_told_so(
    service: Service, client: httpx.AsyncClient
) -> None:
    task = await make(client, HANGING)
    following = asyncio.create_task(client.get(f"/v1/tasks/{task['id']}/events"))
    await trouble(service).running.wait()
    async with asyncio.timeout(10):
        service.tasks.store.stop_following()
        answer = await following
    last = [json.loads(event.data) for event in EventSource(answer).iter_sse()][-1]
    assert last["error"]["code"] == "service_stopping"
    assert (await client.get(f"/v1/tasks/{task['id']}")).json()["state"] == "running"


async def test_the_last_attempt_runs_alone(tmp_path: Path) -> None:
    async with small_service(tmp_path / "home") as service:
        pass
    async with database_at(service.settings.sqlalchemy_url) as left:
        store = TaskStore(left)
        suspect, _ = await store.create("local", TaskRequest(text=WAITING["request"]))
        for _ in range(MAX_ATTEMPTS - 1):
            await store.begin(await store.get(suspect.id, "local"))
            await store.recover()
        beside, _ = await store.create("local", TaskRequest(text=SHOUTED["request"]))
    async with small_service(tmp_path / "home") as service, asyncio.timeout(30):
        await trouble(service).running.wait()
        assert (await service.tasks.store.get(beside.id, "local")).state == "queued"
        trouble(service).go_on.set()
        async for _ in service.tasks.store.follow(beside.id, news_s=30):
            pass
        assert (await service.tasks.store.get(suspect.id, "local")).state == "succeeded"
        assert (await service.tasks.store.get(beside.id, "local")).state == "succeeded"


async def test_a_task_waits_for_a_database_that_is_gone(
    service: Service, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it has done already is not done again."""
    monkeypatch.setattr(task_runner, "PAUSES_S", (0.01,) * 500)
    body = {
        "request": plan_of(("shout", {"text": "x"}), ("trouble", {"text": "s1", "how": "wait"}))
    }
    task = await make(client, body)
    await trouble(service).running.wait()
    gone = asyncio.Event()
    append, finish = service.tasks.store.append, service.tasks.store.finish

    async def unavailable(*_: Any, **__: Any) -> Any:
        gone.set()
        raise DatabaseUnavailable("It is gone.")

    monkeypatch.setattr(service.tasks.store, "append", unavailable)
    monkeypatch.setattr(service.tasks.store, "finish", unavailable)
    trouble(service).go_on.set()
    async with asyncio.timeout(30):
        await gone.wait()
    assert (await client.get(f"/v1/tasks/{task['id']}")).json()["state"] == "running"
    monkeypatch.setattr(service.tasks.store, "append", append)
    monkeypatch.setattr(service.tasks.store, "finish", finish)
    whole = await ended(client, task["id"])
    assert whole["state"] == "succeeded"
    assert [step["status"] for step in whole["steps"]] == ["ok", "ok"]
    assert trouble(service).calls == 1


async def test_a_request_is_said_once_in_its_conversation_whatever_happens(tmp_path: Path) -> None:
    async with small_service(tmp_path) as service:
        conversation = await service.conversations.create("local")
        asked = TaskRequest(text=WAITING["request"], conversation_id=conversation)
        task, _ = await service.tasks.create("local", asked)
        await trouble(service).running.wait()
    async with small_service(tmp_path) as service, asyncio.timeout(30):
        trouble(service).go_on.set()
        async for _ in service.tasks.store.follow(task.id, news_s=30):
            pass
        messages = await service.conversations.messages(conversation, "local")
    assert [message.role for message in messages] == ["user", "assistant"]


async def test_nothing_is_left_of_a_task_that_has_ended_but_what_a_person_goes_on_with(
    tmp_path: Path,
) -> None:
    async def human(request: str, _: Any) -> Sign | None:
        return Sign("human_requested", 1.0) if "human" in request else None

    async with small_service(tmp_path, sign=human) as service, client_of(service) as client:
        await _check_what_is_left(service, client)


async def _check_what_is_left(service: Service, client: httpx.AsyncClient) -> None:
    async def state_of(task_id: str) -> Any:
        config = {"configurable": {"thread_id": task_id}}
        return await service.tasks._checkpoints.aget_tuple(config)  # type: ignore[attr-defined]

    done = await make(client, SHOUTED)
    await ended(client, done["id"])
    stopped = await make(client, HANGING)
    await trouble(service).running.wait()
    assert await state_of(stopped["id"]) is not None
    await client.post(f"/v1/tasks/{stopped['id']}/cancel")
    conversation = await service.conversations.create("local")
    body = {"request": "I want to talk to a human.", "conversation": conversation}
    handed_over = await make(client, body)
    outcome = (await ended(client, handed_over["id"]))["outcome"]
    assert outcome["handoff"]["state"] == "open"
    await until_idle(service)
    assert await state_of(done["id"]) is None
    assert await state_of(stopped["id"]) is None
    assert await state_of(handed_over["id"]) is not None


async def until_idle(service: Service) -> None:
    """A task has ended a moment before its work has."""
    works = [work for _, work in service.tasks._running.values()]
    if works:
        await asyncio.wait(works, timeout=30)


def csv(text: str) -> dict[str, str]:
    return {"filename": "rows.csv", "file_data": base64.b64encode(text.encode()).decode()}
