"""Bad input over HTTP: a 4xx in OpenAI's shape that says what was wrong, never a 500."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.api.limits import MAX_JSON_DEPTH, parse_json
from orchestrator.errors import BadRequest
from tests.contract.api_fake import FakeService, client_of, fake_service

CHAT = "/v1/chat/completions"
USER = {"role": "user", "content": "hello"}
ASK: dict[str, Any] = {"model": "switchboard", "messages": [USER]}
FUNCTION = {"type": "function", "function": {"name": "f"}}


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[FakeService]:
    async with fake_service(
        tmp_path, max_request_bytes=20_000, max_messages=5, max_prompt_chars=1_000
    ) as service:
        yield service


@pytest.fixture
async def http(service: FakeService) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(service) as client:
        yield client


def user(*parts: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)}]}


def file(**data: str) -> dict[str, Any]:
    return {"type": "file", "file": data}


def tools(*functions: Any, **more: Any) -> dict[str, Any]:
    return {"tools": list(functions), **more}


CHAT_CASES: list[tuple[dict[str, Any], str | None]] = [
    ({"model": None}, "model"),
    ({"model": "gpt-4"}, "model"),
    ({"model": ["switchboard"]}, "model"),
    ({"model": "all-minilm-l6-v2"}, "model"),
    ({"messages": None}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": "hello"}, "messages"),
    ({"messages": ["hello"]}, "messages[0]"),
    ({"messages": [USER] * 6}, "messages"),
    ({"messages": [{"role": "user"}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": ""}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": " \n"}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": None}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": []}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": "x" * 1_001}]}, "messages"),
    ({"messages": [{"role": "wizard", "content": "hi"}]}, "messages[0].role"),
    ({"messages": [{"content": "hi"}]}, "messages[0].role"),
    ({"messages": [{**USER, "mood": "good"}]}, "messages[0].mood"),
    ({"messages": [USER, {"role": "assistant", "content": "hi"}]}, "messages[1].role"),
    (
        {"messages": [USER, {"role": "tool", "tool_call_id": "x", "content": "hi"}]},
        "messages[1].tool_call_id",
    ),
    (user({"type": "text"}), "messages[0].content[0].text"),
    (user({"type": "smell", "text": "hi"}), "messages[0].content[0].type"),
    (user({"text": "hi"}), "messages[0].content[0].type"),
    (user(file()), "messages[0].content[0].file"),
    (user(file(file_data="%%%")), "messages[0].content[0].file.file_data"),
    (user(file(file_data="")), "messages[0].content[0].file.file_data"),
    (user(file(file_data="data:text/plain,hi")), "messages[0].content[0].file.file_data"),
    (user(file(file_id="../../etc/passwd")), "messages[0].content[0].file.file_id"),
    (user(file(file_id="0" * 64)), "messages[0].content[0].file.file_id"),
    (
        user(file(filename="a.pdf", file_data=base64.b64encode(b"\x00\x01\x02").decode())),
        "messages[0].content[0].file.file_data",
    ),
    (
        user({"type": "image_url", "image_url": {"url": "http://169.254.169.254/x.png"}}),
        "messages[0].content[0].image_url.url",
    ),
    (
        user({"type": "input_audio", "input_audio": {"data": "!", "format": "../wav"}}),
        "messages[0].content[0].input_audio.data",
    ),
    ({"stream": "yes"}, "stream"),
    ({"stream": 1}, "stream"),
    ({"stream_options": {"usage": True}}, "stream_options.usage"),
    ({"n": 2}, "n"),
    ({"n": "one"}, "n"),
    ({"temperature": "hot"}, "temperature"),
    ({"temperature": 3}, "temperature"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"max_tokens": 1.5}, "max_tokens"),
    ({"stop": ["x"]}, "stop"),
    ({"logprobs": True}, "logprobs"),
    ({"store": True}, "store"),
    ({"modalities": ["audio"]}, "modalities"),
    ({"metadata": {"a": 1}}, "metadata.a"),
    ({"api_base": "http://127.0.0.1:1"}, "api_base"),
    ({"api_key": "x"}, "api_key"),
    ({"base_url": "http://127.0.0.1:1"}, "base_url"),
    ({"owner": "key_x"}, "owner"),
    ({"switchboard": {"owner": "key_x"}}, "switchboard.owner"),
    ({"switchboard": True}, "switchboard"),
    ({"switchboard": {"conversation": "conv_x"}}, "conversation"),
    ({"switchboard": {"conversation": 7}}, "switchboard.conversation"),
    ({"switchboard": {"store": True}, "messages": [USER, USER]}, "messages"),
    ({"tool_choice": "required"}, "tool_choice"),
    (tools({"type": "function"}), "tools[0].function"),
    (tools({"type": "web_search"}), "tools[0].type"),
    (tools({"type": "function", "function": {"name": "no spaces"}}), "tools[0].function.name"),
    (tools(FUNCTION, FUNCTION), "tools[1].function.name"),
    (tools(FUNCTION, tool_choice="g"), "tool_choice"),
    (tools(FUNCTION, tool_choice={"type": "function", "function": {"name": "g"}}), "tool_choice"),
    (tools(FUNCTION, switchboard={}), "switchboard"),
    (tools(FUNCTION, model="shout"), "model"),
    (
        tools({"type": "function", "function": {"name": "f", "parameters": {"type": "thing"}}}),
        "tools[0].function.parameters",
    ),
    ({"response_format": {"type": "xml"}}, "response_format.type"),
    (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
        "response_format.json_schema.schema",
    ),
    ({"functions": []}, "functions"),
    ({"model": "weigh_document"}, "messages"),
    ({"model": "shout", "messages": [{"role": "user", "content": [file(file_id="1")]}]}, ...),  # type: ignore[list-item]
]


@pytest.mark.parametrize(("change", "param"), CHAT_CASES, ids=lambda case: str(case)[:60])
async def test_a_bad_chat_request(
    http: httpx.AsyncClient, change: dict[str, Any], param: str | None
) -> None:
    body = {k: v for k, v in (ASK | change).items() if v is not None}
    error = refused(await http.post(CHAT, json=body))
    assert param is ... or error["param"] == param, error


def refused(response: httpx.Response, status: int | None = None) -> dict[str, Any]:
    """The error of a response that must be a 4xx in OpenAI's shape."""
    assert 400 <= response.status_code < 500, response.text
    assert status in (None, response.status_code), response.text
    assert response.headers["x-request-id"]
    error = response.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["message"].endswith((".", "}", "?"))
    assert error["code"]
    for leak in ("Traceback", 'File "', "/site-packages/", "pydantic", "object at 0x"):
        assert leak not in response.text
    return dict(error)


