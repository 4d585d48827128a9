"""A conversation that a person takes over: paused, answered, given back, across restarts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.testing import CliRunner, Result

from orchestrator.cli import app
from orchestrator.handoff_words import told, told_not_possible
from orchestrator.handoffs import is_unsure
from orchestrator.service import Service
from orchestrator.settings import get_settings
from orchestrator.signs import Sign
from orchestrator.turn import (
    Finished,
    HandoffReason,
    HandoffReport,
    Outcome,
    RouteReport,
    StepReport,
    Turn,
)
from tests.faults.small_service import CHAT, client_of, plan_of, small_parts, small_service
from tests.unit.small_tools import FakeChat
from tools.contracts import NotFound

HUMAN = "I want to talk to a human"
WORK = plan_of(("shout", {"text": "hello"}))
LANGUAGES = ("en", "zh", "es", "fr", "de", "pt", "ja", "ar", "hi")


class Cues:
    """Finds signs by words, and keeps what it was given to look at."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, str]]] = []

    async def __call__(self, request: str, kinds: Mapping[str, Any]) -> Sign | None:
        self.seen.append((request, dict(kinds)))
        cues: dict[str, HandoffReason] = {
            "human": "human_requested", "sue": "legal_threat", "die": "distress",
            "Menschen": "human_requested",
        }  # fmt: skip
        return next((Sign(cues[word], 0.9) for word in request.split() if word in cues), None)


@asynccontextmanager
async def served(home: Path, **more: Any) -> AsyncIterator[Service]:
    async with small_service(home, **{"sign": Cues(), **more}) as service:
        yield service


async def ask(service: Service, text: str, conversation: str | None, **more: Any) -> Outcome:
    turn = Turn(text=text, conversation_id=conversation, **more)
    (outcome,) = [e.outcome async for e in service.run(turn) if isinstance(e, Finished)]
    return outcome


async def said(service: Service, conversation: str) -> list[tuple[str, str]]:
    messages = await service.conversations.messages(conversation, "local")
    return [(message.role, message.content) for message in messages]


async def handed_over(service: Service, text: str = HUMAN) -> tuple[str, str]:
    """A new conversation, and its open hand-over."""
    conversation = await service.conversations.create("local")
    outcome = await ask(service, text, conversation)
    assert outcome.handoff is not None
    assert outcome.handoff.id is not None
    return conversation, outcome.handoff.id


async def test_it_is_paused_answered_and_given_back_across_restarts(tmp_path: Path) -> None:
    async with served(tmp_path) as service:
        conversation = await service.conversations.create("local")
        outcome = await ask(service, HUMAN, conversation)
        assert outcome.answer == told("human_requested", "en")
        assert outcome.route.path == "handoff"
        assert outcome.handoff is not None
        assert (outcome.handoff.reason, outcome.handoff.state) == ("human_requested", "open")

    chat = FakeChat()
    async with served(tmp_path, chat=chat) as service:
        waiting = await ask(service, WORK, conversation)
        assert waiting.answer == told("waiting", "en")
        assert waiting.handoff == outcome.handoff
        assert not waiting.steps
        assert not chat.asked, "nobody answers but the person"
        async with client_of(service) as client:
            url = f"/v1/handoffs/{waiting.handoff.id}" if waiting.handoff else ""
            (listed,) = (await client.get("/v1/handoffs?state=open")).json()["data"]
            assert listed["id"] == url.rpartition("/")[2]
            replied = await client.post(f"{url}/replies", json={"text": "I look into it."})
            assert replied.status_code == 201
            shown = (await client.get(url)).json()["messages"]
        assert [m["role"] for m in shown] == ["user", "assistant", "user", "person"]

    async with served(tmp_path) as service:
        async with client_of(service) as client:
            resumed = await client.post(f"{url}/resume")
        assert resumed.json()["state"] == "resumed"
        assert (await said(service, conversation))[-2:] == [
            ("person", "I look into it."),
            ("assistant", told("back", "en")),
        ]

    async with served(tmp_path) as service:
        again = await ask(service, WORK, conversation)
        assert again.answer == "HELLO"
        assert again.handoff is None


async def test_the_paused_thread_is_kept_until_it_goes_on(tmp_path: Path) -> None:
    async with served(tmp_path) as service:
        _, handoff_id = await handed_over(service)
        handoff = await service.handoffs.get(handoff_id)
        config = {"configurable": {"thread_id": handoff.thread_id}}
        paused = await service._turns._agent.aget_state(config)
        assert paused.next == ("wait",)
        assert [i.value for i in paused.interrupts] == ["human_requested"]
        await service.resume(handoff_id)
        gone = await service._turns._agent.aget_state(config)
        assert gone.created_at is None


