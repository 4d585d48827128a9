"""Products as cards on the chat page, in Chromium: seen, pressed, and pressed in vain."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.chat_page import ChatPage
from tests.e2e.scripted import ScriptedService

pytestmark = [
    pytest.mark.browser,
    # From the statistics that Gradio 6.31 makes of its queue.
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning"),
]


def test_what_is_pressed_on_a_card_reaches_the_shop(
    chat: ChatPage, service: ScriptedService
) -> None:
    answer = chat.ask("Two gifts, please")
    cards = answer.locator(".product")
    expect(cards).to_have_count(2)
    expect(cards.first).to_contain_text("9.50 €")
    shown = cards.first.locator("img")
    assert shown.evaluate("async image => (await image.decode(), image.naturalWidth)") == 64
    expect(cards.last.locator("img")).to_have_count(0)

    margins = cards.first.locator(".press").evaluate_all(
        "all => all.map(one => getComputedStyle(one).margin)"
    )
    assert margins == ["0px"] * 3, "none stands lower than the others"

    button = cards.first.get_by_text("More like this")
    button.click()
    assert service.shop.asked.pressed.get(timeout=30) == ("show1", "red mug", "like")
    expect(button).to_have_attribute("aria-pressed", "true")


def test_what_could_not_be_stored_is_not_shown_as_pressed(
    chat: ChatPage, service: ScriptedService
) -> None:
    service.shop.asked.gone = True
    try:
        answer = chat.ask("Two gifts, please")
        button = answer.locator(".product").last.get_by_text("Not for me")
        with chat.page.expect_response("**/v1/recommend/feedback"):
            button.click()
        expect(button).to_have_attribute("aria-pressed", "false")
    finally:
        service.shop.asked.gone = False
