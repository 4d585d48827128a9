"""What is left of a reading when a part of routing is left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evals.ablation import PARTS
from model_servers.request_reader import Reading
from tests.unit.readings import reading

REQUEST = "Translate the letter into French and summarise it"


@pytest.fixture
def whole() -> Reading:
    scores = {"translate_text@1": 0.9, "translate_text<step": 0.9, "summarize_text.length=short": 1}
    said = {"translate_text": "Translate", "summarize_text": "summarise"}
    read = reading(REQUEST, said, scores)
    return replace(read, tags={"target_language": np.zeros(len(read.spans))})


def test_each_part_can_be_left_out(whole: Reading) -> None:
    changed = {name: change(whole) for name, change in PARTS.items()}
    assert changed["the words that say a question, a list, a language"].tags == {}
    gone = {
        "values that are learnt": "summarize_text.length=short",
        "which file a tool is meant for": "translate_text@1",
        "what goes on from what": "translate_text<step",
    }
    for name, label in gone.items():
        assert whole.scores.keys() - changed[name].scores.keys() == {label}
    alone = changed["which tools are known to come together"].combinations
    assert frozenset({"translate_text", "summarize_text"}) in alone
    assert len(alone) == 2


def test_what_wants_nothing_is_still_read_so_by_itself() -> None:
    read = reading("hi", {"chat": "hi"})
    changed = PARTS["which tools are known to come together"](read)
    assert list(changed.combinations) == [frozenset({"chat"})]