async def test_the_customer_is_told_in_their_language(tmp_path: Path) -> None:
    async with served(tmp_path) as service:
        conversation = await service.conversations.create("local")
        outcome = await ask(service, "Ich möchte mit einem Menschen sprechen", conversation)
        assert outcome.answer == told("human_requested", "de")
        waiting = await ask(service, "Wie lange dauert das denn noch bei Ihnen?", conversation)
        assert waiting.answer == told("waiting", "de")


@pytest.mark.parametrize("reason", get_args(HandoffReason))
def test_every_language_has_its_own_words(reason: HandoffReason) -> None:
    for occasion in (reason, "waiting", "back"):
        words = {told(occasion, language) for language in LANGUAGES}
        assert len(words) == len(LANGUAGES)
        assert not any(character.isdigit() for character in "".join(words)), "no numbers to call"
    assert len({told_not_possible(reason, language) for language in LANGUAGES}) == len(LANGUAGES)
    assert told(reason, "nl") == told(reason, "en")


async def test_what_the_person_said_is_part_of_the_history(tmp_path: Path) -> None:
    chat = FakeChat('{"steps": []}', "Fine.")
    async with served(tmp_path, chat=chat) as service:
        conversation, handoff_id = await handed_over(service)
        await service.conversations.append(conversation, "person", "Your parcel is in Lisbon.")
        await service.resume(handoff_id)
        await ask(service, "Thank you so much", conversation)
    told_of = [(message.role, message.content) for message in chat.asked[-1]]
    assert ("assistant", "Your parcel is in Lisbon.") in told_of


async def test_without_a_stored_conversation_nobody_could_answer(tmp_path: Path) -> None:
    async with served(tmp_path) as service, client_of(service) as client:
        body = {"model": "switchboard", "messages": [{"role": "user", "content": HUMAN}]}
        answer = (await client.post(CHAT, json={**body, "switchboard": {}})).json()
        assert answer["switchboard"]["handoff"] == {
            "id": None,
            "reason": "human_requested",
            "state": "not_possible",
        }
        assert answer["choices"][0]["message"]["content"] == told_not_possible(
            "human_requested", "en"
        )
        assert (await client.get("/v1/handoffs")).json()["data"] == []


async def test_a_plan_alone_hands_nothing_over(tmp_path: Path) -> None:
    async with served(tmp_path) as service:
        conversation = await service.conversations.create("local")
        outcome = await ask(service, HUMAN, conversation, plan_only=True)
        assert outcome.route.path == "handoff"
        assert outcome.handoff == HandoffReport(id=None, reason="human_requested", state="planned")
        assert await service.handoffs.list() == ()


async def test_two_unsure_answers_in_a_row_bring_a_person(tmp_path: Path) -> None:
    chat = FakeChat(*['{"steps": []}', "Perhaps."] * 4)
    async with served(tmp_path, chat=chat) as service:
        conversation = await service.conversations.create("local")
        first = await ask(service, "hm, well, so what", conversation)
        assert first.handoff is None
        between = await ask(service, WORK, conversation)
        assert between.handoff is None
        third = await ask(service, "hm, well, so what", conversation)
        assert third.handoff is None, "what went well in between counts"
        fourth = await ask(service, "and what then", conversation)
        assert fourth.handoff is not None
        assert fourth.handoff.reason == "low_confidence"
        assert fourth.answer.split("\n\n")[-1] == told("low_confidence", "en")
        assert fourth.answer.startswith("Perhaps.")
        await service.resume(fourth.handoff.id or "")
        fifth = await ask(service, "hm, well, so what", conversation)
        assert fifth.handoff is None, "it is counted anew"


@pytest.mark.parametrize(
    ("path", "steps", "unsure"),
    [
        ("router", [], True),
        ("planner", [], True),
        ("chat", [], False),
        ("handoff", [], False),
        ("router", [{"known": False}], True),
        ("router", [{"known": False}, {"text": "x"}], False),
        ("planner", [{"text": "x"}], False),
        ("router", [{"known": True}], False),
        ("router", [None], False),
    ],
)
def test_what_an_unsure_answer_is(path: Any, steps: list[Any], unsure: bool) -> None:
    reports = [
        StepReport(id=f"s{n}", tool="t", status="ok" if r else "failed", result=r)
        for n, r in enumerate(steps, start=1)
    ]
    assert is_unsure(RouteReport(path=path, confidence=0.3), reports) is unsure


