"""What a client is told when there is too much to do, and how it lowers what a request takes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.admission import Admission, Bounds
from orchestrator.turn import Limits

from .api_fake import FakeService, client_of, fake_service

CHAT = "/v1/chat/completions"


def asked(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "switchboard", "messages": [{"role": "user", "content": text}], **more}


DIRECT = asked("hi", response_format={"type": "json_object"})
COSTLY = [
    (CHAT, {"json": DIRECT}),
    (CHAT, {"json": DIRECT | {"stream": True}}),
    ("/v1/embeddings", {"json": {"model": "switchboard", "input": "hi"}}),
    ("/v1/kb/documents", {"files": {"file": ("a.md", b"# A")}}),
    ("/v1/kb/search", {"json": {"query": "hi"}}),
]
FREE = ["/healthz", "/v1/models", "/v1/tools", "/v1/conversations", "/v1/kb/documents"]


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[FakeService]:
    async with fake_service(tmp_path) as service:
        service.admission = Admission(Bounds(1, 0, 1, 0))
        yield service


@pytest.mark.parametrize(("path", "sent"), COSTLY, ids=lambda value: str(value)[:60])
async def test_what_costs_is_refused_where_there_is_no_room(
    service: FakeService, path: str, sent: dict[str, Any]
) -> None:
    async with client_of(service) as http:
        async with service.admission.admitted("someone", timeout_s=30):
            refused = await http.post(path, **sent)
        assert refused.status_code == 429
        assert refused.json()["error"]["code"] == "rate_limit_exceeded"
        assert refused.json()["error"]["type"] == "rate_limit_error"
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.headers["x-should-retry"] == "true"
        assert (await http.post(path, **sent)).status_code == 200


@pytest.mark.parametrize("path", FREE)
async def test_what_costs_nothing_is_always_told(service: FakeService, path: str) -> None:
    async with client_of(service) as http, service.admission.admitted("someone", timeout_s=30):
        assert (await http.get(path)).status_code == 200


@pytest.mark.parametrize(("path", "sent"), COSTLY, ids=lambda value: str(value)[:60])
async def test_nothing_new_is_taken_while_the_service_stops(
    service: FakeService, path: str, sent: dict[str, Any]
) -> None:
    service.admission.stop()
    async with client_of(service) as http:
        refused = await http.post(path, **sent)
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "service_stopping"
    assert int(refused.headers["retry-after"]) >= 1


async def test_a_client_lowers_what_its_request_takes(service: FakeService) -> None:
    limits = {"timeout_s": 5, "max_steps": 2, "max_llm_calls": 0, "max_completion_tokens": 100}
    async with client_of(service) as http:
        await http.post(CHAT, json=asked("hello", switchboard=limits))
    assert service.turns[0].limits == Limits(**limits)


@pytest.mark.parametrize(
    ("sent", "bound"),
    [
        ({"max_tokens": 50}, 50),
        ({"max_completion_tokens": 50, "max_tokens": 7}, 50),
        ({"max_tokens": 50, "switchboard": {"max_completion_tokens": 9}}, 9),
        ({"max_tokens": 9, "switchboard": {"max_completion_tokens": 50}}, 9),
        ({"max_tokens": 10**6}, 10**6),  # the service's own is lower, and goes before
        ({}, None),
    ],
)
async def test_openais_bound_is_the_agents_too(
    service: FakeService, sent: dict[str, Any], bound: int | None
) -> None:
    async with client_of(service) as http:
        await http.post(CHAT, json=asked("hello", **sent))
    assert service.turns[0].limits == Limits(max_completion_tokens=bound)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("bound", "finish"), [(2, "length"), (3, "stop")])
async def test_an_answer_that_used_all_its_tokens_was_cut(
    service: FakeService, stream: bool, bound: int, finish: str
) -> None:
    """This service's answer takes two tokens."""
    for sent in ({"max_tokens": bound}, {"switchboard": {"max_completion_tokens": bound}}):
        async with client_of(service) as http:
            answer = await http.post(CHAT, json=asked("hello", stream=stream, **sent))
        assert f'"finish_reason":"{finish}"' in answer.text
        assert answer.text.count('"finish_reason":"') == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timeout_s", 181),
        ("timeout_s", 0),
        ("timeout_s", -1),
        ("timeout_s", "5"),
        ("max_steps", 13),
        ("max_steps", 0),
        ("max_llm_calls", 401),
        ("max_llm_calls", -1),
        ("max_completion_tokens", 100_001),
        ("max_completion_tokens", 1.5),
    ],
)
async def test_limits_are_only_lowered(service: FakeService, name: str, value: Any) -> None:
    async with client_of(service) as http:
        refused = await http.post(CHAT, json=asked("hello", switchboard={name: value}))
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == f"switchboard.{name}"
    assert not service.turns


async def test_a_stream_gives_its_place_back_at_its_end(service: FakeService) -> None:
    async with client_of(service) as http:
        streamed = await http.post(CHAT, json=DIRECT | {"stream": True})
    assert streamed.text.endswith("data: [DONE]\n\n")
    assert await service.admission.idle(5)
