"""The log of a whole service: a line for every request and task, and no words of a user's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa

from orchestrator.database import database_at
from orchestrator.logs import log_to_file
from orchestrator.settings import Settings
from orchestrator.tables import traces as table
from tests.faults.small_service import (
    CHAT,
    body_of,
    client_of,
    plan_of,
    small_service,
)
from tests.unit.small_tools import TextArgs, TextData
from tools.contracts import RunContext, Tool, ToolResult

CANARIES = {
    "name": "Zebulon Quackenbush",
    "e-mail": "zebulon.q@example.org",
    "telephone": "+1 415 555 2671",
    "card": "4111 1111 1111 1111",
    "IBAN": "DE89370400440532013000",
    "key": "sk-proj-abcdefghijklmnop0123456789",
    "address": "17 Rue des Lilas",
}


@contextmanager
def logged(folder: Path, **settings: Any) -> Iterator[Path]:
    """The file that a service's log goes to, as its settings say."""
    path = folder / "test.log"
    with log_to_file(path, Settings(log_level="debug", **settings)):
        yield path


class Quoting(Tool):
    """Breaks, and its error quotes what it was given."""

    name = "quoting"
    description = "Quotes."
    examples = ("Quote it",)
    outputs: ClassVar = {"text": "text"}
    Args = TextArgs
    Result = TextData

    async def __call__(self, args: Any, ctx: RunContext) -> ToolResult:
        raise ValueError(f"can't work with {args.text!r}")


@pytest.mark.parametrize("words", [False, True])
async def test_nothing_of_a_users_is_in_traces_and_log(tmp_path: Path, words: bool) -> None:
    text = "I am {name}, {e-mail}, {telephone}, {card}, {IBAN}, {key}, {address}".format(**CANARIES)
    file = {"filename": f"{CANARIES['name']}.txt", "file_data": "aGVsbG8="}
    with logged(tmp_path, trace_text=words) as log:
        async with (
            small_service(tmp_path / "home", tools=[Quoting()], trace_text=words) as service,
            client_of(service, headers={"authorization": f"Bearer {CANARIES['key']}"}) as client,
        ):
            body = body_of(("shout", {"text": text}), ("quoting", {"text": text}))
            content = [{"type": "text", "text": body["messages"][0]["content"]}]
            body["messages"][0]["content"] = [*content, {"type": "file", "file": file}]
            assert (await client.post(f"{CHAT}?q={text}", json=body)).status_code == 200
            for arguments in ({"text": text}, {"text": [text]}, {text: text}):
                for tool in ("shout", "quoting"):
                    await client.post(f"/v1/tools/{tool}/invoke", json={"arguments": arguments})
            await client.get(f"/v1/{text}")
            await client.get(f"/v1/traces/{text}")
        url = service.settings.sqlalchemy_url
        async with database_at(url) as database, database.read() as connection:
            kept = (await connection.execute(sa.select(table))).mappings().all()
    assert len(kept) >= 3
    assert len(log.read_text().splitlines()) >= 8
    masked = [CANARIES[kind] for kind in ("e-mail", "telephone", "card", "IBAN", "key")]
    hidden = masked if words else list(CANARIES.values())
    written = json.dumps([dict(row) for row in kept], default=str) + log.read_text()
    assert [canary for canary in hidden if canary in written] == []
    if words:
        assert CANARIES["name"] in json.dumps([dict(row) for row in kept], default=str)


async def test_each_request_has_a_line_and_each_line_is_json(tmp_path: Path) -> None:
    with logged(tmp_path) as log:
        async with small_service(tmp_path / "home") as service, client_of(service) as client:
            said = 'one\ntwo\r\x1b[31m"three"\u2028\x07'
            headers = {"x-request-id": "mine-2"}
            body = body_of(("shout", {"text": said}))
            assert (await client.post(CHAT, json=body, headers=headers)).status_code == 200
            await client.get("/v1/nothing%0Ahere", headers={"x-request-id": "mine-3"})
            await client.post(CHAT, content=b"{", headers={"x-request-id": "mine-4"})
            polled = "/v1/conversations/conv_1/state"
            await client.get(polled, headers={"x-request-id": "mine-5"})
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    requests = {line["request_id"]: line for line in lines if line["message"] == "request"}
    line = requests["mine-2"]
    assert (line["method"], line["route"], line["status"]) == ("POST", CHAT, 200)
    assert (line["owner"], line["path"], line["tools"]) == ("local", "router", ["shout"])
    assert line["trace_id"].startswith("turn_")
    assert line["seconds"] > 0
    assert requests["mine-3"]["status"] == 404
    assert "nothing" not in requests["mine-3"]["route"]
    assert requests["mine-4"]["status"] in (400, 415)
    assert (requests["mine-2"]["level"], requests["mine-5"]["level"]) == ("info", "debug")


async def test_a_task_has_a_line_in_the_log(tmp_path: Path) -> None:
    with logged(tmp_path) as log:
        async with small_service(tmp_path / "home") as service, client_of(service) as client:
            body = {"request": plan_of(("shout", {"text": "a"}))}
            task_id = (await client.post("/v1/tasks", json=body)).json()["id"]
            async with asyncio.timeout(20):
                await client.get(f"/v1/tasks/{task_id}/events")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    (line,) = [line for line in lines if line["message"] == "task"]
    assert (line["trace_id"], line["owner"], line["tools"]) == (task_id, "local", ["shout"])
    assert line["seconds"] > 0
