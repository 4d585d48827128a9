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
    Antecedent,
    antecedent_in,
    antecedent_of,
    complete_question,
    may_lean,
    resolve_by_rules,
    stands_alone,
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
def test_which_messages_may_lean_on_the_question_before(text: str, leans: bool) -> None:
    assert may_lean(text) is leans


def test_the_last_question_is_found_past_a_word_of_thanks() -> None:
    history = said("How long do I have?", "30 days [1].", "Thank you!", "You're welcome.")
    assert antecedent_in(history) == Antecedent("answer_question", "How long do I have?")
    assert antecedent_in(said("那要多久？", "30 天")) == Antecedent("answer_question", "那要多久？")
    assert antecedent_in(said("Translate this: a", "b")) is None
    assert antecedent_in(said("When?", "Today.", "ok", "", "fine", "", "yes", "")) is None


def test_what_a_plan_asks_in_words() -> None:
    assert antecedent_of(ASKED) == Antecedent("answer_question", "How long do I have?")
    gifts = plan("recommend_items", request="gifts for a runner")
    assert antecedent_of(gifts) == Antecedent("recommend_items", "gifts for a runner")
    assert antecedent_of(TRANSLATED) is None


@pytest.mark.parametrize(
    ("text", "scores", "alone"),
    [
        ("thanks!", {"chat": 0.97}, True),
        ("what can you do?", {"chat": 0.97}, True),
        ("and which has the better battery?", {"chat": 0.5, "answer_question": 0.3}, False),
        ("and coffee?", {"chat": 0.95, "answer_question": 0.02}, False),
        ("why?", {"chat": 0.89}, False),
        ("fasse das zusammen", {"chat": 0.4, "summarize_text": 0.39}, True),
        ("something cheaper?", {"recommend_items": 0.75, "chat": 0.07}, True),
        ("whats your phone number", {"answer_question": 0.9, "chat": 0.05}, True),
        ("who pays for it?", {"answer_question": 0.87, "chat": 0.07}, False),
        ("and in Italy", {"translate_text": 0.63, "chat": 0.41}, False),
        ("in Austria", {"answer_question": 0.96, "chat": 0.03}, False),
    ],
)
def test_what_is_no_question_stands_alone(text: str, scores: dict[str, float], alone: bool) -> None:
    assert stands_alone(text, scores, {"answer_question", "describe_image"}) is alone


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
        ("Which ways to pay are there? Can I pay in cash?", "And by invoice?",
         "Which ways to pay are there? Can I pay in invoice?"),
        ("Three gifts for a runner", "not socks please",
         "Three gifts for a runner. not socks please"),
        ("How long do I have to send a laptop back?", "What if it is broken?",
         "How long do I have to send a laptop back? What if it is broken?"),
    ],
)  # fmt: skip
async def test_a_question_is_completed(before: str, text: str, meant: str) -> None:
    assert await complete_question(text, before, alike) == meant


@given(st.text(max_size=60), st.text(max_size=120))
@example("0000 aaaa你", "000")
async def test_completing_loses_no_word_of_the_follow_up(text: str, before: str) -> None:
    meant = await complete_question(text, before, alike)
    assert meant
    for word in re.findall(r"[a-z]{4,}", text):
        assert word in f"{meant} {before}".lower() or word in _FILLER
