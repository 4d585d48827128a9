"""Golds that no prediction can match, and those that one can."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import JsonValue

from evals.task import Sample
from evals.task_list import load_task
from evals.tasks import _golds, _labels, text_classification


def sample(gold: JsonValue, **inputs: JsonValue) -> Sample:
    return Sample(id="1", inputs=inputs, gold=gold)


def plan(*tools: str, alternatives: tuple[tuple[str, ...], ...] = ()) -> JsonValue:
    return {
        "steps": [{"tool": tool} for tool in tools],
        "alternatives": [[*a] for a in alternatives],
    }


@pytest.mark.parametrize(
    ("task", "gold", "told"),
    [
        ("sentiment", "positive", None),
        ("sentiment", "meh", "'meh' is none of the labels 'negative', 'neutral', 'positive'"),
        ("ner", ["O", "B-PER", "I-PER"], None),
        ("ner", ["B-MISC", "O", "B-PER"], "'MISC' is none of 'LOC', 'ORG', 'PER'"),
        ("routing", plan("translate_text", "handoff"), None),
        ("routing", plan(), None),
        ("routing", plan("book_table", "translate_text"), "there is no tool 'book_table'"),
        ("routing", plan("book_table", alternatives=(("classify_text",),)), None),
        ("routing", plan("book_table", alternatives=((),)), None),
    ],
)
def test_a_task_tells_which_gold_no_prediction_can_match(
    task: str, gold: JsonValue, told: str | None
) -> None:
    reason = load_task(task).unmatchable
    assert reason is not None
    assert reason(sample(gold)) == told


def test_a_call_of_a_function_that_is_not_there_cannot_be_matched() -> None:
    functions: JsonValue = [{"name": "add"}]
    gold: JsonValue = {"call": "these", "calls": [{"add": {}}, {"subtract": {}}]}
    assert _golds.only_functions(sample(gold, functions=functions)) == (
        "there is no function 'subtract'"
    )
    gold = {"call": "these", "calls": [{"add": {}}]}
    assert _golds.only_functions(sample(gold, functions=functions)) is None


@pytest.mark.parametrize(
    ("answers", "told"),
    [([], None), (["In 1912", "1912"], None), (["1913"], "no passage holds '1913'")],
)
def test_an_answer_stands_in_a_passage(answers: list[str], told: str | None) -> None:
    gold: JsonValue = {"answers": [*answers], "lang": "en", "citations": []}
    assert _golds.only_extracts(sample(gold, context="It sank in 1912.")) == told


def test_many_words_are_told_by_the_first() -> None:
    reason = _golds.only_labels([f"l{i}" for i in range(9)])(sample("x"))
    assert reason == "'x' is none of the labels 'l0', 'l1', 'l2', 'l3', 'l4' and 4 more"


def test_a_file_without_splits_is_divided_by_the_seed(tmp_path: Path) -> None:
    rows = [f"text {i},{'even' if i % 2 == 0 else 'odd'}" for i in range(50)]
    data = tmp_path / "numbers.csv"
    data.write_text("\n".join(["text,label", *rows, "alone,rare"]) + "\n")
    task = text_classification.TASK
    first = task.load(data, 1)
    assert [s.id for s in first.samples] == [s.id for s in task.load(data, 1).samples]
    assert [s.id for s in first.samples] != [s.id for s in task.load(data, 2).samples]
    assert sum(s.gold in ("even", "odd") for s in first.samples) == 10
    learnt = _labels._TRAINING[str(first.samples[0].inputs["training"])]
    assert {label: len(texts) for label, texts in learnt.items() if label != "rare"} == {
        "even": 20,
        "odd": 20,
    }
    judged = {str(s.inputs["text"]) for s in first.samples}
    assert not judged & {text for texts in learnt.values() for text in texts}
    told = [_labels.unlearnt(s) for s in first.samples if s.gold == "rare"]
    assert told in ([], ["'rare' is none of the labels 'even', 'odd'"])
