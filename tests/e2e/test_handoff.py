"""A conversation that a person has taken over, as the customer's page shows it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from queue import Queue
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from playwright.sync_api import APIResponse, Browser, Locator, expect

from orchestrator.api.app import create_app
from orchestrator.errors import DatabaseUnavailable
from orchestrator.page import mount_page
from orchestrator.signs import Sign
from tests.e2e.chat_page import PATIENCE_MS, ChatPage, served
from tests.e2e.scripted import HOSTILE, ScriptedService
from tests.faults.small_service import plan_of, small_service
from tools.contracts import Kind

pytestmark = [
    pytest.mark.browser,
    # From the statistics that Gradio 6.31 makes of its queue.
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning"),
]

WANTED = "I want to talk to a human"
GIVEN_BACK = "The assistant is back."


def ask_for_a_person(chat: ChatPage) -> str:
    """The conversation that is handed over."""
    chat.say(WANTED)
    expect(chat.banner).to_contain_text("A person is going to answer here", timeout=PATIENCE_MS)
    chat.wait()
    assert chat.conversation
    return chat.conversation


def reply(service: ScriptedService, conversation: str, words: str) -> None:
    service.do(service.conversations.append(conversation, "person", words))


def give_back(service: ScriptedService, conversation: str) -> None:
    handoff = service.do(service.handoffs.open_for(conversation))
    assert handoff is not None
    service.do(service.conversations.append(conversation, "assistant", GIVEN_BACK))
    service.do(service.handoffs.resume(handoff.id))


def said_by_a_person(chat: ChatPage) -> Locator:
    return chat.page.locator("#chat .person")


def test_a_person_answers_on_the_open_page(chat: ChatPage, service: ScriptedService) -> None:
    conversation = ask_for_a_person(chat)
    expect(chat.page.locator("#chat .notice")).to_contain_text("handing this conversation over")
    reply(service, conversation, "Hello, this is **Ada**.")
    expect(said_by_a_person(chat)).to_have_text("SupportHello, this is Ada.", timeout=PATIENCE_MS)
    expect(chat.banner).to_contain_text("You are talking with a person")

    chat.say("My parcel is lost")
    chat.wait()
    reply(service, conversation, "I am sending another.")
    expect(said_by_a_person(chat)).to_have_count(2, timeout=PATIENCE_MS)
    expect(chat.page.locator(".request")).to_have_count(2)
    expect(chat.page.locator("#chat .thumb")).to_have_count(0)

    give_back(service, conversation)
    expect(chat.page.get_by_text(GIVEN_BACK)).to_be_visible(timeout=PATIENCE_MS)
    expect(chat.banner).to_have_count(0)
    expect(chat.ask("How long do I have to send a laptop back?")).to_contain_text("30 days")
    chat.reload()
    expect(said_by_a_person(chat)).to_have_count(2)
    assert chat.errors == []


def test_every_tab_shows_the_same(
    chat: ChatPage, browser: Browser, service: ScriptedService
) -> None:
    chat.ask("How long do I have to send a laptop back?")
    query = f"?conversation={chat.conversation}"
    beside = ChatPage(chat.context, chat.address).open(query)
    conversation = ask_for_a_person(chat)
    expect(beside.banner).to_be_visible()
    elsewhere = ChatPage(browser, chat.address).open(query)
    expect(elsewhere.banner).to_be_visible()
    reply(service, conversation, "Hello, this is Ada.")
    for page in (chat, beside, elsewhere):
        expect(said_by_a_person(page)).to_have_count(1, timeout=PATIENCE_MS)
        expect(page.page.locator(".request")).to_have_count(2)
    give_back(service, conversation)
    for page in (chat, beside, elsewhere):
        expect(page.banner).to_have_count(0, timeout=PATIENCE_MS)
    elsewhere.close()


def test_it_looks_again_where_the_database_does_not_answer(
    chat: ChatPage, service: ScriptedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = ask_for_a_person(chat)
    asked = Queue[str]()

    async def unavailable(conversation_id: str, *_: Any) -> None:
        asked.put(conversation_id)
        raise DatabaseUnavailable("The database does not answer; try again.")

    with monkeypatch.context() as patched:
        patched.setattr(service.conversations, "messages", unavailable)
        reply(service, conversation, "Hello, this is Ada.")
        for _ in range(2):
            assert asked.get(timeout=30) == conversation
    expect(said_by_a_person(chat)).to_have_count(1, timeout=PATIENCE_MS)
    expect(chat.page.locator(".request")).to_have_count(1)


def test_what_a_person_says_does_nothing(chat: ChatPage, service: ScriptedService) -> None:
    conversation = ask_for_a_person(chat)
    reply(service, conversation, HOSTILE)
    expect(said_by_a_person(chat)).to_contain_text("<script>", timeout=PATIENCE_MS)
    assert chat.page.evaluate("typeof window.broken") == "undefined"
    live = chat.page.locator("#chat .md :is(script, img, iframe, style, a[href])")
    assert [e.evaluate("e => e.outerHTML") for e in live.all()] == []
    assert chat.hosts == {"127.0.0.1"}


def test_the_page_asks_only_while_a_person_has_the_conversation(
    chat: ChatPage, service: ScriptedService
) -> None:
    asked: list[str] = []
    chat.page.on("request", lambda request: asked.append(request.url))

    def looks() -> int:
        return sum(url.endswith("/state") for url in asked)

    chat.ask("How long do I have to send a laptop back?")
    assert looks() == 0
    conversation = ask_for_a_person(chat)
    with chat.page.expect_response("**/state"), chat.page.expect_response("**/state"):
        pass
    chat.open_side_bar()
    chat.page.locator("#new").click()
    expect(chat.banner).to_have_count(0)
    before = looks()
    chat.ask("How long do I have to send a laptop back?")
    chat.ask("Maria Silva flew to Paris")
    assert looks() == before

    # What is left behind to be finished does not end it.
    service.hold()
    chat.say("please wait")
    expect(chat.answers).to_have_count(3, timeout=PATIENCE_MS)
    chat.listed(conversation).click()
    expect(chat.banner).to_be_visible()
    reply(service, conversation, "Hello, this is Ada.")
    expect(said_by_a_person(chat)).to_have_count(1, timeout=PATIENCE_MS)
    expect(chat.banner).to_be_visible()


async def wants_a_person(request: str, _kinds: Mapping[str, Kind]) -> Sign | None:
    return Sign("human_requested", 1.0) if request == WANTED else None


@asynccontextmanager
async def small_app(home: Path) -> AsyncIterator[FastAPI]:
    """The real service on small models, and its page."""
    async with small_service(home, sign=wants_a_person) as service:
        yield mount_page(create_app(service), service)


class Operator:
    """The person who answers, over HTTP."""

    def __init__(self, chat: ChatPage) -> None:
        self._chat = chat

    def handoff(self) -> str:
        (handoff,) = self._data(self._chat.context.request.get(self._url("?state=open")))["data"]
        return str(handoff["id"])

    def reply(self, handoff: str, words: str) -> None:
        post = self._chat.context.request.post
        self._data(post(self._url(f"/{handoff}/replies"), data={"text": words}))

    def give_back(self, handoff: str) -> None:
        self._data(self._chat.context.request.post(self._url(f"/{handoff}/resume")))

    def last_message(self) -> str:
        path = f"{self._chat.address}/v1/conversations/{self._chat.conversation}/state"
        return str(self._data(self._chat.context.request.get(path))["last_message"])

    def _url(self, rest: str) -> str:
        return f"{self._chat.address}/v1/handoffs{rest}"

    @staticmethod
    def _data(response: APIResponse) -> Any:
        assert response.ok, response.text()
        return response.json()


def test_the_real_service_over_a_restart(browser: Browser, tmp_path: Path) -> None:
    with served(small_app(tmp_path)) as address:
        chat = ChatPage(browser, address).open()
        operator = Operator(chat)
        ask_for_a_person(chat)
        handoff = operator.handoff()
        operator.reply(handoff, "Hello, this is **Ada**.")
        expect(said_by_a_person(chat)).to_have_count(1, timeout=PATIENCE_MS)
        chat.say("My parcel is lost")
        expect(chat.page.locator(".request")).to_have_count(2)
        chat.wait()
        # All that the page asked for has come: what is lost on its way makes Gradio load it anew.
        expect(chat.banner).to_have_attribute("data-last-message", operator.last_message())
        chat.box.fill("What I am about to say")
    with chat.page.expect_event("requestfailed", lambda request: request.url.endswith("/state")):
        pass
    with served(small_app(tmp_path), port=urlsplit(address).port or 0):
        assert operator.handoff() == handoff
        operator.reply(handoff, "Are you still there?")
        expect(said_by_a_person(chat).last).to_contain_text("still there", timeout=PATIENCE_MS)
        expect(chat.banner).to_be_visible()
        expect(chat.box).to_have_value("What I am about to say")
        chat.box.press("Enter")
        expect(chat.page.locator(".request")).to_have_count(3)
        chat.wait()
        operator.give_back(handoff)
        expect(chat.page.get_by_text("The assistant is back")).to_be_visible(timeout=PATIENCE_MS)
        expect(chat.banner).to_have_count(0)
        expect(chat.ask(plan_of(("shout", {"text": "thanks"})))).to_contain_text("THANKS")
        chat.reload()
        expect(said_by_a_person(chat)).to_have_count(2)
        expect(chat.page.locator(".request")).to_have_count(4)
        assert chat.errors == []
    chat.close()
