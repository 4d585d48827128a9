"""The way in by HTTP: what is sent, what comes back, and when the service counts as gone."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from evals.task import Sample
from evals.watched import NoWay, WatchedWay, predict
from evals.ways import ByUrl, InProcess, ServiceGone, Traced, settings_for
from orchestrator.api.app import create_app
from orchestrator.client import ServiceRefused, ServiceUnavailable
from tests.contract.api_fake import FakeService, fake_service
from tests.unit.eval_fakes import FakeWay, solve

Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[FakeService]:
    async with fake_service(tmp_path) as service:
        yield service


@pytest.fixture
async def way(service: FakeService) -> AsyncIterator[InProcess]:
    async with InProcess(create_app(service)) as way:  # type: ignore[arg-type]
        yield way


def at(answer: Answer, *, tries: int = 3) -> ByUrl:
    return ByUrl("http://there", transport=httpx.MockTransport(answer), pauses_s=[0.0] * tries)


async def test_the_agent_is_asked_by_the_public_api(way: InProcess, service: FakeService) -> None:
    outcome = await way.ask("shout this", files=[("note.txt", b"some words")])
    assert outcome["answer"] == "HELLO 😀"
    assert outcome["plan"]["steps"][0]["tool"] == "shout"
    assert outcome["usage"]["llm_calls"] == 1
    (turn,) = service.turns
    assert [(file.name, file.kind) for file in turn.attachments] == [("note.txt", "document")]
    assert turn.conversation_id is None


async def test_names_and_kinds_are_enough_to_plan(way: InProcess, service: FakeService) -> None:
    named = [{"name": "plan.mp4", "kind": "video", "ignored": "x"}, {"name": "p", "kind": "image"}]
    outcome = await way.ask("what is on it?", plan_only=True, attachments=named)
    assert outcome["plan"]["steps"]
    (turn,) = service.turns
    assert turn.plan_only
    assert [(f.name, f.kind) for f in turn.attachments] == [("plan.mp4", "video"), ("p", "image")]


async def test_names_alone_are_not_enough_to_work_on(way: InProcess) -> None:
    with pytest.raises(ServiceRefused, match="send the files, or plan_only"):
        await way.ask("what is on it?", attachments=[{"name": "a.png", "kind": "image"}])


async def test_a_kind_that_is_none_is_refused(way: InProcess) -> None:
    with pytest.raises(ServiceRefused):
        await way.ask("what?", plan_only=True, attachments=[{"name": "a", "kind": "smell"}])


async def test_a_tool_is_invoked_with_its_trace(way: InProcess) -> None:
    result = await way.invoke("shout", {"text": "hello"})
    assert result["data"] == {"text": "HELLO"}
    assert result["trace_id"]
    assert result["usage"]["llm_calls"] == 1
    with pytest.raises(ServiceRefused, match="nothing_like_it"):
        await way.invoke("nothing_like_it", {})


async def test_any_part_of_the_api_can_be_asked(way: InProcess) -> None:
    tools = (await way.api("GET", "/v1/tools"))["data"]
    assert "shout" in [tool["name"] for tool in tools]
    assert isinstance(way, Traced)
    assert await way.trace("no_such_trace") is None


async def test_documents_are_given_to_a_collection_under_their_names(
    way: InProcess, service: FakeService
) -> None:
    files = [("a%2Fb.md", b"# Fees\n\nFive euros."), ("en/c.md", b"Ten.")]
    watched = WatchedWay(way)
    answer = await watched.upload("/v1/kb/documents", files, {"collection": "books"})
    assert [one["name"] for one in answer["data"]] == ["a%2Fb.md", "en/c.md"]
    kept = await service.knowledge.list("books")
    assert [one.name for one in kept] == ["a%2Fb.md", "en/c.md"]
    with pytest.raises(ServiceRefused):
        await way.upload("/v1/kb/documents", [("empty.md", b"")], {"collection": "books"})


async def test_a_file_that_was_given_can_be_had_by_its_sha256(way: InProcess) -> None:
    data = b"some words"
    watched = WatchedWay(way)
    await watched.upload("/v1/files", [("note.txt", data)], {"purpose": "user_data"})
    assert await watched.download(hashlib.sha256(data).hexdigest()) == data
    with pytest.raises(ServiceRefused):
        await way.download("0" * 64)
    with pytest.raises(NoWay, match="get the files"):
        await WatchedWay(FakeWay()).download("0" * 64)


async def test_a_file_is_sent_with_its_name_and_bytes() -> None:
    sent: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content))
        return httpx.Response(200, json={"switchboard": {"id": "t"}})

    async with at(answer) as way:
        await way.ask("read", files=[("a.pdf", b"%PDF")])
    text, part = sent[0]["messages"][0]["content"]
    assert text == {"type": "text", "text": "read"}
    assert part["file"]["filename"] == "a.pdf"
    head, _, data = part["file"]["file_data"].partition(",")
    assert (head, base64.b64decode(data)) == ("data:application/pdf;base64", b"%PDF")


@pytest.mark.parametrize("status", [429, 503])
async def test_a_service_without_room_is_asked_again(status: int) -> None:
    answers = [httpx.Response(status), httpx.Response(200, json={"data": []})]
    async with at(lambda _: answers.pop(0)) as way:
        assert await way.api("GET", "/v1/tools") == {"data": []}


async def test_the_pause_is_as_long_as_the_service_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    paused: list[float] = []

    async def sleep(seconds: float) -> None:
        paused.append(seconds)

    monkeypatch.setattr("evals.ways.asyncio.sleep", sleep)
    busy = httpx.Response(429, headers={"retry-after": "7"})
    answers = [busy, httpx.Response(429), httpx.Response(200, json={})]
    async with at(lambda _: answers.pop(0)) as way:
        await way.api("GET", "/v1/tools")
    assert paused == [7.0, 0.0]


async def test_a_service_that_stays_away_is_gone_and_named() -> None:
    tried: list[str] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        tried.append(request.url.path)
        raise httpx.ConnectError("no")

    async with at(refuse) as way:
        with pytest.raises(ServiceGone, match=r"http://there.*does not answer"):
            await way.check()
    assert len(tried) == 4


async def test_a_model_that_stays_away_is_told_in_the_services_words() -> None:
    said = {"error": {"message": "Pull the models.", "code": "weights_error"}}
    async with at(lambda _: httpx.Response(503, json=said)) as way:
        with pytest.raises(ServiceGone, match="Pull the models"):
            await way.ask("x")


async def test_one_answer_that_takes_too_long_is_that_samples_error() -> None:
    def hang(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow")

    async with at(hang) as way:
        with pytest.raises(ServiceUnavailable, match="in time"):
            await way.ask("x")


async def test_an_address_that_is_none_is_told() -> None:
    async with ByUrl("gopher://x") as way:
        with pytest.raises(ServiceGone, match="no address"):
            await way.check()


async def test_what_a_sample_takes_is_counted_over_all_its_requests() -> None:
    watched = WatchedWay(FakeWay())
    await watched.ask("one")
    await watched.ask("two")
    assert watched.usage == {"prompt_tokens": 10, "completion_tokens": 4, "llm_calls": 2}
    assert watched.trace_id == "turn_two"
    with pytest.raises(NoWay):
        await watched.api("GET", "/v1/tools")
    with pytest.raises(NoWay):
        await watched.upload("/v1/kb/documents", [], {})


async def test_a_refused_sample_is_an_error_with_the_services_code(way: InProcess) -> None:
    sample = Sample(id="1", inputs={"text": "bad"}, gold="")
    prediction = await predict(sample, solve, way)
    assert prediction.error == "invalid_input: That is no good; say something else."


def test_a_run_has_a_home_of_its_own(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, "gpu")
    assert (settings.home_dir, settings.profile) == (tmp_path.resolve(), "gpu")


def test_a_service_for_baselines_waits_longer_and_never_shorter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = settings_for(tmp_path, None)
    monkeypatch.setattr(
        "orchestrator.settings.get_settings",
        lambda: given.model_copy(update={"llm_timeout_s": 5_000.0}),
    )
    patient = settings_for(tmp_path, None, patient=True)
    assert patient.llm_timeout_s == 5_000.0
    assert patient.request_timeout_s > given.request_timeout_s
