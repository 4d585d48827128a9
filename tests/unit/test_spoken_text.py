from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.spoken_text import MAX_SENTENCE_CHARS, SpokenSentence, spoken_sentences


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Dr. Smith paid 1,250 €. Really?", ["Dr. Smith paid 1,250 €.", "Really?"]),
        ("# A **bold** title\n\nAnd _more_.", ["A bold title", "And more."]),
        ("See [the manual](https://example.org/m).", ["See the manual."]),
        ("Go to https://www.example.org/path?a=1 now", ["Go to example.org now"]),
        ("- one\n- two", ["one", "two"]),
        ("| a | b |\n|---|---|\n| 1 | 2 |", ["a, b", "1, 2"]),
        ("Before\n\n```py\nprint(1)\n```\n\nafter", ["Before", "after"]),
        ("![a cat](cat.png) Look 😀!", ["Look !"]),
        ("您好。我是小王！", ["您好。", "我是小王！"]),
        ("hard\nwrapped", ["hard wrapped"]),
        ("😀 … \n\n---", []),
        ("", []),
    ],
)
def test_what_is_read_aloud(text: str, spoken: list[str]) -> None:
    assert [sentence.text for sentence in spoken_sentences(text)] == spoken


def test_a_paragraph_ends_with_its_last_sentence() -> None:
    assert spoken_sentences("One. Two.\n\nThree.") == [
        SpokenSentence("One.", False),
        SpokenSentence("Two.", True),
        SpokenSentence("Three.", True),
    ]


@given(st.text(max_size=1_500))
def test_every_part_is_short_and_has_something_to_say(text: str) -> None:
    for sentence in spoken_sentences(text):
        assert len(sentence.text) <= MAX_SENTENCE_CHARS
        assert any(char.isalnum() for char in sentence.text)
