"""The chat page in Chromium, with an agent that follows a script."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from orchestrator.errors import DatabaseUnavailable
from tests.e2e.chat_page import PATIENCE_MS, ChatPage, served
from tests.e2e.scripted import PERIOD, ScriptedService, scripted_app

pytestmark = [
    pytest.mark.browser,
    # From the statistics that Gradio 6.31 makes of its queue.
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning"),
]

LAPTOP = "How long do I have to send a laptop back?"


STORED_THUMB = """async ([conversation, value]) => {
    const stored = await (await fetch(`v1/conversations/${conversation}`)).json();
    return stored.messages.some(message => message.rating === value);
}"""


def ratings(service: ScriptedService, chat: ChatPage) -> list[int | None]:
    """The stored thumbs of the conversation's answers."""
    assert chat.conversation
    kept = service.do(service.conversations.messages(chat.conversation, "local"))
    return [message.rating for message in kept if message.role == "assistant"]


def test_an_answer_with_its_steps_and_sources(chat: ChatPage) -> None:
    answer = chat.ask(LAPTOP)
    expect(answer).to_contain_text("30 days from delivery")
    expect(chat.thoughts).to_have_count(1)
    expect(chat.thoughts).to_contain_text("1 step · 1.4 s")

    chat.unfold("1 step")
    expect(chat.thoughts.first).to_contain_text("97 % sure")
    chat.unfold("answer_question")
    expect(chat.thoughts.first).to_contain_text("Confidence 93 %")
    expect(chat.thoughts.first).to_contain_text("How long you have to return a laptop")

    passage = answer.locator("details.passage").first
    expect(passage.locator("blockquote")).to_be_hidden()
    answer.locator("button.mark").first.click()
    expect(passage.locator("blockquote")).to_be_visible()
    expect(passage.locator("blockquote")).to_contain_text(PERIOD.replace("*", ""))
    assert chat.hosts == {"127.0.0.1"}
    assert chat.errors == []


def test_sources_open_by_key(chat: ChatPage) -> None:
    answer = chat.ask(LAPTOP)
    summary = answer.locator("details.passage summary").nth(1)
    summary.focus()
    summary.press("Enter")
    expect(answer.locator("blockquote").nth(1)).to_be_visible()


def test_examples_can_be_clicked(chat: ChatPage) -> None:
    chat.page.locator("#chat .example", has_text=LAPTOP).click()
    expect(chat.answers).to_contain_text("30 days from delivery", timeout=PATIENCE_MS)
    expect(chat.box).to_have_value("")


def test_a_conversation_is_found_again(chat: ChatPage) -> None:
    chat.ask(LAPTOP)
    chat.ask("Maria Silva flew to Paris")
    first = chat.conversation
    assert first
    shown = chat.answers.all_inner_texts()
    chat.reload()
    expect(chat.answers).to_have_count(2)
    assert chat.answers.all_inner_texts() == shown
    expect(chat.thoughts).to_have_count(2)
    assert chat.conversation == first

    chat.open_side_bar()
    chat.page.locator("#new").click()
    expect(chat.answers).to_have_count(0)
    chat.page.wait_for_function("!location.search.includes('conversation')")
    chat.ask("שלום בעברית")
    assert chat.conversation not in (None, first)

    chat.listed(first).click()
    expect(chat.answers).to_have_count(2)
    chat.page.wait_for_function("id => location.search.includes(id)", arg=first)
    expect(chat.page.locator("#listed a[aria-current]")).to_have_text(LAPTOP)


def test_an_unknown_conversation_gives_a_new_one(chat: ChatPage) -> None:
    chat.open("?conversation=conv_nothing")
    expect(chat.page.get_by_text("not here any more")).to_be_visible()
    chat.ask(LAPTOP)
    assert chat.conversation != "conv_nothing"


