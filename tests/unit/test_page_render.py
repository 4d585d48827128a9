"""What the chat page makes of events: inert HTML, and nothing left out."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.conversations import ConversationSummary, StoredMessage, Thumb
from orchestrator.page import render
from orchestrator.page.markup import block, prose
from orchestrator.page.results import MAX_ROWS, result, share
from orchestrator.page.turns import TurnView, outcome, stopped, stored
from orchestrator.plan import Plan, Step
from orchestrator.turn import (
    Citation,
    ErrorReport,
    Finished,
    HandoffReport,
    Outcome,
    Planned,
    Routed,
    RouteReport,
    StepChanged,
    StepProgress,
    StepReport,
    TextDelta,
    ToolScore,
)
from tools.artifacts import Artifact

INERT_TAGS = re.compile(
    "a|audio|b|blockquote|br|button|code|details|div|em|figcaption|figure|h[1-6]|hr|img|li|meter|"
    "nav|ol|p|pre|s|section|small|span|strong|summary|table|tbody|td|th|thead|tr|ul|video"
)
INERT_ATTRIBUTES = re.compile(
    "alt|aria-label|class|controls|data-conversation|data-handoff|data-last-message|dir|download|"
    "href|loading|max|min|preload|role|src|start|style|title|type|value"
)
INERT_STYLE = re.compile(r"text-align:\w+|left:[\d.]+%(;width:[\d.]+%)?")
VOID_TAGS = {"br", "hr", "img"}
HOSTILE = st.sampled_from(
    [
        "<script>alert(1)</script>",
        "<img src=http://evil.example/a.png onerror=alert(1)>",
        "![x](http://evil.example/b.png)",
        "![x][r]\n\n[r]: http://evil.example/c.png",
        "[x](http://evil.example/d)",
        "[x](javascript:alert(1))",
        '[**x**](<http://evil.example/d" onclick=\'x\'> "t")',
        "<http://evil.example/e>",
        "<style>@import url(http://evil.example/f)</style>",
        "<iframe src=//evil.example></iframe>",
        "<a href='http://evil.example'>x</a>",
        "</div></details>",
        "\n\n<div>\n\n![x](http://evil.example/g.png)",
        "```html\n\n<script>alert(1)</script>\n\n```",
        '```x" onclick="alert(1)\ny\n```',
        "| a |\n|---|\n| <img src=x> |",
        '"><svg onload=alert(1)>',
        "[1]",
        "&lt;script&gt;",
        "$$x$$",
        "\x00\u2028\u202e",
    ]
)
TEXTS = st.lists(st.one_of(st.text(max_size=30), HOSTILE), max_size=5).map("".join)


class Reading(HTMLParser):
    """What a browser would find in some HTML."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: dict[str, set[str]] = {}
        self.words = ""
        self.open: list[str] = []
        self.balanced = True
        self.feed(html)
        self.close()
        self.balanced = self.balanced and not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, set()).add(value or "")
        if tag not in VOID_TAGS:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID_TAGS:
            return
        self.balanced = self.balanced and bool(self.open) and self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def assert_inert(html: str) -> Reading:
    found = Reading(html)
    assert all(map(INERT_TAGS.fullmatch, found.tags))
    assert all(map(INERT_ATTRIBUTES.fullmatch, found.attributes))
    own = ("?conversation=", "files/")
    assert all(link.startswith(own) for link in found.attributes.get("href", ()))
    assert all(source.startswith("files/") for source in found.attributes.get("src", ()))
    assert all(map(INERT_STYLE.fullmatch, found.attributes.get("style", ())))
    assert found.balanced
    return found


def assert_whole(bubble: render.Bubble) -> None:
    """One HTML block to a Markdown reader: it begins as one, and no blank line ends it."""
    for html in (bubble["content"], bubble["metadata"].get("title", "<div ></div>")):
        assert html.startswith("<div ")
        assert html.endswith("</div>")
        assert not {"\n", "\r"} & set(html)
        assert_inert(html)


