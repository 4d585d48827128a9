"""Sentences and windows: offsets that add up to the text, in any language."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.sentences import Span, split_sentences
from tools.windows import split_windows


def sentences(text: str) -> list[str]:
    return [text[s.start : s.end] for s in split_sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("it broke. nobody answers.", ["it broke.", "nobody answers."]),
        (
            "Dr. Chen met Mrs. J. R. Smith. She left.",
            ["Dr. Chen met Mrs. J. R. Smith.", "She left."],
        ),
        ("It cost $3.50 on example.com today.", ["It cost $3.50 on example.com today."]),
        (
            "At 5 p.m. we left. At 6 p.m. She came.",
            ["At 5 p.m. we left.", "At 6 p.m.", "She came."],
        ),
        ("“Really?” she asked. “Yes.” He left.", ["“Really?” she asked.", "“Yes.”", "He left."]),
        ("Well... maybe. Well... No.", ["Well... maybe.", "Well...", "No."]),
        ("你好。他说：「走吧！」我们走了。", ["你好。", "他说：「走吧！」", "我们走了。"]),
        ("¿Qué tal?¡Bien! Adiós.", ["¿Qué tal?", "¡Bien!", "Adiós."]),
        (
            "Am 3. Mai kam z.B. Frau Dr. Weiß. Sie ging.",
            ["Am 3. Mai kam z.B. Frau Dr. Weiß.", "Sie ging."],
        ),
        ("मैं गया। वह आई।", ["मैं गया।", "वह आई।"]),
        ("هل أنت هنا؟ نعم.", ["هل أنت هنا؟", "نعم."]),
        (
            "# Title\nBody one. Body\ntwo.\n\n- a\n- b",
            ["# Title", "Body one.", "Body\ntwo.", "- a", "- b"],
        ),
        ("1. Press it.\n2. Wait.", ["1. Press it.", "2. Wait."]),
        ("No. It broke. See no. 5 there.", ["No.", "It broke.", "See no. 5 there."]),
        ("", []),
        (" \n ", []),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


TEXTS = st.text(
    alphabet=st.one_of(
        st.characters(codec="utf-8"), st.sampled_from(list(" \n.!?。！…”)#-*3aA\u0301\u200d😀"))
    ),
    max_size=200,
)


def only_space_between(text: str, spans: list[Span]) -> bool:
    edges = [0, *(edge for span in spans for edge in span), len(text)]
    gaps = (text[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True))
    return edges == sorted(edges) and not "".join(gaps).strip()


@given(TEXTS)
def test_nothing_but_white_space_lies_between_sentences(text: str) -> None:
    spans = split_sentences(text)
    assert only_space_between(text, spans)
    assert all(text[s.start : s.end].strip() == text[s.start : s.end] != "" for s in spans)


@given(TEXTS, st.integers(1, 60))
def test_windows_cover_the_text_and_keep_the_bound(text: str, max_chars: int) -> None:
    spans = split_windows(text, max_chars)
    assert only_space_between(text, spans)
    assert all(0 < s.end - s.start <= max_chars for s in spans)


def test_windows_hold_whole_sentences_where_they_fit() -> None:
    text = "One two three. Four five six. Seven."
    assert [text[s.start : s.end] for s in split_windows(text, 30)] == [
        "One two three. Four five six.",
        "Seven.",
    ]


def test_a_window_needs_room() -> None:
    with pytest.raises(ValueError, match="max_chars"):
        split_windows("a", 0)
