"""Reports of runs: what they show, what stays inert, and what they do without."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from evals.metrics.additive import AdditiveMetric, Parts, means
from evals.report import ReportError, as_html, as_json, as_markdown, write_report
from evals.report.comparison import difference_interval
from evals.report.markdown import inert
from evals.report.plots import latency_ecdf, latency_histogram, quantile, wilson
from evals.report.quality import likeness, measure_of, moved, weakest_first
from evals.report.run_files import Figure
from evals.run_folder import Solved
from evals.task import Dataset, EvalTask, Prediction, Sample
from tests.made_run import hostile_run, made_run, put


class Tags(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return made_run(tmp_path / "run", 60, seed=1, skill=0.8)


@pytest.fixture
def baseline(tmp_path: Path) -> Path:
    return made_run(tmp_path / "baseline", 60, seed=1, skill=0.4)


def test_page_shows_figures_with_intervals(run: Path) -> None:
    page = as_html(run)
    metrics = json.loads((run / "metrics.json").read_text())
    for name, value in metrics["all"].items():
        assert name.split("/")[0] in page
        assert f"{value['value']:.3f}" in page
        assert f"{value['low']:.3f} to {value['high']:.3f}" in page
    for section in ("By class", "By domain", "Confusion", "Calibration and latency", "Worst"):
        assert section in page
    assert page.count('<svg class="plot"') == 3


def test_page_shows_worst_samples_errors_first(run: Path) -> None:
    page = as_html(run)
    lines = [json.loads(line) for line in (run / "samples.jsonl").read_text().splitlines()]
    failed = next(line for line in lines if line["prediction"]["error"])
    assert failed["prediction"]["trace_id"] in page
    states = re.findall(r'class="state (\w+)"', page)
    assert states == sorted(states)
    assert {"error", "low"} == set(states)


def test_page_tells_of_bad_rows_and_unmatchable_golds(run: Path) -> None:
    page = as_html(run)
    assert "movie.csv" in page
    assert "2 fields, 3 expected" in page
    assert "no label is called &#39;mixed&#39;" in page


def test_page_asks_for_nothing(run: Path, baseline: Path) -> None:
    page = as_html(run, baseline)
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    found = Tags(page)
    assert not found.tags & {"script", "link", "img", "iframe", "object", "form", "base"}
    assert not found.attributes & {"src", "srcset", "xlink:href", "action"}
    assert set(re.findall(r'href="(.)', page)) <= {"#"}
    assert "url(" not in page
    assert "@import" not in page


def test_hostile_text_is_never_markup(tmp_path: Path) -> None:
    hostile = hostile_run(tmp_path / "hostile")
    page = as_html(hostile, hostile)
    found = Tags(page)
    assert not found.tags & {"script", "img"}
    assert not {name for name in found.attributes if name.startswith("on")}
    assert page.count("</style>") == 1
    assert "{{7*7}}" in page
    assert "alert(1)" in page


def test_hostile_text_is_inert_in_markdown(tmp_path: Path) -> None:
    text = as_markdown(hostile_run(tmp_path / "hostile"))
    found = Tags(MarkdownIt("gfm-like", {"linkify": False}).render(text))
    assert found.tags <= {"h2", "p", "table", "thead", "tbody", "tr", "th", "td", "ul", "li"} | {
        "details",
        "summary",
    }
    assert "@everyone" not in text


@given(st.text(max_size=80))
def test_inert_text_stays_one_cell_without_markup(text: str) -> None:
    cell = inert(text)
    page = MarkdownIt("gfm-like", {"linkify": False}).render(f"| a |\n| --- |\n| x{cell} |\n")
    assert Tags(page).tags == {"table", "thead", "tbody", "tr", "th", "td"}
    assert page.count("<td>") == 1


def test_comparison_tells_what_is_beyond_noise(run: Path, baseline: Path) -> None:
    page = as_html(run, baseline)
    assert "could not be compared sample by sample" in page
    assert "came off worse" in page
    changes = json.loads(as_json(run, baseline))["comparison"]["changes"]
    verdicts = {(one["group"], one["figure"]): one["verdict"] for one in changes}
    assert verdicts["", "macro_f1"] == "better"
    assert verdicts["domain=movie", "accuracy"] == "better"
    assert verdicts["", "ece"] == "within noise"
    backwards = json.loads(as_json(baseline, run))["comparison"]["changes"]
    assert {one["verdict"] for one in backwards} == {"worse", "within noise"}


class Exact(AdditiveMetric):
    """The share of right labels, under the name of the made-up runs' headline."""

    name = "exact"

    def parts(self, golds: Any, predictions: Any) -> Parts:
        pairs = zip(golds, predictions, strict=True)
        right = [float(given is not None and given["label"] == gold) for gold, given in pairs]
        return means(["macro_f1"], [[one] for one in right])


