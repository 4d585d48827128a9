"""What is said where nothing is planned."""

from __future__ import annotations

from typing import get_args

import pytest

from orchestrator.asking_back import ask_back, told_cannot
from orchestrator.draft import Lack
from orchestrator.turn import ToolScore
from tests.unit.readings import REGISTRY

LIKELY = [
    ToolScore(tool=name, confidence=0.2) for name in ("chat", "summarize_text", "translate_text")
]


@pytest.mark.parametrize("lack", get_args(Lack))
@pytest.mark.parametrize("language", ["en", "zh", "ja", "ar", "hi", "ru", "ko", "it", "xx"])
def test_every_question_can_be_asked_in_every_language(lack: Lack, language: str) -> None:
    asked = ask_back(lack, language, LIKELY, REGISTRY)
    assert asked
    assert "{" not in asked


def test_the_two_likeliest_tools_are_named() -> None:
    assert ask_back("wish", "en", LIKELY, REGISTRY) == (
        "I am not sure what you would like: Summary, or Translation? Please say it in other words."
    )


def test_what_can_not_be_done_is_said_in_the_users_language() -> None:
    assert told_cannot("de").startswith("Das kann ich nicht.")
    assert told_cannot("xx") == told_cannot("en")
