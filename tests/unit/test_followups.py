from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from orchestrator.followups import (
    _FILLER,
    complete_question,
    leans_on_history,
    resolve_by_rules,
)
from orchestrator.plan import Plan
from orchestrator.turn import Message


def said(*texts: str) -> list[Message]:
    return [
        Message(role="assistant" if n % 2 else "user", content=text) for n, text in enumerate(texts)
    ]


def plan(tool: str, **args: str) -> Plan:
    return Plan.model_validate({"steps": [{"id": "s1", "tool": tool, "args": args}]})


ASKED = plan("answer_question", question="How long do I have?")
TRANSLATED = plan("translate_text", text="input:text", target_language="fr")


@pytest.mark.parametrize(
    "text", ["and into German?", "German please", "now in German", "那德语呢？"]
)
def test_another_language_for_the_same_text(text: str) -> None:
    history = said("Translate this into French: Good morning", "Bonjour")
    resolved = resolve_by_rules(text, history, TRANSLATED)
    assert resolved is not None
    assert resolved.request == "Translate this into German."
    assert resolved.payload == "Good morning"


def test_a_language_after_an_answer_means_the_answer() -> None:
    history = said("How long do I have?", "You have 30 days [1].")
    resolved = resolve_by_rules("and in Spanish?", history, ASKED)
    assert resolved is not None
    assert resolved.payload == "You have 30 days."


def test_the_next_language_starts_from_the_original() -> None:
    history = said("How long?", "30 days [1].", "translate that into Spanish", "30 días.")
    again = plan("translate_text", text="input:previous", target_language="es")
    resolved = resolve_by_rules("and French?", history, again)
    assert resolved is not None
    assert resolved.payload == "30 days."


def test_another_text_for_the_same_wish() -> None:
    history = said("Is this good or bad: it broke", "negative")
    resolved = resolve_by_rules("and this one: I love it", history, plan("classify_text"))
    assert resolved is not None
    assert (resolved.request, resolved.payload) == ("Is this good or bad", "I love it")


@pytest.mark.parametrize("text", ["Do you ship to French Polynesia by sea or by air?", "thanks"])
def test_what_stands_on_its_own_is_left_alone(text: str) -> None:
    history = said("How long do I have?", "30 days [1].")
    assert resolve_by_rules(text, history, ASKED) is None


@pytest.mark.parametrize(
    ("text", "leans"),
    [
        ("and shoes?", True),
        ("how long for shoes?", True),
        ("那鞋子呢？", True),
        ("Can I get my money back if the parcel is damaged when it arrives at my door?", False),
    ],
)
def test_which_questions_lean_on_the_one_before(text: str, leans: bool) -> None:
    history = said("How long do I have to return a laptop?", "30 days [1].")
    assert leans_on_history(text, history, ASKED) is leans
    assert leans_on_history(text, history, Plan()) is leans
    assert not leans_on_history(text, said("Translate this: a", "b"), TRANSLATED)


async def alike(texts: Sequence[str]) -> NDArray[np.float32]:
    """Things are like things, and everything else is like nothing."""
    things = ("laptop", "shoes", "notice", "payment", "portátil", "zapatos", "电脑", "鞋子")
    return np.array(
        [[float(any(t in text for t in things)), 0.1 / (1 + len(text))] for text in texts],
        dtype=np.float32,
    )


@pytest.mark.parametrize(
    ("before", "text", "meant"),
    [
        ("How long do I have to send a laptop back?", "and shoes?",
         "How long do I have to send shoes back?"),
        ("How long is the warranty for laptops?", "and for running shoes?",
         "How long is the warranty for running shoes?"),
        ("What does this contract say about notice?", "and payment?",
         "What does this contract say about payment?"),
        ("¿Cuánto tiempo tengo para devolver un portátil?", "¿y unos zapatos?",
         "¿Cuánto tiempo tengo para devolver zapatos?"),
        ("笔记本电脑多久之内可以退货？", "那鞋子呢？", "鞋子多久之内可以退货？"),
        ("笔记本电脑多久之内可以退货？", "那鞋子和帽子呢？", "鞋子和帽子多久之内可以退货？"),
        ("How long do I have to send a laptop back?", "What if it is broken?",
         "How long do I have to send a laptop back? What if it is broken?"),
    ],
)  # fmt: skip
async def test_a_question_is_completed(before: str, text: str, meant: str) -> None:
    assert await complete_question(text, said(before, "30 days [1]."), alike) == meant


@given(st.text(max_size=60), st.text(max_size=120))
@example("0000 aaaa你", "000")
async def test_completing_loses_no_word_of_the_follow_up(text: str, before: str) -> None:
    meant = await complete_question(text, said(before, "Yes."), alike)
    assert meant
    for word in re.findall(r"[a-z]{4,}", text):
        assert word in f"{meant} {before}".lower() or word in _FILLER