async def test_only_the_request_is_looked_at_for_signs(tmp_path: Path) -> None:
    cues = Cues()
    async with served(tmp_path, sign=cues) as service:
        plea = service.artifacts.put(b"I want to talk to a human, or I sue", name="human.txt",
                                     origin="user")  # fmt: skip
        conversation = await service.conversations.create("local")
        outcome = await ask(service, WORK, conversation, attachments=(plea,))
        assert outcome.handoff is None
        answered = plan_of(("shout", {"text": HUMAN}))
        assert (await ask(service, answered, conversation)).steps[0].status == "ok"
        assert (await ask(service, WORK, conversation)).handoff is None, "not what was answered"
    assert cues.seen[0] == (WORK, {"human.txt": "document"})


async def test_a_hand_over_that_is_over_can_not_be_used(tmp_path: Path) -> None:
    async with served(tmp_path) as service, client_of(service) as client:
        conversation, handoff_id = await handed_over(service)
        url = f"/v1/handoffs/{handoff_id}"
        statuses = [
            answer.status_code
            for answer in await asyncio.gather(*(client.post(f"{url}/resume") for _ in range(3)))
        ]
        assert sorted(statuses) == [200, 409, 409]
        refused = await client.post(f"{url}/replies", json={"text": "late"})
        assert refused.status_code == 409
        assert refused.json()["error"]["code"] == "conflict"
        assert [role for role, _ in await said(service, conversation)] == [
            "user", "assistant", "assistant",
        ]  # fmt: skip


BAD_REQUESTS: tuple[tuple[str, str, Any, int], ...] = (
    ("GET", "/v1/handoffs/handoff_0", None, 404),
    ("GET", "/v1/handoffs/..%2f..%2fetc", None, 404),
    ("GET", f"/v1/handoffs/{'x' * 65}", None, 400),
    ("POST", "/v1/handoffs/handoff_0/replies", {"text": "x"}, 404),
    ("POST", "/v1/handoffs/handoff_0/resume", None, 404),
    ("POST", "/v1/handoffs/handoff_0/replies", {"text": ""}, 400),
    ("POST", "/v1/handoffs/handoff_0/replies", {"text": " \u200b\u0000"}, 400),
    ("POST", "/v1/handoffs/handoff_0/replies", {"text": "x" * 20_001}, 400),
    ("POST", "/v1/handoffs/handoff_0/replies", {"text": "x", "role": "user"}, 400),
    ("GET", "/v1/handoffs?state=paused", None, 400),
    ("GET", "/v1/handoffs?limit=0", None, 400),
    ("GET", "/v1/handoffs?limit=1000000", None, 400),
    ("GET", "/v1/handoffs?after=handoff_0", None, 404),
    ("DELETE", "/v1/handoffs/handoff_0", None, 405),
)


async def test_bad_requests(tmp_path: Path) -> None:
    async with served(tmp_path) as service, client_of(service) as client:
        for method, path, body, status in BAD_REQUESTS:
            answer = await client.request(method, path, json=body)
            assert answer.status_code == status, (method, path, answer.text)
            assert answer.json()["error"]["message"]


async def test_the_list_is_paged(tmp_path: Path) -> None:
    async with served(tmp_path) as service, client_of(service) as client:
        ids = [(await handed_over(service))[1] for _ in range(3)]
        await service.resume(ids[0])
        page = (await client.get("/v1/handoffs?limit=2")).json()
        assert [handoff["id"] for handoff in page["data"]] == ids[:2]
        assert page["has_more"]
        rest = (await client.get(f"/v1/handoffs?limit=2&after={page['last_id']}")).json()
        assert [handoff["id"] for handoff in rest["data"]] == ids[2:]
        assert not rest["has_more"]
        still_open = (await client.get("/v1/handoffs?state=open")).json()["data"]
        assert [handoff["id"] for handoff in still_open] == ids[1:]


