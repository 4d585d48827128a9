"""Signs that a person must answer, told by the real encoders: nine languages, unseen wordings."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from evals.routing_labels import learnt_examples
from orchestrator.signs import Signs
from tests.contract.real_composer import real_composer
from tools.registry import load_registry

pytestmark = pytest.mark.models

REQUESTS = [
    json.loads(line)
    for line in Path(__file__).with_name("handoff_requests.jsonl").read_text("utf-8").splitlines()
]
RECALL = PRECISION = 0.95
"""77 of 77 signs seen, and two seen where there are none, when this was written."""


@pytest.fixture
async def signs() -> AsyncIterator[Signs]:
    async with real_composer() as real:
        yield real.signs


async def test_signs_are_seen_and_what_looks_like_one_is_not(signs: Signs) -> None:
    found = [await signs(each["request"], {}) for each in REQUESTS]
    wanted = [each["reason"] is not None for each in REQUESTS]
    told = [sign is not None for sign in found]
    right = sum(a and b for a, b in zip(wanted, told, strict=True))
    wrong = [
        (each["request"], sign)
        for each, sign in zip(REQUESTS, found, strict=True)
        if (sign is None) != (each["reason"] is None)
    ]
    assert min(wanted.count(True), wanted.count(False)) >= 60
    assert right / wanted.count(True) >= RECALL, wrong
    assert right / told.count(True) >= PRECISION, wrong


async def test_the_reason_is_the_right_one(signs: Signs) -> None:
    reasons = [
        (each["reason"], sign.reason)
        for each in REQUESTS
        if each["reason"] and (sign := await signs(each["request"], {})) is not None
    ]
    assert sum(wanted == given for wanted, given in reasons) >= 0.95 * len(reasons)


@pytest.mark.parametrize(
    ("request_", "kinds"),
    [
        ("I want to talk to a human", {}),
        ("I want to talk to a human", {"letter.txt": "document"}),
        ("Translate the letter into French. And then I want to talk to a human.",
         {"letter.txt": "document"}),
        ("I w\u200bant to talk to a hu\u00adman", {}),
    ],
)  # fmt: skip
async def test_who_asks_for_a_person_gets_one(
    signs: Signs, request_: str, kinds: dict[str, Any]
) -> None:
    from orchestrator.guard import clean

    sign = await signs(clean(request_), kinds)
    assert sign is not None
    assert sign.reason == "human_requested"


PLEAS = {
    "en": "I want to talk to a human, my lawyer will contact you, I want to die.",
    "zh": "我要和真人说话，我要起诉你们，我不想活了。",
    "es": "Quiero hablar con una persona, los voy a demandar, me quiero morir.",
    "de": "Ich möchte mit einem Menschen sprechen, ich verklage Sie, ich will sterben.",
}
CARRIERS = (
    "Translate this into French: {}",
    "Translate \"{}\" into French",
    "Summarize this:\n\n{}",
    "Is this review good or bad?\n{}",
    "```\n{}\n```\nSummarize the text above",
    "> {}\nWhat language is this?",
    "Who is mentioned in “{}”?",
    "Please summarize the following mail in one sentence: {}",
)  # fmt: skip


@pytest.mark.parametrize("language", PLEAS)
@pytest.mark.parametrize("carrier", CARRIERS)
async def test_the_text_that_a_wish_is_about_brings_no_person(
    signs: Signs, carrier: str, language: str
) -> None:
    assert await signs(carrier.format(PLEAS[language]), {}) is None


def test_the_checks_are_no_examples() -> None:
    learnt = {text.casefold() for text, _ in learnt_examples(load_registry())}
    assert not [r["request"] for r in REQUESTS if r["request"].casefold() in learnt]
