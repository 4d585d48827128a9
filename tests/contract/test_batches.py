"""OpenAI's files and batches, by the stock client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest

from orchestrator.batches import Batches
from tests.contract.api_fake import FakeService, client_of, fake_service
from tools.contracts import NotFound

CHAT = "/v1/chat/completions"


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[FakeService]:
    async with fake_service(tmp_path) as service:
        yield service


def openai_client(service: FakeService, key: str = "none") -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(
        base_url="http://127.0.0.1:8000/v1",
        api_key=key,
        http_client=client_of(service),
        max_retries=0,
    )


@pytest.fixture
async def client(service: FakeService) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai_client(service) as client:
        yield client


def line(custom_id: str, text: str = "hello", **more: Any) -> dict[str, Any]:
    body = {"model": "switchboard", "messages": [{"role": "user", "content": text}]}
    return {"custom_id": custom_id, "method": "POST", "url": CHAT, "body": body} | more


def jsonl(*lines: Any) -> bytes:
    texts = [text if isinstance(text, str) else json.dumps(text) for text in lines]
    return "\n".join(texts).encode()


async def started(client: openai.AsyncOpenAI, *lines: Any, endpoint: Any = CHAT) -> Any:
    file = await client.files.create(file=("in.jsonl", jsonl(*lines)), purpose="batch")
    return await client.batches.create(
        input_file_id=file.id, endpoint=endpoint, completion_window="24h", metadata={"a": "b"}
    )


async def ended(client: openai.AsyncOpenAI, batch_id: str) -> Any:
    """The batch once it has ended, polled as a client does."""
    async with asyncio.timeout(30):
        while True:
            batch = await client.batches.retrieve(batch_id)
            if batch.status not in ("validating", "in_progress", "finalizing"):
                return batch
            await asyncio.sleep(0.02)


async def answered(client: openai.AsyncOpenAI, batch_id: str, count: int) -> None:
    async with asyncio.timeout(30):
        while (await client.batches.retrieve(batch_id)).request_counts.completed < count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def lines_of(client: openai.AsyncOpenAI, file_id: str | None) -> list[dict[str, Any]]:
    if file_id is None:
        return []
    content = await client.files.content(file_id)
    return [json.loads(text) for text in content.text.splitlines()]


async def test_a_file_is_uploaded_listed_read_and_deleted(client: openai.AsyncOpenAI) -> None:
    made = await client.files.create(file=("notes.txt", b"one\ntwo"), purpose="user_data")
    assert made.id.startswith("file-")
    assert (made.bytes, made.filename, made.purpose) == (7, "notes.txt", "user_data")
    other = await client.files.create(file=("b.jsonl", b'{"a": 1}'), purpose="batch")
    assert [file.id async for file in client.files.list()] == [other.id, made.id]
    assert [file.id async for file in client.files.list(limit=1, order="asc")] == [
        made.id,
        other.id,
    ]
    assert [file.id async for file in client.files.list(purpose="batch")] == [other.id]
    assert await client.files.retrieve(made.id) == made
    assert (await client.files.content(made.id)).content == b"one\ntwo"
    assert (await client.files.delete(made.id)).deleted
    for gone in (client.files.retrieve(made.id), client.files.content(made.id)):
        with pytest.raises(openai.NotFoundError):
            await gone


async def test_a_file_is_its_owners_alone_by_either_id(service: FakeService) -> None:
    secret, other = await service.keys.create("k"), await service.keys.create("k")
    async with openai_client(service, secret) as mine, openai_client(service, other) as theirs:
        made = await mine.files.create(file=("a.txt", b"private"), purpose="user_data")
        (kept,) = await service.files.list(await owner_of(service, secret))
        for file_id in (made.id, kept.artifact.id):
            assert (await mine.files.content(file_id)).content == b"private"
            with pytest.raises(openai.NotFoundError):
                await theirs.files.content(file_id)
            with pytest.raises(openai.NotFoundError):
                await theirs.files.delete(file_id)
        with pytest.raises(openai.NotFoundError):
            await theirs.batches.create(
                input_file_id=made.id, endpoint=CHAT, completion_window="24h"
            )
        # The same bytes, brought by another: each deletes their own.
        again = await theirs.files.create(file=("b.txt", b"private"), purpose="user_data")
        await mine.files.delete(made.id)
        assert (await theirs.files.content(again.id)).content == b"private"
        await theirs.files.delete(again.id)
    with pytest.raises(NotFound):
        service.artifacts.get(kept.artifact.id)


async def test_a_message_brings_an_uploaded_file_of_its_own_owner_only(
    service: FakeService,
) -> None:
    secret, other = await service.keys.create("k"), await service.keys.create("k")
    async with openai_client(service, secret) as mine, openai_client(service, other) as theirs:
        made = await mine.files.create(file=("a.txt", b"private"), purpose="user_data")
        (kept,) = await service.files.list(await owner_of(service, secret))

        async def ask(client: openai.AsyncOpenAI, file_id: str) -> None:
            text = {"type": "text", "text": "Shout this"}
            file = {"type": "file", "file": {"file_id": file_id}}
            message: Any = {"role": "user", "content": [text, file]}
            await client.chat.completions.create(model="switchboard", messages=[message])

        await ask(mine, made.id)
        assert service.turns[-1].attachments == (kept.artifact,)
        for file_id in (made.id, kept.artifact.id):
            with pytest.raises(openai.NotFoundError) as refused:
                await ask(theirs, file_id)
            assert refused.value.param == "messages[0].content[1].file.file_id"


async def owner_of(service: FakeService, secret: str) -> str:
    key = await service.keys.verify(secret)
    assert key is not None
    return key.id


async def test_files_that_came_with_requests_are_read_by_their_hash(
    service: FakeService, client: openai.AsyncOpenAI
) -> None:
    artifact = service.artifacts.put(b"from a chat", name="c.txt", origin="user")
    assert (await client.files.content(artifact.id)).content == b"from a chat"


@pytest.mark.parametrize("purpose", ["", "anything", "batch_output"])
async def test_purposes_are_checked(client: openai.AsyncOpenAI, purpose: Any) -> None:
    with pytest.raises((openai.BadRequestError, openai.UnprocessableEntityError)):
        await client.files.create(file=("a.txt", b"x"), purpose=purpose)


async def test_a_batch_end_to_end(client: openai.AsyncOpenAI, service: FakeService) -> None:
    batch = await started(client, *(line(f"r{n}", f"hello {n}") for n in range(30)))
    assert batch.object == "batch"
    assert batch.metadata == {"a": "b"}
    batch = await ended(client, batch.id)
    assert batch.status == "completed"
    assert batch.error_file_id is None
    counts = batch.request_counts
    assert (counts.total, counts.completed, counts.failed) == (30, 30, 0)
    answers = await lines_of(client, batch.output_file_id)
    assert [answer["custom_id"] for answer in answers] == [f"r{n}" for n in range(30)]
    assert {answer["response"]["status_code"] for answer in answers} == {200}
    said = answers[3]["response"]["body"]["choices"][0]["message"]["content"]
    assert said == "HELLO 😀"
    assert sorted(turn.text for turn in service.turns) == sorted(f"hello {n}" for n in range(30))
    assert [found.id async for found in client.batches.list()] == [batch.id]
    output = await client.files.retrieve(batch.output_file_id)
    assert output.purpose == "batch_output"


async def test_bad_lines_are_errors_under_their_custom_id(client: openai.AsyncOpenAI) -> None:
    batch = await started(
        client,
        line("good"),
        "{no json",
        line(
            "unknown model", body={"model": "gpt-9", "messages": [{"role": "user", "content": "x"}]}
        ),
        line("fails", "bad"),
        line("bug", "break late"),
        line("wrong url", url="/v1/embeddings"),
        line("good"),
        line("streams", body=line("x")["body"] | {"stream": True}),
        line("no messages", body={"model": "switchboard"}),
        line("last"),
    )
    batch = await ended(client, batch.id)
    assert batch.status == "failed" or batch.status == "completed"
    answers = await lines_of(client, batch.output_file_id)
    errors = await lines_of(client, batch.error_file_id)
    assert [answer["custom_id"] for answer in answers] == ["good", "last"]
    told = {error["custom_id"]: error for error in errors}
    assert set(told) == {
        None, "unknown model", "fails", "bug", "wrong url", "good", "streams", "no messages"
    }  # fmt: skip
    assert told["unknown model"]["response"]["status_code"] == 404
    assert told["fails"]["response"]["body"]["error"]["code"] == "invalid_input"
    assert told["bug"]["response"]["status_code"] == 500
    assert "/a/path" not in json.dumps(errors)
    assert told["no messages"]["response"]["body"]["error"]["param"] == "messages"
    assert "custom_id" in told["good"]["error"]["message"]
    assert (batch.request_counts.completed, batch.request_counts.failed) == (2, 8)


async def test_embeddings_in_a_batch(client: openai.AsyncOpenAI) -> None:
    body = {"model": "all-minilm-l6-v2", "input": "hello"}
    asked = {"custom_id": "e", "method": "POST", "url": "/v1/embeddings", "body": body}
    batch = await ended(client, (await started(client, asked, endpoint="/v1/embeddings")).id)
    (answer,) = await lines_of(client, batch.output_file_id)
    assert answer["response"]["body"]["data"][0]["embedding"][:2] == [1.0, 0.0]


async def test_a_batch_is_cancelled_and_keeps_what_it_answered(
    client: openai.AsyncOpenAI, service: FakeService
) -> None:
    batch = await started(client, line("a"), line("b", "hang"), line("c", "hang"))
    async with asyncio.timeout(10):
        await service.working.wait()
    cancelled = await client.batches.cancel(batch.id)
    assert cancelled.status == "cancelled"
    assert [a["custom_id"] for a in await lines_of(client, cancelled.output_file_id)] == ["a"]
    with pytest.raises(openai.BadRequestError):
        await client.batches.cancel(batch.id)


async def test_a_batch_goes_on_after_a_restart(
    client: openai.AsyncOpenAI, service: FakeService
) -> None:
    batch = await started(client, *(line(f"a{n}") for n in range(5)), line("b", "hang"))
    async with asyncio.timeout(10):
        await service.working.wait()
    await answered(client, batch.id, 5)
    await service.batches.close()
    assert (await client.batches.retrieve(batch.id)).status == "in_progress"
    service.turns.clear()
    old = service.batches

    async def answer(owner: str, endpoint: str, body: Any) -> tuple[int, Any]:
        service.turns.append(body["messages"][0]["content"])
        return 200, {"restarted": True}

    service.batches = Batches(old.store, old._rows, service.files, service.artifacts, answer)
    await service.batches.start()
    batch = await ended(client, batch.id)
    assert batch.status == "completed"
    answers = await lines_of(client, batch.output_file_id)
    assert [answer["custom_id"] for answer in answers] == [*(f"a{n}" for n in range(5)), "b"]
    assert service.turns == ["hang"]


async def test_a_batch_without_requests_fails(client: openai.AsyncOpenAI) -> None:
    file = await client.files.create(file=("in.jsonl", b"  \n "), purpose="batch")
    batch = await client.batches.create(
        input_file_id=file.id, endpoint=CHAT, completion_window="24h"
    )
    batch = await ended(client, batch.id)
    assert batch.status == "failed"
    assert batch.errors is not None
    assert "no requests" in str(batch.errors.data)


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"endpoint": "/v1/completions"}, "endpoint"),
        ({"completion_window": "1h"}, "completion_window"),
        ({"metadata": {"a": "x" * 600}}, "metadata"),
        ({"unknown": 1}, "unknown"),
    ],
)
async def test_a_batch_is_checked(service: FakeService, change: Any, param: str) -> None:
    body = {"input_file_id": "file-1", "endpoint": CHAT, "completion_window": "24h"} | change
    async with client_of(service) as http:
        answer = await http.post("/v1/batches", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"].startswith(param)


async def test_others_batches_are_not_there(service: FakeService) -> None:
    secret = await service.keys.create("k")
    async with openai_client(service, secret) as mine:
        batch = await started(mine, line("a"))
        await ended(mine, batch.id)
    async with client_of(service) as http:
        for asked in (
            http.get(f"/v1/batches/{batch.id}"),
            http.post(f"/v1/batches/{batch.id}/cancel"),
            http.get("/v1/batches", params={"after": batch.id}),
        ):
            assert (await asked).status_code == 404
        assert (await http.get("/v1/batches")).json()["data"] == []
