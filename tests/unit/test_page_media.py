"""Pictures, sound, files and timelines as the page shows them."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.page import media, render
from orchestrator.page.timeline import MOST_LANES, clock, timeline
from orchestrator.page.turns import TurnView, outcome, stored
from orchestrator.turn import Finished, Heard, HeardReport, StepReport
from tests.unit.test_page_render import (
    TEXTS,
    Reading,
    assert_inert,
    assert_whole,
    finished,
    link,
    message,
)
from tools.artifacts import Artifact, ArtifactKind, Origin

KINDS: tuple[ArtifactKind, ...] = ("image", "audio", "video", "document", "table", "text")


def file(kind: ArtifactKind, name: str = "a.bin", digit: str = "1", origin: Origin = "tool") -> Any:
    return Artifact(id=digit * 64, kind=kind, media_type="x/y", size=9, name=name, origin=origin)


def analysis(**changes: Any) -> dict[str, Any]:
    """What the page draws of a video of ten seconds."""
    track = {
        "number": 3,
        "label": "dog",
        "entry_s": 2.0,
        "exit_s": 7.0,
        "score": 0.8,
        "first_box": [0, 0, 1, 1],
        "last_box": [0, 0, 1, 1],
    }
    facts: dict[str, Any] = {
        "duration_s": 10.0,
        "shots": [{"start_s": 0.0, "end_s": 4.0}, {"start_s": 4.0, "end_s": 10.0}],
        "tracks": [track],
        "unusual": [{"start_s": 9.0, "end_s": 12.0, "score": 5.0, "reasons": ["motion"]}],
    }
    return {**facts, **changes}


def bars(html: str) -> list[tuple[str, str]]:
    return re.findall(r'class="bar (\w+)" style="([^"]+)"', html)


def test_each_kind_of_file_is_shown_its_own_way() -> None:
    for kind, element in (("image", "img"), ("audio", "audio"), ("video", "video")):
        found = assert_inert(media.made([file(kind)], link))
        assert element in found.tags
        assert found.attributes["src"] == {link("1" * 64)}
    saved = assert_inert(media.made([file("document", "a.srt")], link))
    assert saved.attributes["download"] == {"a.srt"}
    assert "src" not in saved.attributes


@settings(deadline=None)
@given(st.sampled_from(KINDS), TEXTS)
def test_a_files_name_does_nothing(kind: ArtifactKind, name: str) -> None:
    assert_inert(media.made([file(kind, name)], link))
    assert_inert(media.attached([file(kind, name)], link))


def test_files_that_the_person_sent_are_not_given_back_and_none_is_shown_twice() -> None:
    assert media.made([file("image", origin="user")], link) == ""
    assert media.made([file("image"), file("image")], link).count("<img") == 1


def test_a_file_that_is_gone_is_named() -> None:
    found = assert_inert(media.made([file("image", "cat.png", "0")], link))
    assert "cat.png" in found.words
    assert "not kept any more" in found.words
    assert "img" not in found.tags
    assert media.attached([file("image", digit="0")], link) == ""


def test_an_answer_comes_with_what_was_made_for_it() -> None:
    done = finished(artifacts=(file("image", "boxes.jpeg"), file("audio", "speech.mp3", "2")))
    answer = outcome(done, "t1", link)[-1]
    assert_whole(answer)
    found = Reading(answer["content"])
    assert found.attributes["src"] == {link("1" * 64), link("2" * 64)}
    (kept,) = stored([message("assistant", outcome=done.model_dump(mode="json"))], link)[-1:]
    assert Reading(kept["content"]).attributes["src"] == found.attributes["src"]


def test_a_timeline_puts_everything_where_it_is() -> None:
    drawn = timeline(analysis())
    assert bars(drawn) == [
        ("shot", "left:0.00%;width:40.00%"),
        ("shot", "left:40.00%;width:60.00%"),
        ("seen", "left:20.00%;width:50.00%"),
        ("unusual", "left:90.00%;width:10.00%"),
    ]
    found = assert_inert(drawn)
    assert "dog #3" in found.words
    assert "motion, 0:09–0:12" in found.attributes["title"]
    assert found.attributes["aria-label"] == {"Timeline of 0:10"}


def test_a_timeline_of_a_long_video_says_what_it_leaves_out() -> None:
    tracks = [{**analysis()["tracks"][0], "number": n} for n in range(MOST_LANES + 2)]
    drawn = timeline(analysis(shots=None, tracks=tracks, unusual=[]))
    assert len(bars(drawn)) == MOST_LANES
    assert "and 2 more" in drawn


def test_there_is_no_timeline_of_nothing() -> None:
    assert timeline(analysis(duration_s=0.0)) == ""
    assert timeline({"text": "kept by another version"}) == ""


@settings(deadline=None)
@given(TEXTS)
def test_what_is_seen_does_nothing(label: str) -> None:
    assert_inert(timeline(analysis(tracks=[{**analysis()["tracks"][0], "label": label}])))


def test_a_videos_answer_has_its_timeline() -> None:
    steps = (
        StepReport(id="s1", tool="analyze_video", status="ok", result=analysis()),
        StepReport(id="s2", tool="analyze_video", status="failed"),
        StepReport(id="s3", tool="classify_text", status="ok", result=analysis()),
    )
    answer = outcome(finished(steps=steps), "t1", link)[-1]
    assert_whole(answer)
    assert answer["content"].count('class="timeline"') == 1


def test_times_are_written_as_players_write_them() -> None:
    assert [clock(s) for s in (7.9, 750, 3_723)] == ["0:07", "12:30", "1:02:03"]


def test_a_spoken_request_shows_that_it_is_listened_to_and_then_its_words() -> None:
    waiting = render.request("", spoken=True)
    assert Reading(waiting["content"]).words == "Listening…"
    heard = render.request("Can I send this back?", ["a.png"], spoken=True)
    assert Reading(heard["content"]).words == "You saidCan I send this back?a.png"

    report = HeardReport(
        text="Can I send this back?", language="en", confidence=0.9, seconds=2, audio=file("audio")
    )
    view = TurnView("t1", 0.0, link)
    view.apply(Heard(heard=report), 1.0)
    view.apply(Finished(outcome=finished(heard=report)), 2.0)
    assert view.heard == report

    kept = message("user", outcome={"heard": report.model_dump(mode="json")})
    (shown,) = stored([kept], link)
    assert shown == render.request("x", spoken=True)