def test_it_streams_and_shows_running_steps(chat: ChatPage, service: ScriptedService) -> None:
    chat.say("please wait")
    expect(chat.answers).to_have_text(re.compile("^You have"), timeout=PATIENCE_MS)
    expect(chat.thoughts.first).to_contain_text("running, 45%")
    expect(chat.finished).to_have_count(0)
    service.go_on()
    chat.wait()
    expect(chat.answers).to_contain_text("3 years for new laptops")
    expect(chat.thoughts).to_have_count(1)


def test_stopping_cancels_the_work(chat: ChatPage, service: ScriptedService) -> None:
    service.hold()
    chat.say("wait until I stop")
    expect(chat.answers).to_have_text(re.compile("^You have"), timeout=PATIENCE_MS)
    chat.stop_button.click()
    chat.wait()
    assert service.cancelled.get(timeout=30) == "wait until I stop"
    expect(chat.page.get_by_text("You stopped this request.")).to_be_visible()
    expect(chat.thoughts.first).to_contain_text("Stopped")
    expect(chat.ask(LAPTOP)).to_contain_text("30 days from delivery")


def test_opening_another_conversation_ends_the_request_that_runs(
    chat: ChatPage, service: ScriptedService
) -> None:
    chat.ask(LAPTOP)
    first = chat.conversation
    chat.open_side_bar()
    chat.page.locator("#new").click()
    expect(chat.answers).to_have_count(0)
    service.hold()
    chat.say("wait, I look at something else")
    expect(chat.answers).to_have_text(re.compile("^You have"), timeout=PATIENCE_MS)
    expect(chat.thoughts.first).to_contain_text("running, 45%")
    chat.listed(first).click()
    expect(chat.answers).to_contain_text("3 years for new laptops")
    assert service.cancelled.get(timeout=30) == "wait, I look at something else"
    chat.wait()
    expect(chat.answers).to_have_count(1)
    assert chat.conversation == first


def test_of_two_quick_clicks_the_last_one_counts(chat: ChatPage) -> None:
    chat.ask("Maria Silva flew to Paris")
    first = chat.conversation
    chat.open_side_bar()
    chat.page.locator("#new").click()
    expect(chat.answers).to_have_count(0)
    chat.ask(LAPTOP)
    second = chat.conversation
    expect(chat.listed(second)).to_have_attribute("aria-current", "page")
    both = "ids => ids.forEach(id => document.querySelector(`[data-conversation=${id}]`).click())"
    chat.page.evaluate(both, [second, first])
    chat.page.wait_for_function("id => location.search.includes(id)", arg=first)
    expect(chat.answers).to_contain_text("Maria Silva")
    chat.page.evaluate(both, [second, first, second])
    expect(chat.answers).to_contain_text("3 years for new laptops")
    chat.page.wait_for_function("id => location.search.includes(id)", arg=second)


def test_closing_the_tab_cancels_the_work(
    browser: Browser, address: str, service: ScriptedService
) -> None:
    service.hold()
    chat = ChatPage(browser, address).open()
    chat.say("wait, I am going")
    expect(chat.answers).to_have_count(1, timeout=PATIENCE_MS)
    chat.close()
    assert service.cancelled.get(timeout=60) == "wait, I am going"


def test_thumbs_are_kept(chat: ChatPage, service: ScriptedService) -> None:
    chat.ask(LAPTOP)
    chat.ask("Maria Silva flew to Paris")
    chat.say("break it")
    expect(chat.page.get_by_role("alert")).to_be_visible()
    chat.wait()
    chat.ask(LAPTOP)
    chat.thumb("Dislike", 0).click()
    chat.thumb("Like", 2).click()
    assert chat.thumbs() == ["Dislike", "", "Like"]
    chat.reload()
    expect(chat.answers).to_have_count(3)
    assert chat.thumbs() == ["Dislike", "", "Like"]
    assert ratings(service, chat) == [-1, None, 1]


