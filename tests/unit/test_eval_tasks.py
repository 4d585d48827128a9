"""The tasks: what they ask of a service, and what they make of its answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import JsonValue

from evals.datasets import DatasetError, Document, labelled
from evals.metrics import (
    ABSTAINED,
    Abstention,
    AdditiveMetric,
    Classification,
    PlanMatch,
    RankedTools,
    WithheldCurve,
    bootstrap,
)
from evals.task import Dataset, Prediction, Sample, Way
from evals.task_list import load_task, task_names
from evals.tasks import _labels, _library, _paragraphs, answers, bfcl_fit, ner, routing, sentiment
from evals.tasks._calls import CallMatch
from evals.tasks._foreign import gold, nearest_tool
from evals.tasks._functions import called
from evals.tasks._plans import planned
from evals.tasks._threshold import Thresholded, best_threshold
from evals.watched import NoWay, WatchedWay
from model_servers.contracts import SwitchboardError
from orchestrator.client import ServiceUnavailable

TASKS = Path(ner.__file__).parent


def test_a_task_that_brings_no_data_says_what_form_it_has() -> None:
    tasks = [load_task(name) for name in task_names()]
    assert [task.name for task in tasks if not (task.default_data or task.data_form)] == []


class FakeWay:
    """Answers with what it is given, and keeps what it was asked."""

    def __init__(
        self, data: Mapping[str, Any] | None = None, outcome: Mapping[str, Any] | None = None
    ) -> None:
        self.data = data or {}
        self.outcome = dict(outcome or {})
        self.asked: list[Any] = []

    async def ask(
        self,
        request: str,
        *,
        files: Sequence[tuple[str, bytes]] = (),
        plan_only: bool = False,
        attachments: Sequence[Mapping[str, str]] = (),
    ) -> dict[str, Any]:
        self.asked.append((request, plan_only, [dict(one) for one in attachments]))
        return self.outcome

    async def invoke(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append((tool, dict(arguments)))
        usage = {"prompt_tokens": 0, "completion_tokens": 0, "llm_calls": 0}
        return {"data": self.data, "artifacts": [], "usage": usage, "seconds": 0.1}


class OpenFakeWay(FakeWay):
    """Leads to the whole API: to a knowledge base, and to a chat model that calls functions."""

    def __init__(self, reply: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.reply = reply
        self.documents: list[str] = []
        self.fails_at: str | None = None

    async def api(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        self.asked.append((method, path, body))
        await asyncio.sleep(0)
        if path == "/v1/kb/search":
            return {"data": [{"document": name} for name in ("b%2Fc.md", "a.pdf.md", "b%2Fc.md")]}
        return self.reply

    async def upload(
        self, path: str, files: Sequence[tuple[str, bytes]], fields: Mapping[str, str]
    ) -> Any:
        assert path == "/v1/kb/documents"
        assert fields == {"collection": "c"}
        await asyncio.sleep(0)
        for name, _ in files:
            if name == self.fails_at:
                self.fails_at = None
                raise SwitchboardError("No more room.")
            self.documents.append(name)


def sample(inputs: Mapping[str, JsonValue], right: JsonValue = None, **groups: str) -> Sample:
    return Sample(id="1", inputs=dict(inputs), gold=right, groups=groups)


def classified(*labels: tuple[str, float], chosen: str | None) -> dict[str, Any]:
    scores = [{"label": label, "score": score} for label, score in labels]
    return {"labels": scores, "label": chosen, "method": "sentiment head"}


def solved(solve: Callable[[Sample, Way], Any], one: Sample, way: Way) -> Prediction:
    found = asyncio.run(solve(one, way))
    assert isinstance(found, Prediction)
    return found


@pytest.mark.parametrize("name", task_names())
def test_a_task_is_a_short_module_of_its_name(name: str) -> None:
    task = load_task(name)
    assert task.name == name
    assert task.summary
    assert len((TASKS / f"{name}.py").read_text("utf-8").splitlines()) < 40


def test_sentiment_takes_the_likeliest_label_though_the_tool_abstains() -> None:
    way = FakeWay(classified(("neutral", 0.4), ("positive", 0.35), chosen=None))
    found = solved(sentiment.TASK.solve, sample({"text": "Well."}), way)
    assert found.value == {"label": "neutral", "score": 0.4}
    assert way.asked == [("classify_text", {"text": "Well.", "task": "sentiment", "words": False})]


@pytest.mark.parametrize(
    ("text", "label"),
    [("What a great film!", "positive"), ("I hate it.", "negative"), ("A table.", "neutral")],
)
def test_vader_asks_no_service(text: str, label: str) -> None:
    way = FakeWay()
    assert solved(sentiment.TASK.baselines["vader"], sample({"text": text}), way).value == label
    assert not way.asked


def write_splits(folder: Path, *, out_of_scope: bool) -> Dataset:
    for split, count in (("train", 30), ("val", 12), ("test", 5)):
        rows = [f"{label} {i},{label}" for label in ("tea", "coffee") for i in range(count)]
        rows += [f"whatever {i},oos" for i in range(3)] if out_of_scope else []
        (folder / f"{split}.csv").write_text("\n".join(["text,intent", *rows]), "utf-8")
    return labelled(folder)


def test_examples_come_from_the_train_split_alone_and_go_with_every_call(tmp_path: Path) -> None:
    dataset = write_splits(tmp_path, out_of_scope=False)
    made = _labels.with_training(dataset, 3, a_label=10, out_of_scope="oos")
    assert {s.groups["split"] for s in made.samples} == {"test"}
    way = FakeWay(classified(("tea", 0.9), ("coffee", 0.1), chosen="tea"))
    found = solved(_labels.solve_by_examples, made.samples[0], way)
    assert found.value == {"label": "tea", "score": 0.9, "split": "test"}
    assert way.asked[0][1]["words"] is False
    examples = way.asked[0][1]["examples_by_label"]
    assert {label: len(texts) for label, texts in examples.items()} == {"tea": 10, "coffee": 10}
    train = {s.inputs["text"] for s in dataset.samples if s.groups["split"] == "train"}
    assert {*examples["tea"], *examples["coffee"]} <= train
    other = _labels.with_training(dataset, 4, a_label=10, out_of_scope="oos")
    solved(_labels.solve_by_examples, other.samples[0], way)
    assert way.asked[1][1]["examples_by_label"] != examples


@pytest.mark.parametrize(("late", "asked"), [(2, 3), (3, 3)])
def test_a_service_that_is_still_learning_is_asked_again(
    tmp_path: Path, late: int, asked: int
) -> None:
    class LateWay(FakeWay):
        async def invoke(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
            found = await super().invoke(tool, arguments)
            if len(self.asked) <= late:
                raise ServiceUnavailable("Too late.", reported="deadline_exceeded")
            return found

    made = _labels.with_training(
        write_splits(tmp_path, out_of_scope=False), 0, a_label=10, out_of_scope="oos"
    )
    way = LateWay(classified(("tea", 0.9), ("coffee", 0.1), chosen="tea"))
    if late < asked:
        found = solved(_labels.solve_by_examples, made.samples[0], way)
        assert found.value == {"label": "tea", "score": 0.9, "split": "test"}
    else:
        with pytest.raises(ServiceUnavailable):
            solved(_labels.solve_by_examples, made.samples[0], way)
    assert len(way.asked) == asked


def test_what_is_out_of_scope_is_no_label_and_brings_a_part_of_the_validation_split(
    tmp_path: Path,
) -> None:
    dataset = write_splits(tmp_path, out_of_scope=True)
    made = _labels.with_training(dataset, 0, a_label=10, out_of_scope="oos")
    golds = [(s.groups["split"], s.gold) for s in made.samples]
    assert golds.count(("test", None)) == golds.count(("val", None)) == 3
    assert golds.count(("val", "tea")) == _labels.VALIDATION_A_LABEL
    assert golds.count(("test", "tea")) == 5


def test_one_label_is_nothing_to_learn(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text,label\na,x\n", "utf-8")
    with pytest.raises(DatasetError, match="has 1 labels to learn"):
        _labels.with_training(labelled(tmp_path), 0, a_label=10, out_of_scope="oos")


def scored(label: str, score: float, split: str) -> JsonValue:
    return {"label": label, "score": score, "split": split}


def validated() -> tuple[list[JsonValue], list[JsonValue]]:
    """Twenty texts in scope at 0.71 to 0.9 with one wrong, and ten out of scope from 0.3 on."""
    golds: list[JsonValue] = ["tea"] * 19 + ["coffee"] + [None] * 10
    scores = [0.9 - i / 100 for i in range(20)] + [0.3 + i / 20 for i in range(10)]
    return golds, [scored("tea", score, "val") for score in scores]


def test_the_threshold_takes_back_one_right_label_of_twenty_at_most() -> None:
    golds, found = validated()
    # 0.71 is the wrong one's, and 0.72 the lowest right one's, which is more than 5 % of 19.
    assert best_threshold(golds, found) == pytest.approx(0.71)
    assert best_threshold(golds[:20], found[:20]) == 0.0
    assert best_threshold([None], [scored("tea", 1.0, "val")]) == 0.0


def test_the_threshold_is_used_on_the_test_split_alone() -> None:
    val_golds, val_found = validated()
    golds: list[JsonValue] = [*val_golds, "tea", "tea", None, None, "coffee"]
    found: list[JsonValue] = [
        *val_found,
        scored("tea", 0.95, "test"),
        scored("tea", 0.7, "test"),
        scored("tea", 0.5, "test"),
        scored("tea", 0.8, "test"),
        None,
    ]
    figures = Thresholded(Abstention(), told=True)(golds, found)
    assert figures["threshold"] == pytest.approx(0.71)
    assert figures["in_scope_accuracy"] == pytest.approx(1 / 3)
    assert figures["oos_recall"] == 0.5
    # An error on the test split is wrong, and a run without val takes nothing back.
    assert Thresholded(Classification())(["tea", None], [None, None])["accuracy"] == 0.0


@pytest.mark.parametrize(
    "metric", [Classification(), Classification(per_class=False), Abstention()]
)
def test_a_threshold_leaves_a_metric_additive(metric: AdditiveMetric) -> None:
    val_golds, val_found = validated()
    random = np.random.default_rng(0)
    golds: list[JsonValue] = [*val_golds, *random.choice(["tea", "coffee"], 40).tolist(), None]
    scores = random.uniform(0.6, 1, 41)
    found: list[JsonValue] = [
        *val_found,
        *(scored(["tea", "coffee"][i % 2], float(s), "test") for i, s in enumerate(scores)),
    ]
    judged = Thresholded(metric, told=True)
    whole = judged(golds, found)
    parts = judged.parts(golds, found)
    summed = parts.figures(parts.per_sample.sum(axis=0, keepdims=True))
    assert {name: pytest.approx(float(v[0])) for name, v in summed.items()} == whole
    intervals = bootstrap(judged, golds, found, 0)
    assert intervals["threshold"] == pytest.approx((whole["threshold"],) * 3)
    # Of a run that has the validation split alone there is nothing to say.
    assert not judged(val_golds, val_found)
    assert not bootstrap(judged, val_golds, val_found, 0)


def test_labels_taken_back_stand_in_a_column_of_their_own() -> None:
    golds, found = validated()
    golds, found = [*golds, "tea", None], [*found, scored("tea", 0.9, "test")]
    matrix = Thresholded(Classification()).confusion(golds, [*found, scored("tea", 0.2, "test")])
    assert matrix is not None
    assert (matrix.golds, matrix.chosen) == (("tea", ABSTAINED),) * 2
    assert matrix.rows == ((1, 0), (0, 1))
    assert Thresholded(Abstention()).confusion(["tea"], [None]) is None


def test_entities_become_tags_of_the_tokens_that_they_touch() -> None:
    # "Dr. Ana-Maria Silva flew to Porto": the tool's name begins inside the second token.
    tokens: JsonValue = [[0, 3], [4, 13], [14, 19], [20, 24], [25, 27], [28, 33]]
    entities = [
        {"start": 5, "end": 19, "type": "person"},
        {"start": 28, "end": 33, "type": "place"},
    ]
    way = FakeWay({"entities": entities})
    one = sample({"text": "Dr. Ana-Maria Silva flew to Porto", "offsets": tokens})
    found = solved(ner.TASK.solve, one, way)
    assert found.value == ["O", "B-PER", "I-PER", "O", "O", "B-LOC"]
    assert way.asked[0][1]["types"] == ["person", "place", "organisation"]


def write_squad(folder: Path) -> Path:
    paragraphs = [
        {
            "context": f"Paragraph {p} tells of number{p}, and of Rome.",
            "qas": [
                {"id": f"{p}-{q}", "question": f"What? {q}", "answers": [{"text": f"number{p}"}]}
                for q in range(20)
            ]
            + [{"id": f"{p}-r", "question": "Which city?", "answers": [{"text": "Rome"}]}],
        }
        for p in range(3)
    ]
    path = folder / "x.en.json"
    path.write_text(json.dumps({"data": [{"title": "T", "paragraphs": paragraphs}]}), "utf-8")
    return path


def test_of_some_questions_the_paragraph_is_taken_away(tmp_path: Path) -> None:
    path = write_squad(tmp_path)
    made = _paragraphs.questions(path, 1)
    assert made == _paragraphs.questions(path, 1)
    away = [s for s in made.samples if s.groups["passage"] == "taken away"]
    assert 0 < len(away) < len(made.samples) / 2
    assert away != [
        s for s in _paragraphs.questions(path, 2).samples if s.groups["passage"] == "taken away"
    ]
    for one in made.samples:
        assert isinstance(one.gold, dict)
        paragraph = one.id.split(":")[1][0]
        held = f"number{paragraph}" in str(one.inputs["context"])
        assert held == (one.groups["passage"] == "there")
        assert one.gold["citations"] == ([f"0-{paragraph}"] if held else [])
        assert bool(one.gold["answers"]) == held
        # What stands in the other paragraphs, too, can't be taken away.
        assert held or one.gold["answers"] != ["Rome"]


def test_an_answer_is_judged_without_its_marks_and_by_its_paragraphs() -> None:
    one = sample({"question": "What?", "context": "# 0-1\n\nIt is 42."})
    citations = [{"heading": ["0-1"]}, {"heading": ["0-1"]}, {"heading": []}]
    data = {"answer": "It is 42 [1].", "known": True, "extract": "42", "citations": citations}
    found = solved(answers.TASK.solve, one, FakeWay(data))
    assert found.value == {"answer": "42", "whole": "It is 42.", "citations": ["0-1"]}
    found = solved(answers.TASK.solve, one, FakeWay(data | {"extract": None}))
    assert found.value == {"answer": "It is 42.", "whole": "It is 42.", "citations": ["0-1"]}
    data = {"answer": "I don't know.", "known": False, "extract": None, "citations": []}
    found = solved(answers.TASK.solve, one, FakeWay(data))
    assert found.value == {"answer": None, "whole": None, "citations": []}


def test_the_agent_plans_by_names_and_its_references_become_edges() -> None:
    steps: list[dict[str, Any]] = [
        {"id": "s1", "tool": "extract_entities", "args": {"text": "input:a.pdf", "redact": True}},
        {"id": "s2", "tool": "summarize_text", "args": {"text": "s1.redacted"}},
        {"id": "s3", "tool": "translate_text", "args": {"text": ["s1", "s2"], "note": "s9"}},
    ]
    outcome = {
        "plan": {"steps": steps},
        "route": {"path": "planner"},
        "usage": {"llm_calls": 1},
        "handoff": None,
        "error": None,
    }
    way = FakeWay(outcome=outcome)
    attachments: JsonValue = [{"kind": "document", "name": "a.pdf"}]
    found = solved(planned, sample({"request": "Do it", "attachments": attachments}), way)
    assert isinstance(found.value, dict)
    assert isinstance(found.value["steps"], list)
    after = [step["after"] for step in found.value["steps"] if isinstance(step, dict)]
    assert after == [[], ["s1"], ["s1", "s2"]]
    assert (found.value["path"], found.value["llm_calls"]) == ("planner", 1)
    assert way.asked == [("Do it", True, [{"kind": "document", "name": "a.pdf"}])]


def test_a_hand_over_is_a_step_with_its_reason() -> None:
    outcome = {
        "plan": {"steps": []},
        "route": {"path": "handoff"},
        "usage": {"llm_calls": 0},
        "handoff": {"id": None, "reason": "distress", "state": "planned"},
        "error": None,
    }
    found = solved(planned, sample({"request": "Help"}), FakeWay(outcome=outcome))
    right: JsonValue = {"steps": [{"id": "s1", "tool": "handoff", "args": {"reason": "distress"}}]}
    figures = PlanMatch()([right], [found.value])
    assert figures["handoff_recall"] == figures["arg_f1"] == figures["exact_plan"] == 1.0


def test_a_turn_that_broke_off_is_an_error() -> None:
    outcome = {"error": {"code": "invalid_plan", "message": "No."}}
    found = solved(planned, sample({"request": "Do it"}), FakeWay(outcome=outcome))
    assert (found.value, found.error) == (None, "invalid_plan: No.")


def test_the_routing_set_is_read_whole() -> None:
    assert routing.TASK.default_data is not None
    dataset = routing.TASK.load(routing.TASK.default_data, 0)
    assert (len(dataset.samples), dataset.bad_rows) == (620, ())
    assert {"lang", "kind"} <= dataset.samples[0].groups.keys()
    figures = routing.TASK.metrics[0](
        [s.gold for s in dataset.samples], [s.gold for s in dataset.samples]
    )
    assert figures["node_f1"] == figures["edge_f1"] == figures["exact_plan"] == 1.0


def test_a_foreign_tool_is_chosen_by_its_description() -> None:
    def catalogue(_: Sample) -> list[tuple[str, str]]:
        return [("Weather", "Tells the weather."), ("Trains", "Finds trains.")]

    way = FakeWay(classified(("Trains", 0.3), ("Weather", 0.2), chosen=None))
    found = solved(nearest_tool(catalogue), sample({"request": "To Bonn at 8"}), way)
    assert isinstance(found.value, dict)
    assert found.value["steps"] == gold(["Trains"])["steps"]
    assert way.asked[0][1]["descriptions"]["Trains"] == ["Finds trains."]
    assert way.asked[0][1]["llm"] is False
    assert found.value["ranked"] == ["Trains", "Weather"]


def test_ranked_tools_are_judged_where_one_is_right() -> None:
    golds = [gold("a"), gold("b"), gold(["a", "b"]), gold("c"), gold("d")]
    ranked = [["a", "b"], ["a", "b"], ["a"], None, None]
    predictions: list[JsonValue] = [
        {**gold(tools[:1]), "ranked": [*tools]} if tools else None for tools in ranked
    ]
    figures = RankedTools()(golds, predictions)
    assert figures == {"accuracy_at_1": 0.25, "recall_at_10": 0.5}
    assert RankedTools()([gold("a")], [gold("a")]) == {"accuracy_at_1": 1.0}


def test_whether_a_function_fits_is_told_by_it_and_its_parameters() -> None:
    function: JsonValue = {
        "name": "rail.find",
        "description": "Finds trains.",
        "parameters": {"type": "dict", "properties": {"to_city": {"description": "Goal."}}},
    }
    given: dict[str, JsonValue] = {
        "messages": [{"role": "user", "content": "To Bonn"}],
        "functions": [function],
    }
    way = FakeWay(classified(("rail.find", 0.8), chosen=None))
    assert solved(bfcl_fit.TASK.solve, sample(given), way).value == {"fit": 0.8}
    asked = way.asked[0][1]
    assert asked["descriptions"] == {"rail.find": ["Finds trains.", "to city: Goal."]}
    assert asked["multi_label"] is True
    assert solved(bfcl_fit.TASK.baselines["similarity"], sample(given), way).value == {"fit": 0.8}
    assert way.asked[1][1]["examples_by_label"] == {"rail.find": ["Finds trains."]}


def test_calls_withheld_against_calls_kept() -> None:
    def golds(*calls: bool, tune: bool) -> list[JsonValue]:
        return [{"call": call, "tune": tune} for call in calls]

    def fits(*values: float) -> list[JsonValue]:
        return [{"fit": value} for value in values]

    figures = WithheldCurve()(
        [*golds(True, True, False, tune=True), *golds(True, True, False, False, tune=False)],
        [*fits(0.9, 0.6, 0.5), *fits(0.7, 0.4, 0.5, 0.1)],
    )
    assert (figures["threshold"], figures["kept"], figures["withheld"]) == (0.6, 0.5, 1.0)
    assert figures["balanced_accuracy"] == figures["auc"] == 0.75
    assert figures["kept_at_withheld/0.5"] == 1.0
    assert figures["kept_at_withheld/0.9"] == 0.5
    assert WithheldCurve()(golds(True, False, tune=True), [None, None]) == {}


CALL: JsonValue = {"call": "these", "calls": [{"f": {"x": [1, 2], "unit": ["km", ""]}}]}


@pytest.mark.parametrize(
    ("right", "calls", "accuracy"),
    [
        (CALL, [{"f": {"x": 2}}], 1.0),
        (CALL, [{"f": {"x": 2.0, "unit": "KM."}}], 1.0),
        (CALL, [{"f": {"x": 1, "unit": "k#m"}}], 0.0),
        (CALL, [{"f": {"x": 3}}], 0.0),
        (CALL, [{"f": {"x": True}}], 0.0),
        (CALL, [{"f": {"unit": "km"}}], 0.0),
        (CALL, [{"f": {"x": 1, "y": 1}}], 0.0),
        (CALL, [{"g": {"x": 1}}], 0.0),
        (CALL, [{"f": {"x": 1}}, {"f": {"x": 1}}], 0.0),
        ({"call": "none", "calls": []}, [], 1.0),
        ({"call": "none", "calls": []}, [{"f": {}}], 0.0),
        ({"call": "any", "calls": []}, [{"f": {}}], 1.0),
        ({"call": "any", "calls": []}, [], 0.0),
    ],
)
def test_a_call_is_right_with_accepted_values_alone(
    right: JsonValue, calls: list[JsonValue], accuracy: float
) -> None:
    assert CallMatch()([right], [{"calls": calls}])["call_accuracy"] == accuracy


def test_calls_may_come_in_any_order_and_an_error_is_right_for_none() -> None:
    two: JsonValue = {"call": "these", "calls": [{"f": {"x": [1, 2]}}, {"f": {"x": [1]}}]}
    made: JsonValue = {"calls": [{"f": {"x": 1}}, {"f": {"x": 2}}]}
    assert CallMatch()([two], [made])["call_accuracy"] == 1.0
    figures = CallMatch()([two, {"call": "none", "calls": []}], [None, None])
    assert figures == {"call_accuracy": 0.0, "abstention_recall": 0.0, "functions": 0.0}


def test_functions_are_called_through_the_api_by_names_that_it_allows() -> None:
    reply = {
        "choices": [
            {"message": {"tool_calls": [{"function": {"name": "a_b", "arguments": '{"x": 1}'}}]}}
        ],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "llm_calls": 2},
    }
    way = OpenFakeWay(reply)
    functions: JsonValue = [
        {
            "name": "a.b",
            "description": "Adds.",
            "parameters": {"type": "dict", "properties": {"x": {"type": "float"}}},
        }
    ]
    messages: JsonValue = [{"role": "user", "content": "Add one"}]
    found = solved(called, sample({"messages": messages, "functions": functions}), way)
    assert found.value == {"calls": [{"a.b": {"x": 1}}]}
    assert (found.prompt_tokens, found.completion_tokens, found.llm_calls) == (7, 3, 2)
    body = way.asked[0][2]
    function = body["tools"][0]["function"]
    assert function["name"] == "a_b"
    assert function["parameters"]["properties"] == {"x": {"type": "number"}}


def corpus(size: int) -> list[Document]:
    return [Document(f"d{i}", "Title", f"Text {i}") for i in range(size)]


def test_a_corpus_is_taken_in_once_for_all_samples_of_a_run() -> None:
    way = OpenFakeWay()

    async def run() -> None:
        for _ in range(2):
            await asyncio.gather(
                *(_library.fill(WatchedWay(way), "c", corpus(40)) for _ in range(5))
            )

    asyncio.run(run())
    assert way.documents == [f"d{i}.md" for i in range(40)]


def test_a_corpus_that_was_cut_short_is_gone_on_with() -> None:
    way = OpenFakeWay()
    way.fails_at = "d20.md"

    async def run() -> None:
        with pytest.raises(SwitchboardError, match="No more room"):
            await _library.fill(way, "c", corpus(40))
        await _library.fill(way, "c", corpus(40))

    asyncio.run(run())
    assert set(way.documents) == {f"d{i}.md" for i in range(40)}


def test_documents_are_found_by_whatever_id_they_have() -> None:
    way = OpenFakeWay()

    async def run() -> list[str]:
        await _library.fill(way, "c", [Document("b/c", "", "Text"), Document("a.pdf", "", "Text")])
        return await _library.search(way, "c", "Where?", 30)

    assert asyncio.run(run()) == ["b/c", "a.pdf"]
    assert way.documents == ["b%2Fc.md", "a.pdf.md"]


def test_without_a_way_to_give_documents_it_is_said() -> None:
    for way in (FakeWay(), WatchedWay(FakeWay())):
        with pytest.raises(NoWay, match="give the service documents"):
            asyncio.run(_library.fill(way, "c", corpus(1)))
