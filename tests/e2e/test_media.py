"""Pictures, sound, the microphone and timelines on the chat page, in Chromium."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.e2e.chat_page import PATIENCE_MS, ChatPage
from tests.e2e.scripted import BOX
from tests.media_files import picture, sound
from tools.drawing import group_colour

pytestmark = [
    pytest.mark.browser,
    # From the statistics that Gradio 6.31 makes of its queue.
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning"),
]

SIZE = (320, 240)
PIXEL = """async (image, [x, y]) => {
    await image.decode();
    const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const place = [x * image.naturalWidth, y * image.naturalHeight - 1].map(Math.floor);
    return [...context.getImageData(...place, 1, 1).data.slice(0, 3)];
}"""
LOADED = """async player => {
    if (player.readyState < 1) {
        await new Promise(done => player.addEventListener("loadedmetadata", done));
    }
    return player.duration;
}"""


def expect_box(image: Locator) -> None:
    """The picture is shown, and the box is on it: its lower edge has the label's colour."""
    expect(image).to_be_visible(timeout=PATIENCE_MS)
    left, _, right, bottom = BOX
    # A small picture is drawn larger, so that its labels can be read.
    middle = [(left + right) / 2 / SIZE[0], bottom / SIZE[1]]
    assert tuple(image.evaluate(PIXEL, middle)) == tuple(group_colour("dog"))


def test_boxes_are_seen_on_a_picture(chat: ChatPage, tmp_path: Path) -> None:
    photo = tmp_path / "garden.png"
    photo.write_bytes(picture(*SIZE))
    chat.attach(photo)
    answer = chat.ask("What is in this picture?")
    expect(answer).to_contain_text("There is one dog.")
    expect_box(answer.locator(".media img"))
    sent = chat.page.locator(".request .attached img")
    assert sent.evaluate("async image => (await image.decode(), image.naturalWidth)") == SIZE[0]

    chat.reload()
    expect_box(chat.answers.last.locator(".media img"))
    expect(chat.page.locator(".request .attached img")).to_be_visible()
    assert chat.hosts == {"127.0.0.1"}
    assert chat.errors == []


def test_sound_is_played(chat: ChatPage) -> None:
    player = chat.ask("Please say it").locator(".media audio")
    assert 0.4 < player.evaluate(LOADED) < 0.7
    saved = chat.answers.last.locator(".media a")
    assert saved.get_attribute("download") == "speech.mp3"


def test_a_videos_timeline_is_drawn(chat: ChatPage) -> None:
    answer = chat.ask("What happens in the clip?")
    lanes = answer.locator(".timeline .bars")
    expect(lanes).to_have_count(4)
    whole, seen = lanes.nth(1).bounding_box(), answer.locator(".bar.seen").bounding_box()
    assert whole is not None
    assert seen is not None
    assert abs((seen["x"] - whole["x"]) / whole["width"] - 0.25) < 0.02
    assert abs(seen["width"] / whole["width"] - 0.5) < 0.02
    assert seen["height"] > 8


def test_an_answer_is_read_aloud(chat: ChatPage) -> None:
    asked: list[Any] = []

    def speak(route: Route) -> None:
        asked.append(route.request.post_data_json)
        route.fulfill(content_type="audio/mpeg", body=sound("mp3", "libmp3lame", 30.0))

    chat.page.route("**/v1/audio/speech", speak)
    answer = chat.ask("How long do I have to send a laptop back?")
    button = answer.get_by_role("button", name="Read aloud")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    (words,) = (body["input"] for body in asked)
    assert words.startswith("You have 30 days from delivery to send a laptop back;")
    assert words.rstrip().endswith("3 years for new laptops .")


def test_why_an_answer_is_not_read_aloud(chat: ChatPage) -> None:
    refused = {"error": {"message": "There is no voice for Klingon."}}
    chat.page.route("**/v1/audio/speech", lambda route: route.fulfill(status=422, json=refused))
    answer = chat.ask("How long do I have to send a laptop back?")
    button = answer.get_by_role("button", name="Read aloud")
    button.click()
    expect(answer.get_by_role("alert")).to_have_text("There is no voice for Klingon.")
    expect(button).to_have_attribute("aria-pressed", "false")
