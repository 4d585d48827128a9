"""Spans: overlaps, redaction, and finding a surface string in a text."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.spans import ENTITY_TYPES, Found, occurrences, redact, without_overlaps

FOUND = st.builds(
    lambda start, length, kind, score: Found(start, start + length, kind, score, "rules"),
    st.integers(0, 30),
    st.integers(1, 8),
    st.sampled_from(ENTITY_TYPES),
    st.floats(0, 1),
)


@given(st.lists(FOUND))
def test_what_is_kept_does_not_overlap_and_explains_what_is_not(found: list[Found]) -> None:
    kept = without_overlaps(found)
    assert all(a.end <= b.start for a, b in itertools.pairwise(kept))
    assert set(kept) <= set(found)
    for entity in found:
        assert any(entity.start < k.end and k.start < entity.end for k in kept)


@given(st.lists(FOUND), st.randoms())
def test_the_order_in_which_spans_come_makes_no_difference(found: list[Found], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = list(found)
    random.shuffle(shuffled)
    assert without_overlaps(shuffled) == without_overlaps(found)


def test_a_checked_form_wins_over_a_longer_name() -> None:
    name = Found(0, 20, "organisation", 0.9, "spacy")
    email = Found(5, 15, "email", 0.5, "rules")
    assert without_overlaps([name, email]) == [email]


def test_only_the_types_asked_for_are_redacted() -> None:
    text = "😀 Ana wrote a@b.org"
    found = [Found(2, 5, "person", 1, "spacy"), Found(12, 19, "email", 1, "rules")]
    assert redact(text, found, {"person", "email"}) == "😀 [PERSON] wrote [EMAIL]"
    assert redact(text, found, {"email"}) == "😀 Ana wrote [EMAIL]"
    assert redact(text, [], {"email"}) == text


@pytest.mark.parametrize(
    ("text", "surface", "places"),
    [
        ("Ana met Banana and Ana.", "Ana", [(0, 3), (19, 22)]),
        ("王芳见了王芳芳", "王芳", [(0, 2), (4, 6)]),
        ("Café Zoë", "Zoë", [(5, 8)]),
        ("abc", "", []),
        ("abc", "d", []),
    ],
)
def test_surface_strings_are_found_as_words(
    text: str, surface: str, places: list[tuple[int, int]]
) -> None:
    assert occurrences(text, surface) == places