def link(artifact_id: str) -> str | None:
    """An address as links have it; files of zeros are gone."""
    return None if artifact_id == "0" * 64 else f"files/{artifact_id}?expires=1&signature=ab"


def finished(**changes: Any) -> Outcome:
    step = Step(id="s1", tool="translate_text", args={"target_language": "fr"})
    report = StepReport(id="s1", tool="translate_text", status="ok", seconds=0.82)
    base: dict[str, Any] = {
        "id": "t",
        "conversation_id": "c",
        "message_id": "msg_1",
        "answer": "Bonjour [1]",
        "plan": Plan(steps=(step,)),
        "steps": (report,),
        "route": RouteReport(path="router", confidence=0.9),
        "seconds": 1.42,
    }
    return Outcome(**{**base, **changes})


@settings(deadline=None)
@given(TEXTS)
def test_markdown_becomes_inert_html(markdown: str) -> None:
    assert_inert(prose(markdown, {1: markdown}))


@settings(deadline=None)
@given(TEXTS, st.lists(TEXTS, max_size=2))
def test_a_request_is_shown_as_it_was_written(words: str, files: list[str]) -> None:
    bubble = render.request(words, files)
    assert_whole(bubble)
    assert Reading(bubble["content"]).words.replace("\r", "") == (words + "".join(files)).replace(
        "\r", ""
    )


@settings(deadline=None)
@given(TEXTS)
def test_a_turn_made_of_hostile_text_is_inert(words: str) -> None:
    step = Step(id="s1", tool=words, args={"target_language": words, "labels": [words]})
    report = StepReport(
        id="s1",
        tool=words,
        status="failed",
        result={words: words, "rows": [{words: words}], "chips": [words], "deep": {words: [words]}},
        error=ErrorReport(code=words, message=words),
    )
    done = finished(
        answer=words,
        plan=Plan(steps=(step,)),
        steps=(report,),
        citations=(Citation(number=1, document=words, heading=words, chunk_id="c", text=words),),
        route=RouteReport(
            path="planner",
            confidence=0.5,
            shortlist=(ToolScore(tool=words, confidence=0.5),),
            resolved_request=words,
        ),
    )
    for bubble in (*outcome(done, "t", link), render.error(words), render.notice(words)):
        assert_whole(bubble)
    summary = ConversationSummary(
        id="conv_1", title=words, created_at=datetime.now(UTC), updated_at=datetime.now(UTC)
    )
    assert_inert(render.conversations([summary]))


def test_markdown_keeps_its_meaning() -> None:
    html = prose("**30 days**\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n`x<y`")
    for expected in ("<strong>30 days</strong>", "<li", "<td", "<code>x&lt;y</code>"):
        assert expected in html


def test_an_address_is_text_beside_the_words_that_linked_to_it() -> None:
    assert Reading(prose("See [the terms](https://shop.example/t) now.")).words.strip() == (
        "See the terms (https://shop.example/t) now."
    )
    assert Reading(prose("<https://shop.example>")).words.strip() == "https://shop.example"


def test_each_block_runs_in_its_own_direction() -> None:
    html = prose("שלום\n\nHello\n\n> مرحبا")
    assert html.count('<p dir="auto">') == 3
    assert '<blockquote dir="auto">' in html


def test_a_mark_is_a_button_only_where_it_is_cited() -> None:
    html = prose("One [1], two [2], and `[1]`.", {1: "Returns › Laptops"})
    assert html.count("<button") == 1
    assert 'title="Returns › Laptops"' in html
    assert "[2]" in html
    assert "<code>[1]</code>" in html


def test_a_block_has_no_line_breaks() -> None:
    assert block("x", "<pre>a\n\nb\r\n</pre>") == (
        '<div class="x" dir="auto"><pre>a&#10;&#10;b&#10;</pre></div>'
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0004, "0 ms"), (0.045, "45 ms"), (0.0996, "0.1 s"), (0.82, "0.8 s"), (9.96, "10 s")],
)
def test_durations(value: float, expected: str) -> None:
    assert render.seconds(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, "0 %"), (0.934, "93 %"), (0.9996, "99.9 %"), (0.99012, "99.0 %"), (1.0, "100 %")],
)
def test_shares_do_not_claim_certainty(value: float, expected: str) -> None:
    assert share(value) == expected


