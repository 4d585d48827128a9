"""A conversation that a person has taken over, as the customer's page shows it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.e2e.chat_page import PATIENCE_MS, ChatPage, served
from tests.e2e.scripted import HOSTILE, ScriptedService, scripted_app

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
    chat.listed(conversation).click()
    expect(chat.banner).to_be_visible()


def test_the_page_stays_open_over_a_restart(browser: Browser, tmp_path: Path) -> None:
    with served(scripted_app(ScriptedService(tmp_path))) as address:
        chat = ChatPage(browser, address).open()
        conversation = ask_for_a_person(chat)
        chat.box.fill("What I am about to say")
    with chat.page.expect_event("requestfailed", lambda request: request.url.endswith("/state")):
        pass
    service = ScriptedService(tmp_path)
    with served(scripted_app(service), port=urlsplit(address).port or 0):
        reply(service, conversation, "Are you still there?")
        expect(said_by_a_person(chat)).to_contain_text("still there", timeout=PATIENCE_MS)
        expect(chat.box).to_have_value("What I am about to say")
        chat.box.press("Enter")
        expect(chat.page.locator(".request")).to_have_count(2)
        chat.wait()
        give_back(service, conversation)
        expect(chat.page.get_by_text(GIVEN_BACK)).to_be_visible(timeout=PATIENCE_MS)
    chat.close()
