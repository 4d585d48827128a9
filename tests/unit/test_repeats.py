"""Repeats for which there was no time to speak."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_servers.repeats import SHORTEST_S, repeats_itself, said_once
from model_servers.whisper import HeardWord


def words(*timed: tuple[str, float]) -> list[HeardWord]:
    """Words said one after the other, each for so many seconds."""
    found, now_s = [], 0.0
    for text, length_s in timed:
        found.append(HeardWord(text, now_s, now_s + length_s, 0.9))
        now_s += length_s
    return found


def kept(*timed: tuple[str, float]) -> str:
    return "".join(word.text for word in said_once(words(*timed)))


@pytest.mark.parametrize(
    ("timed", "left"),
    [
        ([(" three", 0.18), (" three", 0.04)], " three"),
        ([(" Eight,", 0.02), (" eight.", 0.3)], " eight."),
        ([(" no", 0.3), (" no", 0.2), (" no", 0.25)], " no no no"),
        ([(" no", 0.3), (" no", 0.0), (" no", 0.0)], " no"),
        ([(" four", 0.2), (" two", 0.2), (" four", 0.0), (" two", 0.1)], " four two"),
        ([(" so", 0.2), (" I", 0.02), (" do", 0.02)], " so I do"),
        ([("Bye", 0.3), (" bye.", 0.02)], "Bye"),
        ([("谢", 0.2), ("谢", 0.02)], "谢谢"),
        ([(" -", 0.1), (" -", 0.0)], " - -"),
        ([], ""),
    ],
)
def test_a_repeat_that_takes_no_time_is_left_out(timed: list[tuple[str, float]], left: str) -> None:
    assert kept(*timed) == left


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (" eight eight", True),
        (" Eight, eight.", True),
        (" one two one two", True),
        (" one two one", False),
        (" 谢谢", False),
        (" ... ...", False),
        ("", False),
    ],
)
def test_repeats_are_seen_in_the_text(text: str, found: bool) -> None:
    assert repeats_itself(text) is found


@given(st.lists(st.tuples(st.sampled_from([" a", " b", " c"]), st.floats(0, 0.5)), max_size=30))
def test_what_has_time_stays_and_nothing_is_made_up(timed: list[tuple[str, float]]) -> None:
    said = words(*timed)
    left = said_once(said)
    places = iter(said)
    assert all(word in places for word in left)  # in order
    assert said_once(left) == left
    assert {word.text for word in left} == {word.text for word in said}
    slow = words(*((text, SHORTEST_S + 0.01) for text, _ in timed))
    assert said_once(slow) == slow