RAW_CASES: list[tuple[bytes, dict[str, str], int]] = [
    (b"", {"content-type": "application/json"}, 400),
    (b"{", {"content-type": "application/json"}, 400),
    (b"hello", {"content-type": "application/json"}, 400),
    (b"[]", {"content-type": "application/json"}, 400),
    (b"null", {"content-type": "application/json"}, 400),
    (b'"x"', {"content-type": "application/json"}, 400),
    (b"\xff\xfe{}", {"content-type": "application/json"}, 400),
    (b'{"model": NaN}', {"content-type": "application/json"}, 400),
    (b'{"model": -Infinity}', {"content-type": "application/json"}, 400),
    (b'{"temperature": 1e999}', {"content-type": "application/json"}, 400),
    (b'{"seed": ' + b"9" * 5_000 + b"}", {"content-type": "application/json"}, 400),
    (b"[" * 101 + b"]" * 101, {"content-type": "application/json"}, 400),
    (b"[" * 19_000, {"content-type": "application/json"}, 400),
    (b'{"a":' * 3_000 + b"1" + b"}" * 3_000, {"content-type": "application/json"}, 400),
    (b"x" * 20_001, {"content-type": "application/json"}, 413),
    (json.dumps(ASK).encode(), {"content-type": "text/plain"}, 415),
    (json.dumps(ASK).encode(), {}, 415),
    (json.dumps(ASK).encode(), {"content-type": "multipart/form-data"}, 415),
    (
        gzip.compress(json.dumps(ASK).encode()),
        {"content-type": "application/json", "content-encoding": "gzip"},
        415,
    ),
]


