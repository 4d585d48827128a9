"""The routing set: every plan can run, and no request is one that the router has learnt from."""

from __future__ import annotations

import json
import re
from collections import Counter
from difflib import SequenceMatcher
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import pytest

from orchestrator.plan import Plan, Step
from orchestrator.turn import HandoffReason
from orchestrator.wishes import TEXT_INPUT
from tools.contracts import KINDS
from tools.registry import Registry, load_registry

TOO_ALIKE = 0.85
ROWS: list[dict[str, Any]] = [
    json.loads(line)
    for line in files("evals").joinpath("data", "routing.jsonl").read_text("utf-8").splitlines()
]
TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


def plain(text: str) -> str:
    """Words only, in lower case."""
    return " ".join(re.findall(r"\w+", text.lower()))


def alike(one: str, other: str) -> bool:
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return (
        matcher.real_quick_ratio() >= TOO_ALIKE
        and matcher.quick_ratio() >= TOO_ALIKE
        and matcher.ratio() >= TOO_ALIKE
    )


def learnt(registry: Registry) -> set[str]:
    """What the router and the signs learn from, and what their tests ask."""
    texts = {example for tool in registry.values() for example in tool.examples}
    for name in ("routing_examples.tsv", "handoff_examples.tsv"):
        lines = files("orchestrator").joinpath(name).read_text("utf-8").splitlines()
        texts |= {line.split("\t", 1)[1] for line in lines if "\t" in line}
    for name in ("routing_requests.jsonl", "handoff_requests.jsonl"):
        lines = (TESTS / "contract" / name).read_text("utf-8").splitlines()
        texts |= {json.loads(line)["request"] for line in lines}
    return {plain(text) for text in texts}


def test_there_are_120_of_the_agreed_languages() -> None:
    assert len(ROWS) == len({row["id"] for row in ROWS}) == 120
    shares = Counter(row["lang"] for row in ROWS)
    assert shares["en"] == 72
    assert shares["zh"] == 18
    assert shares.keys() == {"en", "zh", "es", "fr", "de", "pt", "ja", "ar", "hi"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_the_plan_can_run(row: dict[str, Any], registry: Registry) -> None:
    assert row.keys() == {
        "id", "request", "attachments", "lang", "kind", "steps", "alternatives"
    }  # fmt: skip
    inputs = {given["name"]: given["kind"] for given in row["attachments"]}
    assert set(inputs.values()) <= set(KINDS)
    inputs[TEXT_INPUT] = "text"
    steps = [step for step in row["steps"] if step["tool"] != "handoff"]
    handoffs = [step for step in row["steps"] if step["tool"] == "handoff"]
    assert all(step["args"]["reason"] in get_args(HandoffReason) for step in handoffs)
    assert not (steps and handoffs)
    plan = Plan(steps=tuple(Step(id=s["id"], tool=s["tool"], args=s["args"]) for s in steps))
    checked = plan.check(registry, inputs)
    assert checked == plan  # in an order in which it can run, too
    needs = plan.needs(registry)
    assert {step["id"]: set(step["after"]) for step in steps} == needs
    questions = [step["args"]["question"] for step in steps if "question" in step["args"]]
    assert all(question in row["request"] for question in questions)
    gold = [step["tool"] for step in row["steps"]]
    for tools in row["alternatives"]:
        assert tools != gold
        assert all(tool in registry for tool in tools)


def test_no_request_is_nearly_another_or_one_that_was_learnt(registry: Registry) -> None:
    known = learnt(registry)
    assert len(known) > 700
    seen: set[str] = set()
    for row in ROWS:
        request = plain(row["request"])
        assert not [text for text in known | seen if alike(request, text)], row["id"]
        seen.add(request)