def made_up_task() -> EvalTask:
    async def solve(*_: Any) -> Any:
        raise AssertionError("a report solves nothing")

    return EvalTask(
        name="made_up",
        version="1",
        summary="",
        load=lambda *_: Dataset("none", "0", ()),
        solve=solve,
        metrics=[Exact()],
        headline="macro_f1",
    )


def test_samples_are_put_in_order_by_what_they_cost_the_headline() -> None:
    def solved(name: str, label: str, score: float, error: str | None = None) -> Solved:
        prediction = Prediction(value={"label": label, "score": score}, error=error)
        return Solved(Sample(id=name, inputs={}, gold="a"), prediction)

    run = [
        solved("right", "a", 0.9),
        solved("unsure", "b", 0.4),
        solved("sure", "b", 0.8),
        solved("failed", "a", 0.9, "timeout: It took too long."),
    ]
    before = [solved("right", "b", 0.9), *run[1:3], solved("failed", "a", 0.9)]
    measure = measure_of(made_up_task(), "macro_f1", run)
    assert measure is not None
    assert measure.influences(run) == pytest.approx([1 / 4, -1 / 12, -1 / 12, -1 / 12])
    weak = [one.sample.id for one in weakest_first(run, measure)]
    assert weak == ["failed", "sure", "unsure"]
    assert weak == [one.sample.id for one in weakest_first(run, None)]
    for by in (measure, None):
        assert moved(before, run, by) == (["failed"], ["right"])
    assert measure_of(made_up_task(), "bleu", run) is None


def test_two_predictions_with_nothing_of_the_gold_are_equally_wrong() -> None:
    def solved(label: str) -> list[Solved]:
        sample = Sample(id="s", inputs={}, gold=["a", "b"])
        return [Solved(sample, Prediction(value=[label]))]

    assert moved(solved("c"), solved("d"), None) == ([], [])
    assert moved(solved("c"), solved("a"), None) == ([], ["s"])
    assert moved(solved("b"), solved("d"), None) == (["s"], [])


def test_runs_of_a_given_task_are_compared_sample_by_sample(run: Path, baseline: Path) -> None:
    page = write_report(baseline, run, task=made_up_task()).read_text()
    assert "by paired bootstrap" in page
    assert "regressed" in (baseline / "report.md").read_text().splitlines()[0]


def test_other_data_than_the_baselines_is_said(run: Path, baseline: Path) -> None:
    put(baseline, "dataset.json", {"name": "reviews", "version": "000000000000"})
    assert "Not the same as the baseline: data set 3f1c09ab77de" in as_html(run, baseline)
    assert "not as the baseline" in as_markdown(run, baseline)


def test_run_without_samples_or_figures_is_told(tmp_path: Path) -> None:
    put(tmp_path, "config.json", {"task": "sentiment"})
    page = write_report(tmp_path).read_text(encoding="utf-8")
    assert "No sample has been solved." in page
    assert "the run has not finished" in page
    assert "<svg" not in page
    assert as_markdown(tmp_path).startswith("## sentiment: no figures")