@pytest.mark.parametrize(("body", "headers", "status"), RAW_CASES, ids=lambda c: str(c)[:40])
async def test_a_bad_body(
    http: httpx.AsyncClient, body: bytes, headers: dict[str, str], status: int
) -> None:
    refused(await http.post(CHAT, content=body, headers=headers), status)


async def test_a_body_of_undeclared_length_is_counted(http: httpx.AsyncClient) -> None:
    read = 0

    async def endless(start: bytes = b"") -> AsyncIterator[bytes]:
        nonlocal read
        yield start
        while True:
            read += 1_000
            yield b" " * 1_000

    headers = {"content-type": "application/json"}
    refused(await http.post(CHAT, content=endless(), headers=headers), 413)
    assert read <= 25_000

    headers = {"content-type": "multipart/form-data; boundary=x"}
    start = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.md"\r\n\r\n'
    refused(await http.post("/v1/kb/documents", content=endless(start), headers=headers), 413)


OTHER_CASES: list[tuple[str, str, dict[str, Any], int]] = [
    ("GET", "/v1/nothing", {}, 404),
    ("GET", "/v1", {}, 404),
    ("GET", "/v1/chat/completions", {}, 405),
    ("DELETE", "/v1/models", {}, 405),
    ("PUT", "/v1/tools/shout/invoke", {"json": {}}, 405),
    ("GET", "/v1/models/none", {}, 404),
    ("GET", "/v1/tools/shuot", {}, 404),
    ("POST", "/v1/tools/none/invoke", {"json": {"arguments": {}}}, 404),
    ("POST", "/v1/tools/shout/invoke", {"json": {"arguments": {}}}, 400),
    ("POST", "/v1/tools/shout/invoke", {"json": {"arguments": {"text": ""}}}, 400),
    ("POST", "/v1/tools/shout/invoke", {"json": {"arguments": {"text": 5}}}, 400),
    ("POST", "/v1/tools/shout/invoke", {"json": {"arguments": {"text": "a", "b": 1}}}, 400),
    ("POST", "/v1/tools/shout/invoke", {"json": {"arguments": []}}, 400),
    ("POST", "/v1/tools/shout/invoke", {"json": {"args": {}}}, 400),
    ("POST", "/v1/tools/shout/invoke", {"json": {"arguments": {"text": {"x": 1}}}}, 400),
    ("POST", "/v1/tools/weigh_document/invoke", {"json": {"arguments": {"document": "x"}}}, 404),
    ("POST", "/v1/tools/weigh_document/invoke", {"json": {"arguments": {"document": 1}}}, 400),
    (
        "POST",
        "/v1/tools/weigh_document/invoke",
        {"json": {"arguments": {"document": {"id": "0" * 64, "kind": "document"}}}},
        400,
    ),
    ("POST", "/v1/embeddings", {"json": {"model": "ada", "input": "x"}}, 404),
    ("POST", "/v1/embeddings", {"json": {"model": "switchboard", "input": []}}, 400),
    ("POST", "/v1/embeddings", {"json": {"model": "switchboard", "input": ""}}, 400),
    ("POST", "/v1/embeddings", {"json": {"model": "switchboard", "input": [1, 2]}}, 400),
    ("POST", "/v1/embeddings", {"json": {"model": "switchboard", "input": [[1], [2]]}}, 400),
    ("POST", "/v1/embeddings", {"json": {"model": "switchboard", "input": ["x", None]}}, 400),
    ("POST", "/v1/embeddings", {"json": {"model": "switchboard", "input": ["x"] * 2_049}}, 400),
    ("POST", "/v1/embeddings", {"json": {"model": "switchboard", "input": "x" * 1_001}}, 400),
    (
        "POST",
        "/v1/embeddings",
        {"json": {"model": "switchboard", "input": "x", "dimensions": 8}},
        400,
    ),
    (
        "POST",
        "/v1/embeddings",
        {"json": {"model": "switchboard", "input": "x", "encoding_format": "xml"}},
        400,
    ),
    ("POST", "/v1/kb/documents", {"data": {"collection": "shop"}}, 415),
    ("POST", "/v1/kb/documents", {"files": {"other": ("a.md", b"# A")}}, 400),
    ("POST", "/v1/kb/documents", {"files": {"file": ("a.md", b"")}}, 400),
    ("POST", "/v1/kb/documents", {"files": {"file": ("a.pdf", b"no pdf")}}, 400),
    (
        "POST",
        "/v1/kb/documents",
        {"files": {"file": ("a.md", b"# A")}, "data": {"collection": "../x"}},
        400,
    ),
    ("GET", "/v1/kb/documents?collection=%00", {}, 400),
    ("DELETE", "/v1/kb/documents/none", {}, 404),
    ("POST", "/v1/kb/search", {"json": {"query": ""}}, 400),
    ("POST", "/v1/kb/search", {"json": {"query": "x", "limit": 0}}, 400),
    ("POST", "/v1/kb/search", {"json": {"query": "x", "limit": 10**30}}, 400),
    ("GET", "/v1/kb/passages/none", {}, 404),
    ("GET", "/v1/files/none", {}, 404),
    ("GET", "/v1/files/..%2f..%2fetc%2fpasswd/content", {}, 404),
    ("GET", f"/v1/files/{'0' * 64}/content", {}, 404),
    ("GET", "/v1/conversations/none", {}, 404),
    ("GET", "/v1/conversations/%00%ff", {}, 404),
    ("POST", "/v1/messages/none/feedback", {"json": {"value": 1}}, 404),
    ("POST", "/v1/messages/none/feedback", {"json": {"value": 2}}, 400),
    ("POST", "/v1/messages/none/feedback", {"json": {"value": 1, "comment": "x" * 2_001}}, 400),
    ("GET", "/elsewhere", {}, 404),
]


