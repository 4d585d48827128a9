"""From what a request says to its plan: what is wanted, of what, and how it hangs together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from orchestrator.draft import DOUBTFUL, draft_of
from orchestrator.wanted import wanted
from tests.unit.readings import REGISTRY, reading
from tools.contracts import Kind

Plan = list[tuple[str, dict[str, Any]]]


def planned(request: str, kinds: dict[str, Kind], said: dict[str, str], **scores: float) -> Plan:
    draft = draft_of(reading(request, said, scores), request, kinds, REGISTRY, "en")
    return [(step.tool, dict(step.args)) for step in draft.plan.steps]


def test_a_recording_is_written_down_before_its_words_are_worked_on() -> None:
    request = "Who is in this call, in Portuguese too, and read that to me"
    assert planned(
        request,
        {"call.mp3": "audio"},
        {
            "synthesize_speech": "read that to me",
            "translate_text": "in Portuguese too",
            "extract_entities": "Who is in this call",
            "transcribe_audio": "call",
        },
        reads_file=0.95,
        **{"extract_entities.types=person": 0.9, "synthesize_speech<step": 0.9},
    ) == [
        ("transcribe_audio", {"audio": "input:call.mp3"}),
        ("extract_entities", {"types": ["person"], "text": "s1"}),
        ("translate_text", {"target_language": "pt", "text": "s1"}),
        ("synthesize_speech", {"text": "s3"}),
    ]


def test_what_was_read_of_a_scan_is_not_read_from_the_file_again() -> None:
    request = "This document is a scan, four pages: sum up the file"
    said = {"read_text": "is a scan", "summarize_text": "sum up the file"}
    assert planned(request, {"manual.pdf": "document"}, said, reads_file=0.95) == [
        ("read_text", {"document": "input:manual.pdf"}),
        ("summarize_text", {"text": "s1"}),
    ]


def test_words_to_expect_are_no_file_that_was_read() -> None:
    request = "Write down the call, Ann and Bo talk, and sum it up"
    said = {"transcribe_audio": "Write down the call", "summarize_text": "sum it up"}
    read = reading(request, said, {"reads_file": 0.95, "transcribe_audio.hints": 0.9})
    hints = np.isin(np.arange(len(read.spans)), (5, 7)).astype(np.float64)
    read = replace(read, tags={**read.tags, "transcribe_audio.hints": hints})
    kinds: dict[str, Kind] = {"call.mp3": "audio"}
    first, second = draft_of(read, request, kinds, REGISTRY, "en").plan.steps
    assert first.args["hints"] == ["Ann", "Bo"]
    assert second.args == {"text": "s1"}


def test_what_is_redacted_goes_on_redacted() -> None:
    assert planned(
        "Black out the names, then into Spanish",
        {"story.txt": "document"},
        {"extract_entities": "Black out the names", "translate_text": "into Spanish"},
        reads_file=0.95,
        **{"extract_entities.types=person": 0.9, "extract_entities.redact": 0.9},
    ) == [
        (
            "extract_entities",
            {"types": ["person"], "redact": True, "text": "input:story.txt"},
        ),
        ("translate_text", {"target_language": "es", "text": "s1.redacted"}),
    ]


@pytest.mark.parametrize(
    ("joined", "last"),
    [(0.9, [["s1", "s2"]]), (0.05, ["s1", "s2"])],
)
def test_several_files_are_worked_on_one_by_one_or_as_one(joined: float, last: list[Any]) -> None:
    steps = planned(
        "English versions of both and a summary",
        {"a.docx": "document", "b.docx": "document"},
        {"translate_text": "English versions", "summarize_text": "a summary"},
        reads_file=0.95,
        **{"summarize_text<joined": joined, "summarize_text<step": 0.8},
    )
    assert [args["text"] for tool, args in steps if tool == "translate_text"] == [
        "input:a.docx",
        "input:b.docx",
    ]
    assert [args["text"] for tool, args in steps if tool == "summarize_text"] == last


def test_a_named_file_of_several_is_the_one_that_is_meant() -> None:
    steps = planned(
        "summarise the annex",
        {"contract.pdf": "document", "annex.pdf": "document"},
        {"summarize_text": "summarise"},
        reads_file=0.95,
    )
    assert [args["text"] for _, args in steps] == ["input:annex.pdf"]


@pytest.mark.parametrize(
    ("scores", "filled"),
    [
        ({"answer_question.document": 0.9}, {"document": "input:terms.pdf"}),
        ({"answer_question.document": 0.1}, {}),
    ],
)
def test_a_question_is_put_to_the_file_or_to_the_knowledge_base(
    scores: dict[str, float], filled: dict[str, str]
) -> None:
    request = "How long is the notice?"
    assert planned(
        request, {"terms.pdf": "document"}, {"answer_question": request}, reads_file=0.5, **scores
    ) == [("answer_question", {"question": request, **filled})]


def test_a_question_that_points_has_the_picture_looked_at_unless_it_came_by_mistake() -> None:
    request, said = "can I send this back?", {"answer_question": "can I send this back?"}
    kinds: dict[str, Kind] = {"p.jpg": "image"}
    looked = [tool for tool, _ in planned(request, kinds, said, reads_file=0.3)]
    assert looked == ["describe_image", "answer_question"]
    assert len(planned(request, kinds, said, reads_file=0.05)) == 1


def test_a_thing_that_was_found_is_what_is_classified() -> None:
    assert planned(
        "find the dog and tell me its breed",
        {"park.jpg": "image"},
        {"detect_objects": "find the dog", "classify_image": "its breed"},
        reads_file=0.95,
    )[1] == ("classify_image", {"image": "s1"})


def test_a_tool_is_not_planned_on_what_nobody_sent() -> None:
    request = "write down what is said"
    draft = draft_of(
        reading(request, {"transcribe_audio": request}, {"missing_input": 0.3}),
        request, {}, REGISTRY, "en",
    )  # fmt: skip
    assert draft.plan.steps == ()
    assert draft.lacks == "audio"


@pytest.mark.parametrize(
    ("label", "lacks", "cannot"),
    [("chat", None, False), ("cannot_do", None, True), ("missing_input", "text", False)],
)
def test_a_request_that_wants_no_tool_says_why(label: str, lacks: str | None, cannot: bool) -> None:
    draft = draft_of(reading("hm", {}, {label: 0.9}), "hm", {}, REGISTRY, "en")
    assert (draft.plan.steps, draft.lacks, draft.cannot) == ((), lacks, cannot)
    assert draft.chat == pytest.approx(0.9)


def test_what_is_too_doubtful_is_asked() -> None:
    request = "do the thing"
    draft = draft_of(
        reading(request, {}, {"summarize_text": DOUBTFUL - 0.05, "reads_file": 0.9}),
        request, {"a.pdf": "document"}, REGISTRY, "en",
    )  # fmt: skip
    assert draft.plan.steps == ()
    assert draft.lacks == "wish"
    assert draft.confidence < DOUBTFUL


def test_a_combination_that_nobody_ever_wanted_is_not_chosen() -> None:
    request = "what does it say"
    scores = {"read_text": 0.9, "describe_image": 0.6, "reads_file": 0.9}
    draft = draft_of(reading(request, {}, scores), request, {"s.jpg": "image"}, REGISTRY, "en")
    assert [step.tool for step in draft.plan.steps] == ["read_text"]


def test_labels_are_read_from_the_words_where_some_are_named() -> None:
    ((tool, args),) = planned(
        "bug, wish or rant? “It crashes.”",
        {},
        {"classify_text": "bug, wish or rant?"},
        reads_text=0.9,
        **{"classify_text.labels": 0.9, "classify_text.task=sentiment": 0.6},
    )
    assert tool == "classify_text"
    assert args == {"labels": ["bug", "wish", "rant"], "text": "input:text"}


def test_a_wish_that_no_clause_says_has_the_words_of_one() -> None:
    request = "first this, then that"
    read = reading(request, {"translate_text": "first", "summarize_text": "that"}, {})
    for places in read.places.values():
        places[:] = 0
    found = wanted(read, {"translate_text": 0.9, "summarize_text": 0.9}, request, None)
    assert all(one.words for one in found)


TWO_LETTERS: dict[str, Kind] = {"a.txt": "document", "b.txt": "document"}


@pytest.mark.parametrize(
    ("scores", "texts"),
    [
        ({"summarize_text@2": 0.9}, ["input:b.txt"]),
        ({"summarize_text@1": 0.9, "summarize_text@2": 0.8}, ["input:a.txt", "input:b.txt"]),
        ({"summarize_text@1": 0.2, "summarize_text@2": 0.2}, ["input:a.txt", "input:b.txt"]),
    ],
)
def test_the_file_that_a_tool_is_meant_for(scores: dict[str, float], texts: list[str]) -> None:
    said = {"summarize_text": "Gist"}
    plan = planned("Gist of it, please", TWO_LETTERS, said, reads_file=0.95, **scores)
    assert [args["text"] for _, args in plan] == texts


def test_a_file_that_is_named_in_whole_is_meant() -> None:
    said = {"summarize_text": "Summarise a.txt"}
    plan = planned("Summarise a.txt", TWO_LETTERS, said, reads_file=0.95)
    assert plan == [("summarize_text", {"text": "input:a.txt"})]


def test_of_more_files_than_are_told_apart_all_are_meant() -> None:
    files: dict[str, Kind] = {f"{letter}.txt": "document" for letter in "abcdef"}
    said = {"summarize_text": "Gist"}
    plan = planned("Gist of each", files, said, reads_file=0.95, **{"summarize_text@2": 0.9})
    assert len(plan) == len(files)


def test_a_photo_and_a_scan_are_both_read_and_each_goes_where_it_is_meant() -> None:
    plan = planned(
        "Read both; the scan in French",
        {"board.jpg": "image", "scan.pdf": "document", "cat.jpg": "image"},
        {"read_text": "Read both", "translate_text": "in French"},
        reads_file=0.95,
        **{"read_text@1": 0.9, "read_text@2": 0.9, "translate_text@2": 0.9},
    )
    assert plan == [
        ("read_text", {"image": "input:board.jpg"}),
        ("read_text", {"document": "input:scan.pdf"}),
        ("translate_text", {"target_language": "fr", "text": "s2"}),
    ]


def test_a_letter_and_a_call_become_one_summary() -> None:
    plan = planned(
        "One gist of the letter and the call",
        {"letter.txt": "document", "call.mp3": "audio", "old.txt": "document"},
        {"transcribe_audio": "the call", "summarize_text": "One gist"},
        reads_file=0.95,
        **{
            "transcribe_audio@2": 0.9,
            "summarize_text@1": 0.9,
            "summarize_text@2": 0.9,
            "summarize_text<joined": 0.9,
        },
    )
    assert plan == [
        ("transcribe_audio", {"audio": "input:call.mp3"}),
        ("summarize_text", {"text": ["input:letter.txt", "s1"]}),
    ]


def test_a_text_is_judged_in_two_ways() -> None:
    plan = planned(
        "What do they want, and how do they feel?",
        {"mail.txt": "document"},
        {"classify_text": "What do they want"},
        reads_file=0.95,
        **{"classify_text.task=intent": 0.9, "classify_text.task=sentiment": 0.8},
    )
    assert [(tool, args["task"]) for tool, args in plan] == [
        ("classify_text", "intent"),
        ("classify_text", "sentiment"),
    ]


def test_what_was_cut_out_is_looked_up() -> None:
    plan = planned(
        "Cut out the bag, then see whether we have it",
        {"street.jpg": "image"},
        {"segment_image": "Cut out the bag", "search_images": "see whether we have it"},
        reads_file=0.95,
    )
    assert [(tool, args["image"]) for tool, args in plan] == [
        ("segment_image", "input:street.jpg"),
        ("search_images", "s1.cutout"),
    ]
