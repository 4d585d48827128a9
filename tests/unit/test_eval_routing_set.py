"""The routing set: every plan can run, and none that is judged is one that was learnt from."""

from __future__ import annotations

from collections import Counter
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evals.datasets.routing import RoutingRow, routing_rows
from evals.routing_labels import (
    HANDOFF,
    combinations,
    label_names,
    labels_of,
    learnt_rows,
    tag_names,
    tags_of,
    unlearnable,
)
from orchestrator.plan import Plan, Step
from orchestrator.signs import REASONS
from orchestrator.wishes import TEXT_INPUT
from tools.contracts import KINDS
from tools.registry import Registry, load_registry

FOLDER = Path(str(files("evals") / "data" / "routing"))
LANGUAGES = {"en", "zh", "es", "fr", "de", "pt", "ja", "ar", "hi"}
KINDS_OF_REQUEST = {
    "single", "chain", "fan_out", "join", "chat", "handoff", "cannot_do", "missing_input"
}  # fmt: skip
TRAPS = {"quoted_instruction", "negation", "irrelevant_attachment", "other_meaning"}
TOO_ALIKE = 0.6
"""Share of the runs of five characters that two requests have in common."""


def rows_of(pattern: str) -> list[RoutingRow]:
    return [row for file in sorted(FOLDER.glob(pattern)) for row in routing_rows(file)]


TRAIN, DEV, TEST = rows_of("train-*.jsonl"), rows_of("dev.jsonl"), rows_of("test.jsonl")


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


def test_there_are_enough_of_each_language_kind_and_trap() -> None:
    judged = [*DEV, *TEST]
    assert len(judged) >= 500
    assert len(TRAIN) >= 4_000
    assert {row.lang for row in TEST} > LANGUAGES
    assert {row.kind for row in TEST} == {row.kind for row in TRAIN} == KINDS_OF_REQUEST
    assert {row.trap for row in TEST} == {"", *TRAPS}
    misleading = Counter(row.trap for row in TEST)
    assert sum(misleading[trap] for trap in TRAPS - {"other_meaning"}) >= 40
    every = [row.id for row in (*TRAIN, *judged)]
    assert len(set(every)) == len(every)


@pytest.mark.parametrize("split", [TRAIN, DEV, TEST], ids=["train", "dev", "test"])
def test_the_plans_can_run(split: list[RoutingRow], registry: Registry) -> None:
    wrong = [(row.id, problem) for row in split if (problem := problem_of(row, registry))]
    assert wrong == []


def problem_of(row: RoutingRow, registry: Registry) -> str | None:
    inputs: dict[str, Any] = {given.name: given.kind for given in row.attachments}
    inputs[TEXT_INPUT] = "text"
    if not set(inputs.values()) <= set(KINDS):
        return "an attachment of no kind"
    if any(tool not in registry for tools in row.alternatives for tool in tools):
        return "an alternative with a tool that is none"
    if row.kind == "handoff":
        (step,) = row.steps
        return None if step.tool == HANDOFF and step.args["reason"] in REASONS else "no handoff"
    plan = Plan(steps=tuple(Step(id=s.id, tool=s.tool, args=s.args) for s in row.steps))
    if plan.check(registry, inputs) != plan:
        return "the steps are in no order in which they can run"
    needs = plan.needs(registry)
    if any(set(step.after) != needs[step.id] for step in row.steps):
        return "`after` is not what the steps refer to"
    said = [s.args[name] for s in row.steps for name in ("question", "request") if name in s.args]
    return None if all(str(each) in row.request for each in said) else "words that nobody said"


def test_all_that_is_there_to_learn_from_can_be_learnt(registry: Registry) -> None:
    assert [row.id for row in TRAIN if unlearnable(row, registry)] == []


def test_no_request_that_is_judged_is_nearly_one_that_was_learnt(registry: Registry) -> None:
    from sklearn.feature_extraction.text import CountVectorizer

    judged = [row.request for row in (*DEV, *TEST)]
    learnt = [row.text for row in learnt_rows(TRAIN, registry)]
    runs = CountVectorizer(analyzer="char_wb", ngram_range=(5, 5), binary=True, dtype=np.float32)
    both = runs.fit_transform([*judged, *learnt])
    ours, others = both[: len(judged)], both[len(judged) :]
    shared = (ours @ others.T).toarray()
    sizes = np.asarray(ours.sum(axis=1)) + np.asarray(others.sum(axis=1)).T - shared
    alike = np.argwhere(shared / np.maximum(sizes, 1) > TOO_ALIKE)
    assert [(judged[i], learnt[j]) for i, j in alike] == []