def test_whatever_a_tool_returns_is_visible() -> None:
    html = result(
        {
            "entities": [
                {"text": "Lisbon", "type": "place", "score": 0.98},
                {"text": "Paris", "source": "llm"},
            ],
            "labels": ["good", "bad"],
            "abstained": False,
            "note": None,
            "summary": "First line\nsecond line",
            "count": 3,
        }
    )
    read = assert_inert(html)
    for expected in ("Lisbon", "place", "98 %", "Paris", "llm", "good", "bad", "second line"):
        assert expected in read.words
    assert "Abstained no" in read.words
    assert "Count 3" in read.words
    assert '"score": 0.98' in read.words, "the data is there as JSON, too"


def test_a_long_table_says_what_it_leaves_out() -> None:
    rows = [{"n": n} for n in range(MAX_ROWS + 7)]
    assert f"and {7} more" in result({"rows": rows})


def test_steps_say_what_they_did_and_how_long_it_took() -> None:
    head, step, answer = outcome(finished(), "t1", link)
    assert "1 step · 1.4 s" in Reading(head["metadata"]["title"]).words
    assert head["metadata"]["status"] == "done"
    assert Reading(step["metadata"]["title"]).words == "✓ translate_text → French 0.8 s"
    assert step["metadata"]["parent_id"] == head["metadata"]["id"]
    assert answer["metadata"] == {}


def test_a_failed_step_gives_its_reason() -> None:
    error = ErrorReport(code="model_unavailable", message="The translator is being loaded.")
    report = StepReport(id="s1", tool="translate_text", status="failed", error=error)
    head, step, _ = outcome(finished(steps=(report,)), "t1", link)
    assert "1 step, 1 failed" in head["metadata"]["title"]
    assert Reading(step["metadata"]["title"]).words.startswith("✗ translate_text")
    assert "The translator is being loaded." in step["content"]


def test_a_turn_is_shown_as_it_goes() -> None:
    done = finished()
    view = TurnView("t1", 100.0, link)

    def titles(now: float) -> list[str]:
        shown = view.bubbles(now)
        return [Reading(b["metadata"]["title"]).words for b in shown if "title" in b["metadata"]]

    assert titles(100.0) == ["Reading the request"]
    view.apply(Routed(route=done.route), 100.1)
    view.apply(Planned(plan=done.plan), 100.2)
    assert titles(100.2) == ["Step 1 of 1", "○ translate_text → French waiting"]
    running = StepReport(id="s1", tool="translate_text", status="running")
    view.apply(StepChanged(step=running), 101.0)
    assert titles(104.0)[1] == "● translate_text → French running, 3 s"
    view.apply(StepProgress(id="s1", fraction=0.5), 104.0)
    assert titles(105.0)[1] == "● translate_text → French running, 50%"
    view.apply(StepChanged(step=done.steps[0]), 106.0)
    assert titles(106.0)[1] == "✓ translate_text → French 0.8 s"
    view.apply(TextDelta(text="Bon"), 106.0)
    view.apply(TextDelta(text="jour"), 106.0)
    assert "Bonjour" in view.bubbles(106.0)[-1]["content"]
    assert [b["metadata"].get("status") for b in view.bubbles(106.0)] == ["pending", "done", None]
    view.apply(Finished(outcome=done), 107.0)
    assert view.bubbles(108.0) == outcome(done, "t1", link)


def test_a_turn_that_fails_keeps_what_there_was() -> None:
    view = TurnView("t1", 0.0, link)
    view.apply(Routed(route=RouteReport(path="chat", confidence=0.9)), 0.0)
    view.apply(TextDelta(text="Half an ans"), 1.0)
    view.fail("The model stopped.")
    head, half, error = view.bubbles(2.0)
    assert head["metadata"]["status"] == "done"
    assert "Half an ans" in half["content"]
    assert "The model stopped." in error["content"]


