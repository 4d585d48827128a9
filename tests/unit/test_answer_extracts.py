"""Extracts: what a reply names, and where a passage has it."""

from __future__ import annotations

import pytest

from tests.unit.test_grounding import LAPTOPS, SHOES, passage
from tools.answer_extracts import Extract, Reply, find_extract, read_reply, says, shared_words


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        (
            '[1] "100 Days"\nShoes: 100 days [1].',
            Reply("Shoes: 100 days [1].", "100 Days", Extract(1, "100 days")),
        ),
        ("[2] “a month”\nSie haben Zeit.", Reply("Sie haben Zeit.", "a month")),
        ('[2] "€5"', Reply("", "€5", Extract(1, "€5"))),
        ("[1] 100 days\nSo long.", Reply("So long.", "100 days", Extract(1, "100 days"))),
        ("[1] 100 days", Reply("[1] 100 days")),
        ("[1] You can.\nIt is easy.", Reply("[1] You can.\nIt is easy.")),
        ("You have 100 days [1].", Reply("You have 100 days [1].")),
        ("NOT FOUND", Reply("NOT FOUND")),
    ],
)
def test_the_first_line_may_name_words(text: str, reply: Reply) -> None:
    assert read_reply(text, [SHOES, LAPTOPS], whole=True) == reply


def test_nothing_of_the_first_line_is_taken_for_prose_while_it_comes() -> None:
    text = '[1] "100 days"\nYes'
    for end in range(1, len(text) - 3):
        assert read_reply(text[:end], [SHOES], whole=False) == Reply("")
    whole = Reply("Yes", "100 days", Extract(1, "100 days"))
    assert read_reply(text, [SHOES], whole=False) == whole
    assert read_reply("You", [SHOES], whole=False) == Reply("You")


@pytest.mark.parametrize(
    ("words", "first", "extract"),
    [
        ("100 Days", 1, Extract(1, "100 days")),
        ("within 30 days,", 2, Extract(2, "within 30 days")),
        ("can be sent back within", 2, Extract(2, "can be sent back within")),
        ("30 days of delivery.", 1, Extract(2, "30 days of delivery")),
        ("€5", 7, Extract(1, "€5")),
        ("shoes  can be\nsent back", 1, Extract(1, "Shoes can be sent back")),
        ("10 days", 1, None),
        ("100 day", 1, None),
        ("...", 1, None),
    ],
)
def test_an_extract_stands_in_a_passage_word_for_word(
    words: str, first: int, extract: Extract | None
) -> None:
    assert find_extract(words, [SHOES, LAPTOPS], first=first) == extract


def test_scripts_without_spaces_are_compared_by_characters() -> None:
    chinese = passage("笔记本电脑自送达之日起 30 天内可以退货。", language="zh")
    assert find_extract("30天", [chinese]) == Extract(1, "30 天")
    assert find_extract("30年", [chinese]) is None


def test_a_whole_page_is_no_extract() -> None:
    text = " ".join(f"word{i}" for i in range(100))
    assert find_extract(text, [passage(text)]) is None


def test_a_sentence_says_words_in_a_row() -> None:
    assert says("You have 100 Days, unworn.", "100 days unworn")
    assert not says("You have 100 long days.", "100 days")


@pytest.mark.parametrize(
    ("sentence", "question", "words"),
    [
        ("Shoes can be sent back within 100 days.", "Can shoes be sent back?", "within 100 days"),
        ("It takes 100 days.", "How many days?", "100"),
        ("The box for shoes costs €5.", "What does the box cost?", "costs €5"),
        ("Yes, shoes.", "Can shoes be sent back?", ""),
        ("No idea.", "Why?", ""),
    ],
)
def test_what_an_answer_has_from_its_passage_is_found(
    sentence: str, question: str, words: str
) -> None:
    assert shared_words(sentence, SHOES.text, question) == words
