"""The chat page over the real service: router, handbook, models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, expect

from orchestrator.server import service_app
from orchestrator.settings import Settings
from tests.e2e.chat_page import PATIENCE_MS, ChatPage, served

pytestmark = [
    pytest.mark.browser,
    pytest.mark.models,
    pytest.mark.llm,
    # From the statistics that Gradio 6.31 makes of its queue.
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning"),
]

HANDBOOK = Path(__file__).parents[2] / "examples" / "shop" / "handbook"
LAPTOP = "How long do I have to send a laptop back?"
LETTER = (
    "Sum this up in three sentences: “The bakery on the corner of our street was opened in 1931 by "
    "two sisters from Riga. They baked rye bread in a wood-fired oven and delivered it by bicycle. "
    "After the war the shop went to their nephew, who bought an electric oven and began to sell "
    "cakes. In the nineties a supermarket took most of his customers, and he nearly closed. His "
    "daughter went back to the sisters' recipes, repaired the old oven and now bakes only rye "
    "bread. People queue from six in the morning, and the last loaf is gone by ten.”"
)
GROWTH = """() => {
    const before = document.querySelectorAll(".answer").length;
    const seen = [];
    new MutationObserver(() => {
        const answer = document.querySelectorAll(".answer")[before];
        const text = answer?.innerText.trim();
        if (text && text !== seen.at(-1)) seen.push(text);
    }).observe(document, { subtree: true, childList: true, characterData: true });
    return seen;
}"""
"""What the next answer looks like while it grows."""
SLOW_MS = 3 * PATIENCE_MS
"""Models load with the first request."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    with served(service_app(settings, page=True)) as address:
        yield address


def load_handbook(chat: ChatPage) -> None:
    for page in sorted((HANDBOOK / "en").glob("returns*.md")):
        content: FilePayload = {
            "name": page.name,
            "mimeType": "text/markdown",
            "buffer": page.read_bytes(),
        }
        added = chat.context.request.post(
            f"{chat.address}/v1/kb/documents", multipart={"file": content}, timeout=SLOW_MS
        )
        assert added.ok, added.text()


def test_a_question_is_answered_from_the_handbook(chat: ChatPage) -> None:
    load_handbook(chat)
    chat.patience_ms = SLOW_MS
    answer = chat.ask(LAPTOP)
    expect(answer).to_contain_text("30")

    expect(chat.thoughts.first).to_contain_text("1 step")
    passage = answer.locator("details.passage").first
    expect(passage.locator("summary")).to_contain_text("returns")
    answer.locator("button.mark").first.click()
    expect(answer.locator("blockquote:visible")).to_contain_text("30 days")

    shown = answer.inner_text()
    growth = chat.page.evaluate_handle(GROWTH)
    whole = chat.ask(LETTER).inner_text()
    first, *later = growth.json_value()
    assert later, "nothing was shown before the answer was whole"
    assert len(first) < len(whole)
    assert whole.startswith(first[:20])

    chat.reload()
    expect(chat.answers).to_have_count(2)
    assert chat.answers.first.inner_text().split("Sources")[0] == shown.split("Sources")[0]
    expect(chat.page.locator("#listed a[aria-current]")).to_have_text(LAPTOP)
    assert chat.hosts == {"127.0.0.1"}
    assert chat.errors == []
