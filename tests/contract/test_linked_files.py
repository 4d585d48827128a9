"""Files that tools made, wherever an answer is told: each has a link that works without a key."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from httpx_sse import EventSource

from orchestrator.service import Service
from orchestrator.turn import Turn
from tests.faults.small_service import client_of, plan_of, small_service
from tools.artifacts import Artifact
from tools.contracts import RunContext, TextSlot, Tool, ToolArgs, ToolData, ToolResult


class Write(Tool):
    name = "write_file"
    description = "Writes a text into a file."
    examples = ("write it down",)
    outputs: ClassVar = {"document": "document"}

    class Args(ToolArgs):
        text: TextSlot

    class Result(ToolData):
        document: Artifact

    async def __call__(self, args: Any, ctx: RunContext) -> ToolResult:
        kept = ctx.artifacts.put(args.text.encode(), name="note.txt", origin="tool")
        return ToolResult(self.Result(document=kept), (kept,))


REQUEST = plan_of(("write_file", {"text": "it is written"}))


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with small_service(tmp_path, tools=[Write()]) as opened:
        yield opened


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(service) as http:
        yield http


def files_in(content: Any) -> Iterator[Mapping[str, Any]]:
    """All that describes a file, however deep."""
    if isinstance(content, Mapping):
        if "media_type" in content:
            yield content
        content = list(content.values())
    if isinstance(content, Sequence) and not isinstance(content, str):
        for inner in content:
            yield from files_in(inner)


async def all_served(content: Any, client: httpx.AsyncClient) -> int:
    """How many files the content describes; each is served by its link."""
    found = [*files_in(content)]
    for file in found:
        assert file["url"].startswith("http://127.0.0.1:8000/files/")
        assert (await client.get(file["url"])).content == b"it is written"
    return len(found)


async def test_in_a_task_in_its_events_and_in_the_list(client: httpx.AsyncClient) -> None:
    sent = {"filename": "brought.txt", "file_data": "aXQgaXMgd3JpdHRlbg=="}
    made = await client.post("/v1/tasks", json={"request": REQUEST, "files": [sent]})
    assert await all_served(made.json(), client) == 1
    path = f"/v1/tasks/{made.json()['id']}"
    events = EventSource(await client.get(f"{path}/events")).iter_sse()
    told = [json.loads(event.data) for event in events if event.event != "message"]
    assert await all_served([event for event in told if event["type"] == "step"], client) == 2
    whole = (await client.get(path)).json()
    assert whole["state"] == "succeeded"
    for part in (whole["artifacts"], whole["steps"], whole["outcome"], whole["request"]):
        assert await all_served(part, client) >= 1
    assert await all_served((await client.get("/v1/tasks")).json(), client) == 1


async def test_in_a_stored_conversation(client: httpx.AsyncClient) -> None:
    messages = [{"role": "user", "content": REQUEST}]
    body = {"model": "switchboard", "messages": messages, "switchboard": {"store": True}}
    answer = (await client.post("/v1/chat/completions", json=body)).json()["switchboard"]
    kept = (await client.get(f"/v1/conversations/{answer['conversation_id']}")).json()
    assert await all_served(kept, client) >= 1


def asked(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "switchboard", "messages": [{"role": "user", "content": text}], **more}


async def linked(text: str, client: httpx.AsyncClient) -> str:
    """What is said before the one link that the text ends with, which serves the file."""
    said, _, link = text.rpartition("\n\n")
    name, _, url = link.removesuffix(")").partition("](")
    assert name == "[note.txt"
    assert (await client.get(url)).content == b"it is written"
    return said


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("model", "request_"), [("switchboard", REQUEST), ("write_file", "it is written")]
)
async def test_in_the_text_for_a_client_that_gets_only_that(
    client: httpx.AsyncClient, model: str, request_: str, stream: bool
) -> None:
    body = asked(request_, stream=stream) | {"model": model}
    answer = await client.post("/v1/chat/completions", json=body)
    if not stream:
        text = answer.json()["choices"][0]["message"]["content"]
    else:
        sent = [event.data for event in EventSource(answer).iter_sse()][:-1]
        text = "".join(json.loads(data)["choices"][0]["delta"].get("content", "") for data in sent)
    assert await linked(text, client)


async def test_in_the_data_alone_for_a_client_that_gets_that(client: httpx.AsyncClient) -> None:
    plain = (await client.post("/v1/chat/completions", json=asked(REQUEST))).json()
    body = asked(REQUEST, switchboard={})
    answer = (await client.post("/v1/chat/completions", json=body)).json()
    text = answer["choices"][0]["message"]["content"]
    assert text == await linked(plain["choices"][0]["message"]["content"], client)
    assert await all_served(answer["switchboard"]["artifacts"], client) == 1
    body = asked(REQUEST, stream=True, switchboard={"progress": True})
    told = (await client.post("/v1/chat/completions", json=body)).text
    assert "](" not in told


async def test_links_of_an_earlier_answer_are_not_part_of_what_was_said(
    client: httpx.AsyncClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = (await client.post("/v1/chat/completions", json=asked(REQUEST))).json()
    text = answer["choices"][0]["message"]["content"]
    turns: list[Turn] = []
    run = service.run
    monkeypatch.setattr(service, "run", lambda turn: turns.append(turn) or run(turn))
    history = [{"role": "user", "content": REQUEST}, {"role": "assistant", "content": text}]
    body = asked(REQUEST)
    body["messages"] = history + body["messages"]
    assert (await client.post("/v1/chat/completions", json=body)).status_code == 200
    (turn,) = turns
    assert turn.history[-1].content == await linked(text, client)


async def test_in_the_data_that_a_tool_gives(client: httpx.AsyncClient) -> None:
    body = {"arguments": {"text": "it is written"}}
    answer = (await client.post("/v1/tools/write_file/invoke", json=body)).json()
    assert await all_served(answer["result"], client) == 1
    assert await all_served(answer["artifacts"], client) == 1
