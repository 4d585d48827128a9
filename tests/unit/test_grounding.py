from __future__ import annotations

import pytest

from tools.grounding import (
    Sentence,
    best_sentence,
    cited_sentences,
    is_refusal,
    joined,
    supporting,
    unfounded,
    with_marks,
)
from tools.knowledge.passages import Passage


def passage(text: str, *heading: str, language: str = "en") -> Passage:
    return Passage(
        chunk_id=text,
        document_id="d",
        document="shoes.md",
        collection="default",
        source="shoes.md",
        heading=heading,
        text=text,
        language=language,
        score=0.5,
    )


SHOES = passage("Shoes can be sent back within 100 days. The box costs €5.", "Returns", "Shoes")
LAPTOPS = passage("A laptop can be sent back within 30 days of delivery.", "Returns", "Laptops")


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("You have 30 days [1].", [("You have 30 days.", (1,))]),
        ("You have 30 days. [1]", [("You have 30 days.", (1,))]),
        ("You have 30 days [1][2].", [("You have 30 days.", (1, 2))]),
        ("You have 30 days [1, 2].", [("You have 30 days.", (1, 2))]),
        ("One [1]. Two. [2] Three.", [("One.", (1,)), ("Two.", (2,)), ("Three.", ())]),
        ("您有30天 [1]。鞋子是100天【2】。", [("您有30天。", (1,)), ("鞋子是100天。", (2,))]),
        ("No marks here.", [("No marks here.", ())]),
        ("[1]", []),
        ("", []),
    ],
)
def test_sentences_lose_their_marks(
    text: str, sentences: list[tuple[str, tuple[int, ...]]]
) -> None:
    assert [(each.text, each.marks) for each in cited_sentences(text)] == sentences


def test_line_breaks_between_sentences_are_kept() -> None:
    first, second = cited_sentences("First step [1].\nSecond step [1].")
    assert joined(first.text, second, second.text) == "\nSecond step."


@pytest.mark.parametrize(("before", "piece"), [("", "Two."), ("One.", " Two."), ("一。", "Two.")])
def test_sentences_are_joined_as_their_script_has_it(before: str, piece: str) -> None:
    assert joined(before, Sentence(" ", "Two.", ()), "Two.") == piece


@pytest.mark.parametrize(
    ("sentence", "marks", "written"),
    [
        ("You have 30 days.", [1], "You have 30 days [1]."),
        ("You have 30 days", [1, 2], "You have 30 days [1][2]"),
        ("您有30天。", [1], "您有30天 [1]。"),
        ("“You have 30 days.”", [1], "“You have 30 days [1].”"),
    ],
)
def test_marks_go_before_the_full_stop(sentence: str, marks: list[int], written: str) -> None:
    assert with_marks(sentence, marks) == written


@pytest.mark.parametrize(
    "reply",
    [
        "NOT FOUND",
        "Not found.",
        "I don't know.",
        "The passages do not mention a managing director.",
        "The passages don't say who founded it.",
        "There is no information about that.",
        "我不知道。",
        "文中没有提到创始人。",
        "No lo sé.",
        "No se menciona en los pasajes.",
        "Das ist nicht angegeben.",
        "Je ne sais pas.",
        "Não sei.",
        "わかりません。",
    ],
)
def test_refusals(reply: str) -> None:
    assert is_refusal(reply)


@pytest.mark.parametrize(
    "answer",
    [
        "No, cryptocurrency is not accepted.",
        "No, opened software cannot be returned.",
        "The Alder 14 does not allow more memory.",
        "Express delivery is not available in Portugal.",
        "不可以，不接受支付宝。",
        "Lindenmart 不配送到中国。",
        "No se aceptan criptomonedas.",
        "Nein, geöffnete Software kann nicht zurückgegeben werden.",
        "Non, les logiciels ouverts ne sont pas repris.",
    ],
)
def test_a_plain_no_is_an_answer(answer: str) -> None:
    assert not is_refusal(answer)


def test_numbers_must_be_in_a_passage_or_in_the_question() -> None:
    passages = [SHOES, LAPTOPS]
    assert unfounded("You have 30 days.", "?", passages) == []
    assert unfounded("You have 14 days.", "?", passages) == ["14"]
    assert unfounded("Both of your 14 laptops.", "May I return 14 laptops?", passages) == []


@pytest.mark.parametrize(
    ("text", "marks", "cited"),
    [
        ("You have 30 days.", (2,), (2,)),
        ("You have 30 days.", (), (2,)),
        ("You have 30 days.", (1,), (2,)),
        ("You have 30 days.", (7,), (2,)),
        ("A missing box costs €5.", (), (1,)),
        ("You can send shoes back.", (), (1,)),
        ("Shoes 100 days, laptops 30 days.", (1, 2), (1, 2)),
    ],
)
def test_a_sentence_cites_what_holds_it(
    text: str, marks: tuple[int, ...], cited: tuple[int, ...]
) -> None:
    assert supporting(Sentence("", text, marks), "?", [SHOES, LAPTOPS], "en") == cited


def test_a_quote_is_the_sentence_that_answers() -> None:
    assert best_sentence(SHOES, "What does the box cost?", "en") == "The box costs €5."