@pytest.mark.parametrize(
    ("method", "path", "more", "status"), OTHER_CASES, ids=lambda c: str(c)[:50]
)
async def test_a_bad_request_elsewhere(
    http: httpx.AsyncClient, method: str, path: str, more: dict[str, Any], status: int
) -> None:
    refused(await http.request(method, path, **more), status)


async def test_a_multipart_body_that_breaks_off(http: httpx.AsyncClient) -> None:
    headers = {"content-type": "multipart/form-data; boundary=x"}
    for body in (b"--x", b'--x\r\nContent-Disposition: form-data; name="file"', b"nothing"):
        refused(await http.post("/v1/kb/documents", content=body, headers=headers), 400)


async def test_what_no_encoding_takes_does_not_come_back_as_a_failure(
    http: httpx.AsyncClient, service: FakeService
) -> None:
    headers = {"content-type": "application/json"}
    body = b'{"model": "\\ud800\\u0000x", "messages": [{"role": "user", "content": "hi"}]}'
    assert refused(await http.post(CHAT, content=body, headers=headers), 404)["param"] == "model"
    body = (
        b'{"model": "switchboard", "messages": [{"role": "user", "content": "a\\ud800b\\u0000"}]}'
    )
    assert (await http.post(CHAT, content=body, headers=headers)).status_code == 200
    assert service.turns[0].text == "ab"


async def test_a_tool_that_breaks_is_a_500_without_details(http: httpx.AsyncClient) -> None:
    body = {"arguments": {"text": "break"}}
    response = await http.post("/v1/tools/shout/invoke", json=body)
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "tool_fault"
    assert "/a/path" not in response.text


async def test_the_levels_of_json_are_counted() -> None:
    within = b"[" * MAX_JSON_DEPTH + b"]" * MAX_JSON_DEPTH
    assert parse_json(within)
    with pytest.raises(BadRequest):
        parse_json(b"[" + within + b"]")


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)
fields = st.sampled_from(
    ["model", "messages", "stream", "tools", "tool_choice", "response_format", "switchboard", "n"]
)


@settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(change=st.dictionaries(fields, json_values, max_size=3), content=json_values)
async def test_no_json_breaks_the_door(
    http: httpx.AsyncClient, change: dict[str, Any], content: Any
) -> None:
    messages = [{"role": "user", "content": content}]
    body = json.dumps(ASK | {"messages": messages} | change)
    headers = {"content-type": "application/json"}
    response = await http.post(CHAT, content=body.encode(), headers=headers)
    if response.status_code != 200:
        refused(response)