def test_stopping_closes_what_was_pending() -> None:
    view = TurnView("t1", 0.0, link)
    done = finished()
    view.apply(Routed(route=done.route), 0.5)
    view.apply(Planned(plan=done.plan), 0.5)
    before = [render.request("Hello"), *view.bubbles(1.0)]
    after = stopped(before)
    assert before[1]["metadata"]["status"] == "pending"
    assert after[1]["metadata"]["status"] == "done"
    assert "Stopped" in after[1]["metadata"]["title"]
    assert Reading(after[2]["metadata"]["title"]).words == "– translate_text → French stopped"
    assert "You stopped this request." in after[-1]["content"]
    assert after[0] == before[0]


def message(role: Any, rating: Any = None, **more: Any) -> StoredMessage:
    now = datetime.now(UTC)
    return StoredMessage(
        id=f"msg_{role}", role=role, content="x", rating=rating, created_at=now, **more
    )


def test_a_kept_conversation_looks_as_it_did() -> None:
    file = Artifact(
        id="0" * 64, kind="document", media_type="text/csv", size=9, name="a.csv", origin="user"
    )
    kept = [
        message("user", outcome={"attachments": [file.model_dump(mode="json")]}),
        message("assistant", 1, outcome=finished(message_id=None).model_dump(mode="json")),
        message("user"),
        message("assistant"),
    ]
    shown = stored(kept, link)
    assert "a.csv" in shown[0]["content"]
    assert shown[1:4] == outcome(finished(message_id="msg_assistant"), "msg_assistant", link, 1)
    assert 'value="msg_assistant"' in shown[-1]["content"]
    assert [b["role"] for b in shown] == ["user", *["assistant"] * 3, "user", "assistant"]


def test_a_stored_answer_shows_its_thumb() -> None:
    thumbs: list[tuple[Thumb, str]] = [(1, "up"), (-1, "down")]
    for rating, kind in thumbs:
        content = render.answer("Yes.", (), "msg_1", rating)["content"]
        assert f'class="thumb {kind} given" value="msg_1"' in content
        assert content.count(" given") == 1
    assert " given" not in render.answer("Yes.", (), "msg_1")["content"]
    assert "thumb" not in render.answer("Yes.")["content"]


@settings(deadline=None)
@given(TEXTS)
def test_what_a_person_says_is_inert_and_named(words: str) -> None:
    shown = render.person(words)
    assert_inert(shown["content"])
    assert shown["content"].startswith('<div class="person" dir="auto"><p class="who">Support</p>')
    assert_inert(render.banner(words, words, words, answered=False))


def test_a_person_speaks_for_themselves_in_a_kept_conversation() -> None:
    report = HandoffReport(id="handoff_1", reason="human_requested", state="open")
    handed_over = finished(
        plan=Plan(),
        steps=(),
        answer="A person will answer.",
        route=RouteReport(path="handoff", confidence=1.0),
        handoff=report,
    )
    kept = [
        message("user"),
        message("assistant", outcome=handed_over.model_dump(mode="json")),
        message("person"),
    ]
    shown = stored(kept, link)
    assert shown == [
        render.request("x"),
        render.notice("A person will answer."),
        render.person("x"),
    ]
    passed_on = handed_over.model_copy(update={"message_id": None})
    assert outcome(passed_on, "t1", link) == []
    nobody = report.model_copy(update={"id": None, "state": "not_possible"})
    told = outcome(handed_over.model_copy(update={"handoff": nobody}), "t1", link)
    assert 'class="answer"' in told[-1]["content"]


def test_a_thumb_goes_to_the_answer_that_ended_in_a_hand_over() -> None:
    """Two unsure answers in a row: the second was an answer all the same."""
    report = HandoffReport(id="handoff_1", reason="low_confidence", state="open")
    shown = outcome(finished(handoff=report), "t1", link)
    assert 'value="msg_1"' in shown[-1]["content"]
