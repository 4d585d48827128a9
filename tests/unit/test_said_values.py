"""Arguments that are words of the request, as the network's tags show them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from model_servers.request_reader import Reading
from orchestrator.arguments import read_arguments
from orchestrator.said_values import Said
from tools.registry import load_registry

REGISTRY = load_registry()


def read(request: str, scores: Mapping[str, float], tagged: Mapping[str, list[str]]) -> Reading:
    """A reading in which the parts of the request that a tag has are its meaning, quite surely."""
    spans = [match.span() for match in re.finditer(r"\w+|[^\w\s]", request)]

    def probability(span: tuple[int, int], parts: list[str]) -> float:
        found = [(request.index(part), request.index(part) + len(part)) for part in parts]
        return 0.9 if any(b <= span[0] and span[1] <= e for b, e in found) else 0.1

    tags = {
        tag: np.array([probability(span, parts) for span in spans]) for tag, parts in tagged.items()
    }
    return Reading(scores, np.array(spans), {}, (), tags)


def said(
    tool: str, request: str, scores: Mapping[str, float], tagged: Mapping[str, list[str]]
) -> dict[str, Any]:
    reading = read(request, scores, tagged)
    args = dict(read_arguments(REGISTRY[tool], request).args)
    return Said(reading, request, request, request).values(REGISTRY[tool], args)


def test_a_question_is_what_is_asked_and_not_what_is_told_before() -> None:
    request = "We paid for 120. How many chairs are there? The driver left."
    asked = "How many chairs are there?"
    tagged = {"detect_objects.question": [asked]}
    assert said("detect_objects", request, {}, tagged)["question"] == asked


def test_a_picture_is_described_without_a_question_where_none_is_asked() -> None:
    tagged: dict[str, list[str]] = {"describe_image.question": []}
    scores = {"describe_image.question": 0.1}
    assert "question" not in said("describe_image", "What is on it?", scores, tagged)


def test_labels_are_the_words_of_the_request() -> None:
    request = "Is this mail about parking, the gym or somebody's dog?"
    labels = ["parking", "the gym", "somebody's dog"]
    tagged = {"classify_text.labels": labels}
    args = said("classify_text", request, {"classify_text.labels": 0.9}, tagged)
    assert args["labels"] == labels
    assert "labels" not in said("classify_text", request, {"classify_text.labels": 0.1}, tagged)


def test_expected_words_may_be_one() -> None:
    tagged = {"transcribe_audio.hints": ["Szczecin"]}
    scores = {"transcribe_audio.hints": 0.8}
    args = said("transcribe_audio", "Write it down, she speaks of Szczecin", scores, tagged)
    assert args["hints"] == ["Szczecin"]


@pytest.mark.parametrize(
    ("request_", "tagged", "likely", "expected"),
    [
        ("From Danish into French and Polish", {"target_language": ["French", "Polish"]}, "en",
         ["fr", "pl"]),
        ("French for Anna, and leave the German one as it is", {"target_language": ["French"]},
         None, ["fr"]),
        ("It's in Thai: what are they saying?", {"source_language": ["Thai"]}, None, ["en"]),
        ("It's in Thai: what are they saying?", {"source_language": ["Thai"]}, "de", ["de"]),
        ("what does this say", {}, None, []),
    ],
)  # fmt: skip
def test_target_languages(
    request_: str, tagged: dict[str, list[str]], likely: str | None, expected: list[str]
) -> None:
    tags = {"target_language": [], "source_language": [], "spoken_language": []} | tagged
    reading = read(request_, {}, tags)
    assert Said(reading, request_, request_, request_).targets(likely, "en") == expected


def test_the_language_that_is_spoken() -> None:
    request = "A Danish guest left this; I want it in English"
    tagged = {"spoken_language": ["Danish"]}
    scores = {"transcribe_audio.spoken_language": 0.9}
    assert said("transcribe_audio", request, scores, tagged)["spoken_language"] == "da"


def test_whole_words_are_taken() -> None:
    reading = Reading({}, np.array([[0, 3], [3, 6], [7, 10]]), {}, (), {"t": np.array([0, 1, 0])})
    assert Said(reading, "tablet pen", "", "")._part("t") == "tablet"


def test_a_tag_that_means_nothing_has_no_part() -> None:
    reading = read("one two", {}, {"t": []})
    assert reading.longest("t") is None
    assert reading.all_of("t") == []
