"""Traces of a whole service on small tools and models: what ran, in which order, and no words."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from model_servers.contracts import ModelUnavailable
from orchestrator.errors import DatabaseUnavailable
from orchestrator.executor import BACKOFF_S
from orchestrator.service import Service
from orchestrator.trace import Trace, TracedSpan
from tests import fake_openai as scripted
from tests.fake_openai import fake_openai
from tests.faults.small_service import (
    CHAT,
    TensModel,
    Trouble,
    body_of,
    client_of,
    plan_of,
    small_service,
)
from tests.unit.small_tools import TextArgs, TextData
from tools.contracts import RunContext, Tool, ToolResult


class Flaky(Tool):
    """Works at its second call."""

    name = "flaky"
    description = "Works at its second call."
    examples = ("Be flaky",)
    outputs: ClassVar = {"text": "text"}
    Args = TextArgs
    Result = TextData

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self, args: Any, ctx: RunContext) -> ToolResult:
        self.calls += 1
        if self.calls == 1:
            raise ModelUnavailable("Busy.")
        return ToolResult(TextData(text=args.text))


@asynccontextmanager
async def service_on(folder: Path, **more: Any) -> AsyncIterator[Service]:
    async with small_service(folder / "home", **more) as service:
        yield service


async def ask(service: Service, body: dict[str, Any], **headers: str) -> Trace:
    async with client_of(service) as client:
        answer = await client.post(CHAT, json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        trace_id = answer.json()["switchboard"]["id"]
        return Trace.model_validate((await client.get(f"/v1/traces/{trace_id}")).json())


def outline(spans: Sequence[TracedSpan]) -> list[Any]:
    """Names, with what each is about, as a tree."""
    told: list[Any] = []
    for span in spans:
        about = [
            str(span.attributes[key]) for key in ("id", "model", "by") if key in span.attributes
        ]
        told.append(" ".join([span.name, *about]))
        if span.spans:
            told.append(outline(span.spans))
    return told


def find(spans: Sequence[TracedSpan], name: str, **about: Any) -> TracedSpan:
    (found,) = found_all(spans, name, **about)
    return found


def found_all(spans: Sequence[TracedSpan], name: str, **about: Any) -> list[TracedSpan]:
    return [
        found
        for span in spans
        for found in (span, *found_all(span.spans, name, **about))
        if found is not span
        or (span.name == name and all(span.attributes.get(k) == v for k, v in about.items()))
    ]


async def test_a_plan_of_three_steps_gives_its_tree(tmp_path: Path) -> None:
    async with service_on(tmp_path) as service:
        trace = await ask(
            service,
            body_of(
                ("shout", {"text": "hello"}), ("tens", {"text": "1 2 3"}), ("shout", {"text": "s2"})
            ),
            **{"x-request-id": "mine-1"},
        )
    assert outline(trace.spans) == [
        "guard",
        "resolve",
        "route",
        ["plan router"],
        "step s1",
        "step s2",
        ["model tens", ["load tens"]],
        "step s3",
    ]
    assert (trace.kind, trace.request_id, trace.error) == ("turn", "mine-1", None)
    told = trace.attributes
    assert told["queued_s"] >= 0
    assert (told["path"], told["tools"]) == ("router", ["shout", "tens", "shout"])
    assert told["steps"] == {"ok": 3}
    plan = find(trace.spans, "plan")
    assert plan.attributes["steps"] == {"s1": "shout()", "s2": "tens()", "s3": "shout(s2)"}
    step = find(trace.spans, "step", id="s2")
    assert step.attributes["args"]["text"]["chars"] == 5
    assert step.attributes["result"]["text"]["chars"] == len("10 20 30")
    model = find(trace.spans, "model")
    assert (model.attributes["items"], model.attributes["batch_size"]) == (3, 3)
    assert 0 <= model.attributes["compute_ms"] <= model.duration_ms


async def test_times_lie_within_each_other(tmp_path: Path) -> None:
    async with service_on(tmp_path) as service:
        trace = await ask(service, body_of(("tens", {"text": "1"}), ("shout", {"text": "s1"})))

    def check(spans: Sequence[TracedSpan], begin: float, end: float) -> None:
        for span in spans:
            span_end = span.start_ms + span.duration_ms
            assert begin - 0.01 <= span.start_ms <= span_end <= end + 0.01
            check(span.spans, span.start_ms, span_end)

    check(trace.spans, 0, trace.duration_ms)
    first, second = (find(trace.spans, "step", id=id_) for id_ in ("s1", "s2"))
    assert first.start_ms + first.duration_ms <= second.start_ms


async def test_what_failed_was_skipped_and_was_tried_again_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.executor.BACKOFF_S", BACKOFF_S / 100)
    async with service_on(tmp_path, tools=[Trouble(), Flaky()]) as service:
        trace = await ask(
            service,
            body_of(
                ("trouble", {"text": "x", "how": "refuse"}),
                ("shout", {"text": "s1"}),
                ("flaky", {"text": "y"}),
                ("tens", {"text": "1 poison"}),
            ),
        )
    steps = {id_: find(trace.spans, "step", id=id_) for id_ in ("s1", "s2", "s3", "s4")}
    assert {id_: (s.attributes["status"], s.error) for id_, s in steps.items()} == {
        "s1": ("failed", "invalid_input"),
        "s2": ("skipped", "dependency_failed"),
        "s3": ("ok", None),
        "s4": ("failed", "item_error"),
    }
    assert steps["s1"].attributes["args"]["how"] == "refuse", "one of a few words"
    assert steps["s3"].attributes["attempts"] == 2
    assert steps["s3"].attributes["retried_after"] == "model_unavailable"
    assert find(trace.spans, "model").attributes["items_failed"] == 1
    assert trace.attributes["steps"] == {"failed": 2, "skipped": 1, "ok": 1}


async def test_a_client_that_goes_leaves_a_trace_of_what_was_cancelled(tmp_path: Path) -> None:
    trouble = Trouble()
    async with service_on(tmp_path, tools=[trouble]) as service, client_of(service) as client:
        body = body_of(("trouble", {"text": "x", "how": "hang"}))
        asking = asyncio.create_task(client.post(CHAT, json=body))
        async with asyncio.timeout(20):
            await trouble.running.wait()
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await trouble.cancelled.wait()
        (listed,) = await service.traces.list("local")
        trace = await service.traces.get(listed.id, "local")
    assert trace.error == "cancelled"
    assert find(trace.spans, "step").error == "cancelled"


async def test_a_streamed_answer_has_the_same_trace(tmp_path: Path) -> None:
    async with service_on(tmp_path) as service, client_of(service) as client:
        body = body_of(("tens", {"text": "4"}), stream=True)
        answer = await client.post(CHAT, json=body, headers={"x-request-id": "streamed"})
        assert answer.text.endswith("data: [DONE]\n\n")
        trace = await service.traces.get("streamed", "local")
    assert outline(trace.spans)[-2:] == ["step s1", ["model tens", ["load tens"]]]
    assert trace.error is None


async def test_two_requests_at_once_do_not_mix_and_share_a_batch(tmp_path: Path) -> None:
    model = TensModel()
    model.open.clear()
    async with service_on(tmp_path, models={"tens": lambda: model}) as service:
        tool: Any = service.registry["tens"]
        first = asyncio.create_task(ask(service, body_of(("tens", {"text": "1"}))))
        assert await asyncio.to_thread(model.entered.acquire, timeout=20)
        # While a batch of one runs, the others wait, and form the next one together.
        others = [
            asyncio.create_task(
                ask(service, body_of(("tens", {"text": text}), ("shout", {"text": "a"})))
            )
            for text in ("2 3", "4 5 6")
        ]
        async with asyncio.timeout(20):
            for _ in range(3):
                await tool.asked.acquire()
        model.open.set()
        traces = await asyncio.gather(first, *others)
    assert list(map(len, model.batches)) == [1, 5]
    models = [find(trace.spans, "model").attributes for trace in traces]
    assert [(m["items"], m["batch_size"]) for m in models] == [(1, 1), (2, 5), (3, 5)]
    assert all(m["queue_ms"] > 0 for m in models[1:]), "they waited for the first batch"
    assert [len(found_all(trace.spans, "step")) for trace in traces] == [1, 2, 2]


async def test_the_chat_models_calls_are_in_it(tmp_path: Path) -> None:
    plan = {"steps": [{"id": "s1", "tool": "say", "args": {"text": "hello there"}}]}
    async with (
        fake_openai() as endpoint,
        service_on(tmp_path, llm_base_url=endpoint.url, llm_model="small") as service,
    ):
        endpoint.answers = [
            scripted.error(429, retry_after="0"),
            scripted.reply("no plan"),
            scripted.reply(json.dumps(plan)),
            scripted.reply("well"),
        ]
        body: dict[str, Any] = {
            "model": "switchboard",
            "switchboard": {},
            "messages": [{"role": "user", "content": "say hello there"}],
        }
        trace = await ask(service, body)
    planning = find(trace.spans, "plan")
    assert (planning.attributes["by"], planning.attributes["steps"]) == ("planner", {"s1": "say()"})
    # Tried again after a refusal, and repaired after a reply that was no plan.
    assert [(span.name, span.error) for span in planning.spans] == [
        ("llm", None),
        ("llm_try", "rate_limit_exceeded"),
        ("llm", None),
    ]
    said = find(find(trace.spans, "step").spans, "llm").attributes
    assert said["model"] == "small"
    assert (said["prompt_tokens"], said["completion_tokens"]) == (7, 3)
    assert (said["finish_reason"], said["constrained"]) == ("stop", False)
    assert said["prompt_chars"] == len("hello there")
    assert trace.attributes["llm_calls"] == 3


async def test_a_tool_by_itself_is_found_by_its_requests_id(tmp_path: Path) -> None:
    async with service_on(tmp_path) as service, client_of(service) as client:
        body = {"arguments": {"text": "7"}}
        answer = await client.post("/v1/tools/tens/invoke", json=body)
        found = await client.get(f"/v1/traces/{answer.headers['x-request-id']}")
    trace = Trace.model_validate(found.json())
    assert trace.kind == "tool"
    assert trace.attributes["tools"] == ["tens"]
    assert outline(trace.spans) == ["model tens", ["load tens"]]


@pytest.mark.parametrize("stream", [False, True])
async def test_the_chat_models_own_answer_and_a_search_are_traced_too(
    tmp_path: Path, stream: bool
) -> None:
    async with (
        fake_openai() as endpoint,
        service_on(tmp_path, llm_base_url=endpoint.url, llm_model="small") as service,
        client_of(service) as client,
    ):
        endpoint.answers = [scripted.reply('{"a": 1}')]
        messages = [{"role": "user", "content": "as JSON"}]
        form = {"response_format": {"type": "json_object"}}
        body = {"model": "switchboard", "messages": messages, "stream": stream, **form}
        answered = await client.post(CHAT, json=body, headers={"x-request-id": "direct"})
        assert answered.status_code == 200, answered.text
        texts = {"model": "switchboard", "input": ["a", "b"]}
        answered = await client.post("/v1/embeddings", json=texts, headers={"x-request-id": "e"})
        assert answered.status_code == 200, answered.text
        direct, vectors = [await service.traces.get(name, "local") for name in ("direct", "e")]
    assert (direct.kind, outline(direct.spans)) == ("call", ["llm small"])
    assert (direct.attributes["prompt_tokens"], direct.attributes["llm_calls"]) == (7, 1)
    assert find(direct.spans, "llm").attributes["constrained"] is True
    assert find(vectors.spans, "model").attributes["items"] == 2


async def test_a_dry_run_over_rows_is_one_trace(tmp_path: Path) -> None:
    file = {"filename": "rows.csv", "file_data": base64.b64encode(b"text\n1\n").decode()}
    async with service_on(tmp_path) as service, client_of(service) as client:
        request = plan_of(("tens", {"text": "input:text"}))
        body = {"request": request, "files": [file], "each": True, "dry_run": True}
        answered = await client.post("/v1/tasks", json=body)
        assert answered.status_code == 200, answered.text
        (trace,) = await service.traces.list("local")
        found = await service.traces.get(answered.headers["x-request-id"], "local")
    assert found.id == trace.id
    assert find(found.spans, "task").attributes["tools"] == ["tens"]


async def test_a_task_has_a_trace_under_its_own_id(tmp_path: Path) -> None:
    async with service_on(tmp_path) as service, client_of(service) as client:
        body = {"request": plan_of(("tens", {"text": "1"}), ("shout", {"text": "s1"}))}
        task = (await client.post("/v1/tasks", json=body)).json()
        async with asyncio.timeout(20):
            await client.get(f"/v1/tasks/{task['id']}/events")  # which end with the task
        trace = Trace.model_validate((await client.get(f"/v1/traces/{task['id']}")).json())
    assert trace.kind == "task"
    assert [span.attributes["id"] for span in found_all(trace.spans, "step")] == ["s1", "s2"]


async def test_a_task_that_goes_on_shows_what_was_done_before(tmp_path: Path) -> None:
    first, second = Trouble(), Trouble()
    second.go_on.set()
    steps = (("tens", {"text": "1"}), ("trouble", {"text": "s1", "how": "wait"}))
    async with service_on(tmp_path, tools=[first]) as service, client_of(service) as client:
        task_id = (await client.post("/v1/tasks", json={"request": plan_of(*steps)})).json()["id"]
        async with asyncio.timeout(20):
            await first.running.wait()
    async with service_on(tmp_path, tools=[second]) as service, client_of(service) as client:
        cut_off = await service.traces.get(task_id, "local")
        async with asyncio.timeout(20):
            await client.get(f"/v1/tasks/{task_id}/events")
        trace = await service.traces.get(task_id, "local")
    assert cut_off.error == "cancelled"
    assert find(cut_off.spans, "step", id="s2").error == "cancelled"
    assert find(trace.spans, "route").attributes["done_before"] is True
    before, now = (find(trace.spans, "step", id=id_) for id_ in ("s1", "s2"))
    assert (before.attributes["done_before"], before.attributes["status"]) == (True, "ok")
    assert "done_before" not in now.attributes
    assert trace.error is None


async def test_many_requests_at_once_have_each_their_own_steps(tmp_path: Path) -> None:
    async with service_on(tmp_path) as service:
        bodies = [
            body_of(*[("tens", {"text": f"{step} " * n}) for step in range(n)]) for n in range(1, 7)
        ]
        traces = await asyncio.gather(*(ask(service, body) for body in bodies))
    for number, trace in enumerate(traces, 1):
        steps = found_all(trace.spans, "step")
        assert [span.attributes["id"] for span in steps] == [f"s{n}" for n in range(1, number + 1)]
        models = found_all(trace.spans, "model")
        assert [span.attributes["items"] for span in models] == [number] * number


async def test_a_stream_that_breaks_is_told_with_its_error(tmp_path: Path) -> None:
    async with service_on(tmp_path, max_steps=1) as service, client_of(service) as client:
        steps = [("shout", {"text": "a"}), ("shout", {"text": "b"})]
        answer = await client.post(
            CHAT, json=body_of(*steps, stream=True), headers={"x-request-id": "too-much"}
        )
        assert "budget_exceeded" in answer.text
        trace = await service.traces.get("too-much", "local")
    assert trace.error == "budget_exceeded"
    assert found_all(trace.spans, "step") == []


async def test_a_database_that_takes_no_trace_does_not_stop_the_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with service_on(tmp_path) as service, client_of(service) as client:

        @asynccontextmanager
        async def full() -> AsyncIterator[Any]:
            raise DatabaseUnavailable("The disk is full.")
            yield

        monkeypatch.setattr(service.traces._database, "write", full)
        trace = await ask(service, body_of(("shout", {"text": "a"})))
        with pytest.raises(DatabaseUnavailable):
            await service.traces.write()
        assert (await client.get("/v1/traces")).json()["data"][0]["id"] == trace.id
        monkeypatch.undo()
        await service.traces.write()
        assert (await service.traces.get(trace.id, "local")).id == trace.id


async def test_a_task_over_rows_has_a_span_for_each(tmp_path: Path) -> None:
    rows = "text\n1 2\npoison\n3\n"
    file = {"filename": "rows.csv", "file_data": base64.b64encode(rows.encode()).decode()}
    async with service_on(tmp_path) as service, client_of(service) as client:
        request = plan_of(("tens", {"text": "input:text"}))
        body = {"request": request, "files": [file], "each": True}
        made = await client.post("/v1/tasks", json=body)
        assert made.status_code == 202, made.text
        task_id = made.json()["id"]
        async with asyncio.timeout(20):
            await client.get(f"/v1/tasks/{task_id}/events")
        trace = await service.traces.get(task_id, "local")
    assert (trace.attributes["rows"], trace.attributes["rows_failed"]) == (3, 1)
    found = {span.attributes["id"]: span for span in found_all(trace.spans, "row")}
    assert [found[number].attributes["status"] for number in (1, 2, 3)] == ["ok", "failed", "ok"]
    assert outline(found[1].spans)[0] == "step s1"
    assert find(found[2].spans, "step").error == "item_error"


async def test_each_owner_sees_its_own(tmp_path: Path) -> None:
    async with service_on(tmp_path) as service:
        secrets = [await service.keys.create(name) for name in ("one", "two")]
        one, two = ({"authorization": f"Bearer {secret}"} for secret in secrets)
        async with client_of(service, headers=one) as client:
            answer = await client.post(CHAT, json=body_of(("shout", {"text": "a"})))
            trace_id = answer.json()["switchboard"]["id"]
            assert (await client.get(f"/v1/traces/{trace_id}")).status_code == 200
            assert len((await client.get("/v1/traces")).json()["data"]) == 1
        for headers in (two, {}):
            async with client_of(service, headers=headers) as client:
                for name in (trace_id, answer.headers["x-request-id"]):
                    missing = await client.get(f"/v1/traces/{name}")
                    assert missing.status_code == 404
                    assert missing.json()["error"]["code"] == "not_found"
                assert (await client.get("/v1/traces")).json()["data"] == []


@pytest.mark.parametrize(
    "path",
    [
        "/v1/traces/a'%20OR%201=1--", "/v1/traces/%00", "/v1/traces/" + "a" * 65,
        "/v1/traces?limit=0", "/v1/traces?limit=-1", "/v1/traces?limit=100000",
        "/v1/traces?limit=x",
    ],
)  # fmt: skip
async def test_bad_ids_and_limits_are_refused(tmp_path: Path, path: str) -> None:
    async with service_on(tmp_path) as service, client_of(service) as client:
        answer = await client.get(path)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_request"