def test_a_thumb_outlives_its_tab(browser: Browser, address: str, service: ScriptedService) -> None:
    chat = ChatPage(browser, address).open()
    chat.ask(LAPTOP)
    chat.thumb("Like", 0).click()
    chat.thumb("Dislike", 0).click()
    assert chat.thumbs() == ["Dislike"]
    conversation = chat.conversation
    chat.page.close()
    again = ChatPage(browser, address).open(f"?conversation={conversation}")
    # What the closed tab sent last may come after the page that was opened in its place.
    again.page.wait_for_function(STORED_THUMB, arg=[conversation, -1])
    assert ratings(service, again) == [-1]
    for page in (chat, again):
        page.close()


def test_a_thumb_that_was_not_stored_is_not_shown(chat: ChatPage) -> None:
    chat.ask(LAPTOP)
    chat.page.route("**/feedback", lambda route: route.abort())
    chat.thumb("Like", 0).click()
    expect(chat.thumb("Like", 0)).to_have_attribute("aria-pressed", "false")


@pytest.mark.parametrize("reloaded", [False, True])
def test_hostile_text_does_nothing(chat: ChatPage, reloaded: bool) -> None:
    chat.ask("hostile <img src=http://evil.example/q.png onerror='broken=1'>")
    if reloaded:
        chat.reload()
    chat.unfold("1 step")
    chat.unfold("translate_text")
    for summary in chat.page.locator("#chat summary").all():
        summary.click()
    expect(chat.page.locator("#chat blockquote")).to_contain_text("<script>")
    assert chat.page.evaluate("typeof window.broken") == "undefined"
    live = chat.page.locator("#chat .md :is(script, img, iframe, style, a[href])")
    assert [e.evaluate("e => e.outerHTML") for e in live.all()] == []
    assert chat.page.locator("#listed :is(script, img)").count() == 0
    assert chat.hosts == {"127.0.0.1"}


def test_the_browser_refuses_other_hosts(chat: ChatPage) -> None:
    heard = "addEventListener('securitypolicyviolation', e => done(e.blockedURI))"
    tried = f"new Promise(done => {{ {heard}; new Image().src = 'http://127.0.0.2:9/a.png' }})"
    assert chat.page.evaluate(tried) == "http://127.0.0.2:9/a.png"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("break it", "The language model does not answer just now. Try again."),
        ("crash it", "Something went wrong inside the service."),
    ],
)
def test_an_error_is_a_sentence(chat: ChatPage, words: str, said: str) -> None:
    chat.say(words)
    expect(chat.page.get_by_role("alert")).to_contain_text(said, timeout=PATIENCE_MS)
    chat.wait()
    body = chat.page.locator("body").inner_text()
    assert "Traceback" not in body
    assert "/srv" not in body
    expect(chat.ask(LAPTOP)).to_contain_text("30 days from delivery")


