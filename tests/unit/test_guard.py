from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import BadRequest, PayloadTooLarge
from orchestrator.guard import admit, clean


@given(st.text(st.characters(codec=None), max_size=200))
def test_cleaned_text_can_be_stored_and_cleaning_ends(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode("utf-8")
    assert "\x00" not in cleaned
    assert clean(cleaned) == cleaned


def test_what_can_not_be_seen_is_taken_out() -> None:
    hidden = "trans\u200blate \u202ethis\ufeff\x07"
    assert clean(hidden) == "translate this"


def test_joiners_that_spell_words_stay() -> None:
    assert clean("क्\u200dष 👩\u200d👩") == "क्\u200dष 👩\u200d👩"


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\u200b\x00"])
def test_nothing_asked_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="empty"):
        admit(text, 0, max_chars=100)


def test_bounds() -> None:
    with pytest.raises(PayloadTooLarge, match="attach"):
        admit("x" * 101, 0, max_chars=100)
    with pytest.raises(PayloadTooLarge, match="files"):
        admit("x", 17, max_chars=100)
    assert admit(" x ", 16, max_chars=100) == "x"