async def test_operators_answer_and_others_do_not(tmp_path: Path) -> None:
    async with served(tmp_path, host="0.0.0.0") as service:
        customer = await service.keys.create("shop")
        operator = await service.keys.create("desk", operator=True)
        key = await service.keys.verify(customer)
        assert key is not None
        conversation = await service.conversations.create(key.id)
        outcome = await ask(service, HUMAN, conversation, owner=key.id)
        assert outcome.handoff is not None
        url = f"/v1/handoffs/{outcome.handoff.id}"
        async with client_of(service, headers={"Authorization": f"Bearer {customer}"}) as client:
            for method, path in (
                ("GET", "/v1/handoffs"), ("GET", url), ("POST", f"{url}/resume"),
                ("POST", f"{url}/replies"),
            ):  # fmt: skip
                refused = await client.request(method, path, json={"text": "x"})
                assert refused.status_code == 403, path
                assert "operator" in refused.json()["error"]["message"]
        async with client_of(service, headers={"Authorization": f"Bearer {operator}"}) as client:
            assert (await client.post(f"{url}/replies", json={"text": "Hi."})).status_code == 201
            assert (await client.get(url)).json()["messages"][-1]["content"] == "Hi."
            theirs = await client.get(f"/v1/conversations/{conversation}")
            assert theirs.status_code == 404, "an operator sees what was handed over, no more"
        messages = await service.conversations.messages(conversation, key.id)
        assert messages[-1].role == "person"


async def test_others_can_not_write_into_it(tmp_path: Path) -> None:
    async with served(tmp_path) as service:
        conversation, _ = await handed_over(service)
        with pytest.raises(NotFound):
            await ask(service, "Let me in", conversation, owner="key_other")
        assert len(await said(service, conversation)) == 2


async def test_a_conversation_is_handed_over_once_at_a_time(tmp_path: Path) -> None:
    async with served(tmp_path) as service:
        conversation = await service.conversations.create("local")
        await asyncio.gather(*(ask(service, HUMAN, conversation) for _ in range(4)))
        assert len(await service.handoffs.list("open")) == 1


async def test_a_deleted_conversation_takes_its_hand_over_along(tmp_path: Path) -> None:
    async with served(tmp_path) as service, client_of(service) as client:
        conversation, handoff_id = await handed_over(service)
        await service.conversations.delete(conversation, "local")
        assert (await client.get("/v1/handoffs")).json()["data"] == []
        assert (await client.post(f"/v1/handoffs/{handoff_id}/resume")).status_code == 404


async def test_a_task_in_a_conversation_is_handed_over_and_given_back(tmp_path: Path) -> None:
    async with served(tmp_path) as service, client_of(service) as client:
        conversation = await service.conversations.create("local")
        made = await client.post("/v1/tasks", json={"request": HUMAN, "conversation": conversation})
        async with client.stream("GET", f"/v1/tasks/{made.json()['id']}/events") as events:
            async with asyncio.timeout(20):
                async for _ in events.aiter_lines():
                    continue
        (handoff,) = await service.handoffs.list("open")
        assert (await client.post(f"/v1/handoffs/{handoff.id}/resume")).status_code == 200
        assert (await said(service, conversation))[-1] == ("assistant", told("back", "en"))


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SWITCHBOARD_HOME", str(tmp_path / "home"))
    get_settings.cache_clear()
    with small_parts(sign=Cues()):
        yield
    get_settings.cache_clear()


def run(*args: str) -> Result:
    return CliRunner().invoke(app, list(args), prog_name="switchboard")


def test_the_commands_answer_and_give_back(commands: None) -> None:
    asked = run("ask", HUMAN)
    assert asked.exit_code == 0, asked.stderr
    assert told("human_requested", "en") in asked.stdout
    (handoff,) = json.loads(run("handoffs", "list", "--json").stdout)
    assert handoff["id"] in run("handoffs", "list").stdout
    replied = run("handoffs", "reply", handoff["id"], "I am", "looking", "into it.")
    assert replied.exit_code == 0, replied.stderr
    shown = run("handoffs", "show", handoff["id"]).stdout
    assert HUMAN in shown
    assert "I am looking into it." in shown
    waiting = json.loads(run("ask", "--json", "--conversation", "last", WORK).stdout)
    assert waiting["handoff"]["state"] == "open"
    assert run("handoffs", "resume", handoff["id"]).exit_code == 0
    assert json.loads(run("handoffs", "list", "--json").stdout) == []
    over = json.loads(run("handoffs", "list", "--all", "--json").stdout)
    assert [handoff["state"] for handoff in over] == ["resumed"]
    assert "HELLO" in run("ask", "--conversation", "last", WORK).stdout


@pytest.mark.parametrize(
    "args",
    [
        ("reply", "handoff_0", "hello"),
        ("resume", "handoff_0"),
        ("show", "../x"),
        ("reply", "handoff_0", " "),
    ],
)
def test_a_command_that_can_not_be_says_so_in_a_line(commands: None, args: tuple[str, ...]) -> None:
    failed = run("handoffs", *args)
    assert failed.exit_code == 2
    assert len(failed.stderr.strip().splitlines()) == 1
    assert "Traceback" not in failed.stderr