def test_a_failing_list_is_told_and_the_answer_stays(
    chat: ChatPage, service: ScriptedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unavailable(owner: str) -> None:
        raise DatabaseUnavailable("The database does not answer; try again.")

    monkeypatch.setattr(service.conversations, "list", unavailable)
    expect(chat.ask(LAPTOP)).to_contain_text("30 days from delivery")
    expect(chat.page.get_by_text("The database does not answer; try again.")).to_be_visible()


def test_files_of_the_server_are_not_served(chat: ChatPage, service: ScriptedService) -> None:
    secret = service.home / "secret.txt"
    secret.write_text("secret")
    project = Path(__file__).parents[2] / "pyproject.toml"
    for path in (secret, project, Path("/etc/passwd"), service.home / "switchboard.db"):
        got = chat.context.request.get(f"{chat.address}/gradio_api/file={path}")
        assert got.status in (403, 404), path


def test_a_file_reaches_the_agent(chat: ChatPage, service: ScriptedService, notes: Path) -> None:
    chat.attach(notes)
    expect(chat.ask("Read this")).to_contain_text("notes.md (document, 24 bytes)")
    (artifact,) = service.turns[-1].attachments
    with service.artifacts.open(artifact.id) as file:
        assert file.read() == notes.read_bytes()
    expect(chat.page.locator(".request .file")).to_have_text("notes.md")
    chat.reload()
    expect(chat.page.locator(".request .file")).to_have_text("notes.md")


def test_a_file_alone_is_a_request(chat: ChatPage, notes: Path) -> None:
    chat.attach(notes)
    expect(chat.ask("")).to_contain_text("notes.md")


def test_a_file_that_is_not_what_it_says_is_refused(chat: ChatPage, tmp_path: Path) -> None:
    false = tmp_path / "contract.pdf"
    false.write_bytes(b"PK\x03\x04 no PDF")
    chat.attach(false)
    chat.say("Read this")
    expect(chat.page.get_by_role("alert")).to_contain_text("contract.pdf", timeout=PATIENCE_MS)


def test_nothing_said_is_no_request(chat: ChatPage, service: ScriptedService) -> None:
    before = len(service.turns)
    chat.say("   ")
    expect(chat.page.get_by_text("Write or say what you want.")).to_be_visible()
    chat.ask(LAPTOP)
    assert [turn.text for turn in service.turns[before:]] == [LAPTOP]


def test_right_to_left_text_runs_so(chat: ChatPage) -> None:
    answer = chat.ask("שלום בעברית")

    def direction(index: int) -> str:
        return str(answer.locator("p").nth(index).evaluate("p => getComputedStyle(p).direction"))

    assert (direction(0), direction(1)) == ("rtl", "ltr")


def _fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_it_fits_a_narrow_screen(browser: Browser, address: str) -> None:
    chat = ChatPage(browser, address, viewport={"width": 360, "height": 700}).open()
    assert _fits(chat.page)
    chat.ask("Maria Silva flew to Paris")
    chat.unfold("3 steps, 1 failed")
    chat.unfold("extract_entities")
    assert _fits(chat.page)
    expect(chat.box).to_be_in_viewport()
    chat.open_side_bar()
    expect(chat.page.locator("#listed a").first).to_be_in_viewport()
    chat.close()


def test_the_api_stays_beside_the_page(chat: ChatPage) -> None:
    get = chat.context.request.get
    assert "text/html" in get(f"{chat.address}/").headers["content-type"]
    assert get(f"{chat.address}/healthz").ok
    assert get(f"{chat.address}/docs").ok
    assert chat.context.request.head(f"{chat.address}/healthz").ok
    for path in ("/v1/nothing", "/metrics"):  # an address of the API, and one of the page
        missing = get(f"{chat.address}{path}")
        assert missing.status == 404
        assert missing.json()["error"]["code"] == "unknown_route"


def test_an_open_page_does_not_hold_up_the_end(browser: Browser, tmp_path: Path) -> None:
    with served(scripted_app(ScriptedService(tmp_path))) as address:
        chat = ChatPage(browser, address).open()
        chat.ask(LAPTOP)
    chat.close()


def test_off_loopback_the_page_asks_for_a_key(browser: Browser, tmp_path: Path) -> None:
    service = ScriptedService(tmp_path, host="0.0.0.0")
    with served(scripted_app(service)) as address:
        key = service.do(service.keys.create("browser"))
        stranger = browser.new_context()
        for path in ("/", "/config", "/gradio_api/info", "/assets/index.js"):
            assert stranger.request.get(address + path).status == 401
        assert stranger.request.post(address + "/gradio_api/upload").status == 401
        stranger.close()
        login = {"username": "me", "password": key}
        chat = ChatPage(browser, address, http_credentials=login).open()
        chat.ask(LAPTOP)
        assert service.turns[-1].owner.startswith("key_")
        chat.thumb("Like", 0).click()
        chat.reload()
        expect(chat.answers).to_have_count(1)
        assert chat.thumbs() == ["Like"]
        chat.close()