def test_what_is_learnt_of_a_plan() -> None:
    row = RoutingRow.model_validate(
        {
            "id": "x", "request": "Read both, put them together in German, say it, who is it by",
            "attachments": [{"kind": "image", "name": "a.png"}, {"kind": "image", "name": "b.png"}],
            "steps": [
                {"id": "s1", "tool": "read_text", "args": {"image": "input:a.png"}},
                {"id": "s2", "tool": "read_text", "args": {"image": "input:b.png"}},
                {"id": "s3", "tool": "translate_text", "after": ["s1", "s2"],
                 "args": {"text": ["s1", "s2"], "target_language": "de"}},
                {"id": "s4", "tool": "synthesize_speech", "args": {"text": "s3"}, "after": ["s3"]},
                {"id": "s5", "tool": "extract_entities", "after": ["s1", "s2"],
                 "args": {"text": ["s1", "s2"], "types": ["person"]}},
            ],
        }
    )  # fmt: skip
    wanted = {
        "read_text", "translate_text", "synthesize_speech", "extract_entities", "reads_file",
        "translate_text<joined", "extract_entities<joined", "synthesize_speech<step",
        "extract_entities.types=person",
        *(f"{tool}@{file}" for file in (1, 2)
          for tool in ("read_text", "translate_text", "extract_entities", "synthesize_speech")),
    }  # fmt: skip
    assert labels_of(row) & set(label_names(load_registry())) == wanted


def test_what_is_learnt_of_a_plans_words() -> None:
    request = "Is it 'urgent' or can it wait? And in French, not German: who signed it?"
    row = RoutingRow.model_validate(
        {
            "id": "x", "request": request,
            "attachments": [{"kind": "document", "name": "a.pdf"}],
            "steps": [
                {"id": "s1", "tool": "classify_text",
                 "args": {"text": "input:a.pdf", "labels": ["urgent", "can it wait"]}},
                {"id": "s2", "tool": "answer_question", "args": {
                    "document": "input:a.pdf", "question": "who signed it?", "language": "fr"}},
            ],
        }
    )  # fmt: skip
    said = {tag: [request[b:e] for b, e in parts] for tag, parts in tags_of(row).items()}
    assert said == {
        "classify_text.labels": ["urgent", "can it wait"],
        "answer_question.question": ["who signed it?"],
        "language": ["French"],
        "target_language": [], "source_language": [], "spoken_language": [],
    }  # fmt: skip
    assert said.keys() <= set(tag_names(load_registry()))


def test_each_tool_alone_is_a_combination(registry: Registry) -> None:
    together = set(combinations(TRAIN[:50], registry))
    assert {(name,) for name in registry} <= together
    assert ("chat",) in together


@pytest.mark.parametrize(
    ("request_", "times"),
    [
        ("Translate the contract", 2),
        ("Translate the second one", 1),
        ("Übersetze den zweiten Vertrag", 1),
        ("traduis le deuxième", 1),
        ("翻译第二个文件", 1),
        ("二枚目を訳して", 1),
        ("दूसरी फ़ाइल का अनुवाद", 1),
        ("ترجم الملف الثاني", 1),
    ],
)
def test_a_file_told_by_its_place_keeps_it(request_: str, times: int, registry: Registry) -> None:
    row = RoutingRow.model_validate(
        {
            "id": "x", "request": request_,
            "attachments": [{"kind": "document", "name": n} for n in ("a.txt", "b.txt")],
            "steps": [{"id": "s1", "tool": "translate_text",
                       "args": {"text": "input:b.txt", "target_language": "en"}}],
        }
    )  # fmt: skip
    orders = [r.attached for r in learnt_rows([row], registry) if r.text == request_]
    assert [[file.name for file in order] for order in orders] == [
        ["a.txt", "b.txt"],
        ["b.txt", "a.txt"],
    ][:times]