def test_run_without_confusion_groups_and_confidence(run: Path) -> None:
    put(run, "metrics.json", {"all": {"chrf": {"value": 51.2, "low": 48.0, "high": 54.4}}})
    lines = [json.loads(line) for line in (run / "samples.jsonl").read_text().splitlines()]
    for line in lines:
        line["prediction"] |= {"value": "ein Satz", "details": {}}
    (run / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    page = as_html(run)
    assert "51.2" in page
    assert 'id="confusion"' not in page
    assert page.count('<svg class="plot"') == 2


def test_run_of_errors_alone(run: Path) -> None:
    lines = [json.loads(line) for line in (run / "samples.jsonl").read_text().splitlines()]
    for line in lines:
        line["prediction"] |= {"value": None, "error": "timeout: It took too long."}
    (run / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    page = as_html(run)
    assert "Every sample ended in an error." in page
    assert '<svg class="plot"' not in page


def test_line_that_was_cut_off_is_counted(run: Path) -> None:
    with (run / "samples.jsonl").open("a") as file:
        file.write('{"sample": {"id": "s60", "inp')
    assert "hold no sample" in as_html(run)
    assert json.loads(as_json(run))["samples"] == 60


def test_json_is_strict_and_whole(run: Path, baseline: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    metrics["all"]["odd"] = {"value": float("nan"), "low": float("-inf"), "high": None}
    put(run, "metrics.json", metrics)

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    found = json.loads(as_json(run, baseline), parse_constant=refuse)
    assert found["figures"]["odd"] == {"value": None, "low": None, "high": None}
    assert found["figures"]["macro_f1"] == metrics["all"]["macro_f1"]
    assert found["confusion"] == metrics["confusion"]
    assert sum(one["count"] for one in found["calibration"]) == 60 - found["errors"]


def test_half_a_surrogate_pair_is_written(run: Path) -> None:
    dataset = {"bad_rows": [{"file": "a.csv", "line": 1, "reason": "x"}], "name": "\ud800"}
    put(run, "dataset.json", dataset)
    assert write_report(run).read_text(encoding="utf-8")


def test_many_classes_are_cut_to_the_most_mistaken(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    labels = [f"intent {number}" for number in range(40)]
    counts = [[5 if row == column else 0 for column in range(40)] for row in range(40)]
    counts[38][39] = 7
    put(run, "metrics.json", metrics | {"confusion": {"labels": labels, "counts": counts}})
    page = as_html(run)
    assert "The 24 labels with the most mistakes, of 40." in page
    assert "<b>7</b>" in page
    assert "intent 39" in page
    assert "intent 30" not in page


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("metrics.json", "[1]"),
        ("metrics.json", "{"),
        ("metrics.json", '{"all": {"f1": {"value": "high"}}}'),
        ("metrics.json", '{"confusion": {"labels": ["a", "b"], "counts": [[1]]}}'),
        ("dataset.json", '{"bad_rows": [{"file": "a"}]}'),
    ],
)
def test_damaged_files_are_named(run: Path, name: str, text: str) -> None:
    (run / name).write_text(text)
    with pytest.raises(ReportError):
        as_html(run)


def test_folder_without_a_run(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="holds no run"):
        write_report(tmp_path)
    with pytest.raises(ReportError, match="does not exist"):
        write_report(tmp_path / "nowhere")


def test_difference_interval_of_equal_halves() -> None:
    """Of symmetric intervals MOVER is the root of the sum of the halves' squares."""
    ours, other = Figure(value=0.8, low=0.77, high=0.83), Figure(value=0.7, low=0.66, high=0.74)
    assert difference_interval(ours, other) == pytest.approx((0.05, 0.15))
    assert difference_interval(ours, Figure(value=0.7)) is None


def test_wilson_interval() -> None:
    assert wilson(0.5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson(0.0, 10)[0] == 0.0


@pytest.mark.parametrize(
    ("gold", "value", "expected"),
    [
        ("positive", "positive", 1.0),
        ("positive", {"label": "positive", "score": 0.9}, 1.0),
        ("positive", "negative", 0.0),
        ("the red house", "the blue house", 2 / 3),
        (["a", "b"], ["b", "c"], 0.5),
        (["Rome", "Roma"], "Roma", 1.0),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, 0.5),
        ("今天很好", "今天不好", 0.75),
        (3, None, 0.0),
    ],
)
def test_likeness(gold: Any, value: Any, expected: float) -> None:
    assert likeness(gold, value) == pytest.approx(expected)


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=60))
def test_latency_plots_stay_within_their_frame(seconds: list[float]) -> None:
    for plot in (latency_histogram(seconds), latency_ecdf(seconds, seconds[:3])):
        assert "nan" not in plot
        numbers = re.findall(r'\b(?:x|x1|x2|width)="([^"]+)"', plot)
        assert all(-1 <= float(number) <= 381 for number in numbers)
    assert min(seconds) <= quantile(seconds, 0.5) <= max(seconds)
