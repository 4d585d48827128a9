"""`switchboard eval`: what it prints, what it exits with, and two runs compared."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from pydantic import JsonValue
from typer.testing import CliRunner, Result

from evals import Run, run
from evals.compare import compare
from evals.report import as_json
from evals.run_folder import Solved, read_samples
from tests.unit import eval_fakes
from tests.unit.eval_fakes import TASK, WORDS, Accuracy, FakeWay, data_file


@pytest.fixture(autouse=True)
def only_this_task(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("eval", "evals.eval_commands:app", "switchboard.commands")
    monkeypatch.setattr("orchestrator.cli._points", lambda: {"eval": point})
    monkeypatch.setattr("evals.task_list.task_names", lambda: ["capitals"])
    monkeypatch.setitem(sys.modules, "evals.tasks.capitals", eval_fakes)


@pytest.fixture
def way(monkeypatch: pytest.MonkeyPatch) -> FakeWay:
    """What `run` asks in place of a service of its own."""
    fake = FakeWay()
    monkeypatch.setattr("evals.runner.ByUrl", lambda url, **more: _Opened(fake))
    return fake


class _Opened:
    def __init__(self, way: FakeWay) -> None:
        self._way = way

    async def __aenter__(self) -> Any:
        async def check() -> None: ...

        self._way.check = check  # type: ignore[attr-defined]
        return self._way

    async def __aexit__(self, *_: object) -> None: ...


def command(*words: str | Path) -> Result:
    from orchestrator.cli import app

    return CliRunner().invoke(app, ["eval", *map(str, words)])


def eval_run(folder: Path, *words: str | Path, out: str = "run") -> Result:
    data = data_file(folder)
    fixed = ("--data", data, "--url", "http://fake", "--out", folder / out)
    return command("run", "capitals", *fixed, *words)


def made(folder: Path, name: str, wrong: Sequence[str] = (), **more: Any) -> Run:
    return run(TASK, data=data_file(folder), out=folder / name, way=FakeWay(wrong=wrong), **more)


def test_the_tasks_are_listed_with_their_solvers() -> None:
    assert "capitals\tWrites in capitals.\taccuracy\tswitchboard, copy" in command("list").stdout
    (task,) = json.loads(command("list", "--json").stdout)
    assert task["solvers"] == ["switchboard", "copy"]
    assert task["needs_data"]


def test_a_task_that_brings_no_data_is_told_before_any_task_runs(
    tmp_path: Path, way: FakeWay, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = dataclasses.replace(TASK, name="own", default_data=data_file(tmp_path))
    form = dataclasses.replace(TASK, data_form="a file of lines")
    monkeypatch.setattr("evals.task_list.task_names", lambda: ["own", "capitals"])
    monkeypatch.setattr("evals.task_list.load_task", {"own": own, "capitals": form}.__getitem__)
    shown = command("list").stdout.splitlines()
    assert [line.rpartition("\t")[2] for line in shown] == ["its own", "--data a file of lines"]
    done = command("run", "own", "capitals", "--url", "http://fake", "--out", tmp_path / "run")
    assert done.exit_code == 2
    assert "capitals brings no data; say where it is with --data: a file of lines." in done.stderr
    assert way.asked == []


def test_a_baseline_of_another_task_is_refused_before_the_run(tmp_path: Path, way: FakeWay) -> None:
    before = run(
        dataclasses.replace(TASK, name="towns"),
        data=data_file(tmp_path),
        out=tmp_path / "before",
        way=FakeWay(),
    )
    done = eval_run(tmp_path, "--baseline", before.folder)
    assert done.exit_code == 2
    assert "is a run of towns; name one of capitals." in done.stderr
    assert way.asked == []


def test_the_headline_comes_first_also_where_it_is_an_average_over_labels(
    tmp_path: Path, way: FakeWay, monkeypatch: pytest.MonkeyPatch
) -> None:
    class ByLabel(Accuracy):
        def __call__(
            self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]
        ) -> dict[str, float]:
            (share,) = super().__call__(golds, predictions).values()
            return {"f1/a": share, "accuracy": share, "macro_f1": share}

    task = dataclasses.replace(TASK, metrics=[ByLabel()], headline="macro_f1")
    monkeypatch.setattr(eval_fakes, "TASK", task)
    way.wrong = set(WORDS[:7])
    done = eval_run(tmp_path)
    assert done.exit_code == 0, done.output
    first = next(line.split() for line in done.stdout.splitlines() if "0.8000" in line)
    assert first[:2] == ["macro_f1", "0.8000"]
    assert "–" in first  # its interval


def test_a_run_prints_its_figures_with_intervals_and_groups(tmp_path: Path, way: FakeWay) -> None:
    way.wrong = set(WORDS[:7])
    done = eval_run(tmp_path)
    assert done.exit_code == 0, done.output
    assert "accuracy" in done.stdout
    assert "0.8000" in done.stdout
    assert "side=even" in done.stdout
    assert str(tmp_path / "run") in done.stdout


def test_a_run_as_json_is_one_value(tmp_path: Path, way: FakeWay) -> None:
    found = json.loads(eval_run(tmp_path, "--json", "--limit", "5", "--seed", "3").stdout)
    (one,) = found["runs"]
    assert found["ok"]
    assert one["samples"] == 5
    assert one["metrics"]["all"]["accuracy"]["value"] == 1.0


@pytest.mark.parametrize(
    ("bound", "code"),
    [("accuracy=0.8", 0), ("accuracy=0.81", 1), ("llm_calls=1", 0), ("llm_calls=0.5", 1)],
)
def test_a_figure_worse_than_its_bound_exits_with_1_and_is_named(
    tmp_path: Path, way: FakeWay, bound: str, code: int
) -> None:
    way.wrong = set(WORDS[:7])
    done = eval_run(tmp_path, "--fail-under", bound)
    assert done.exit_code == code, done.output
    assert (bound.partition("=")[0] in done.stderr) == (code == 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--fail-under", "accuracy"), "METRIC=NUMBER"),
        (("--fail-under", "f1=0.5"), "no figure 'f1'"),
        (("--solver", "cpoy"), "did you mean 'copy'"),
        (("--baseline", "nowhere"), "no run in nowhere"),
        (("--profile", "gpu"), "--url"),
        (("--seed", "-1"), "greater than or equal to 0"),
        (("--seeds", "2", "--baseline", "somewhere"), "--seeds"),
    ],
)
def test_wrong_usage_exits_with_2_in_one_line(
    tmp_path: Path, way: FakeWay, words: tuple[str, ...], said: str
) -> None:
    done = eval_run(tmp_path, *words)
    assert done.exit_code == 2, done.output
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_task_that_is_not_there_is_told_with_the_nearest() -> None:
    done = command("run", "capital")
    assert done.exit_code == 2
    assert "There is no task 'capital'; did you mean 'capitals'?" in done.stderr


def test_bad_rows_golds_that_cannot_be_matched_and_errors_are_noted(
    tmp_path: Path, way: FakeWay
) -> None:
    data = data_file(tmp_path, ["one", "", "two\tTwo", "refused"])
    done = command("run", "capitals", "--data", data, "--url", "x", "--out", tmp_path / "run")
    assert (
        "rows that can't be read: 1; the first is lines.txt, line 2: the line is empty"
        in done.stderr
    )
    assert "golds that no prediction can match: 1" in done.stderr
    assert "samples that ended in an error: 1" in done.stderr


def test_several_seeds_give_runs_of_their_own_and_their_mean(tmp_path: Path, way: FakeWay) -> None:
    way.wrong = set(WORDS[:7])
    words = ("--seeds", "3", "--limit", "10", "--seed", "4")
    done = eval_run(tmp_path, *words)
    assert done.exit_code == 0, done.output
    runs = [
        json.loads((tmp_path / "run" / f"seed-{n}" / "metrics.json").read_text()) for n in (4, 5, 6)
    ]
    values = [found["all"]["accuracy"]["value"] for found in runs]
    assert "mean of the seeds 4, 5, 6" in done.stdout
    assert f"{mean(values):.4f}" in done.stdout.partition("mean of the seeds")[2]
    # A bound is the mean's: a seed may lie below it.
    assert min(values) < mean(values)
    assert (
        eval_run(tmp_path, *words, "--fail-under", f"accuracy={min(values) + 0.01}").exit_code == 0
    )
    assert eval_run(tmp_path, *words, "--fail-under", f"accuracy={max(values)}").exit_code == 1


def test_baselines_that_cost_nothing_stand_beside_in_the_same_run(
    tmp_path: Path, way: FakeWay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eval_fakes, "TASK", dataclasses.replace(TASK, beside=("copy",)))
    done = eval_run(tmp_path)
    assert done.exit_code == 0, done.output
    assert "capitals (copy): 35 samples" in done.stdout
    assert "switchboard against copy: 35 samples in both runs" in done.stdout
    (one,) = json.loads(eval_run(tmp_path, "--json").stdout)["runs"]
    (beside,) = one["beside"]
    assert beside["config"]["solver"] == "copy"
    assert beside["metrics"]["all"]["accuracy"]["value"] == 0.0
    assert beside["comparison"]["changes"][0]["verdict"] == "better"


def test_a_run_of_a_baseline_has_ours_beside_it(tmp_path: Path, way: FakeWay) -> None:
    done = eval_run(tmp_path, "--solver", "copy")
    assert done.exit_code == 0, done.output
    assert "switchboard against copy: 35 samples in both runs" in done.stdout
    assert (tmp_path / "run" / "switchboard" / "metrics.json").is_file()
    (one,) = json.loads(eval_run(tmp_path, "--solver", "copy", "--json").stdout)["runs"]
    (beside,) = one["beside"]
    assert (one["config"]["solver"], beside["config"]["solver"]) == ("copy", "switchboard")
    assert beside["comparison"]["changes"][0]["verdict"] == "better"
    told = json.loads(as_json(tmp_path / "run"))["comparison"]
    assert told["baseline"] == "switchboard"
    assert told["changes"][0]["verdict"] != "better"


def test_a_service_that_goes_away_exits_with_3(tmp_path: Path, way: FakeWay) -> None:
    way.gone_after = 4
    done = eval_run(tmp_path)
    assert done.exit_code == 3
    assert "4 of 35 samples are done" in done.stderr
    way.gone_after = None
    assert eval_run(tmp_path).exit_code == 0
    assert len(way.asked) == 35


def test_a_regression_against_the_baseline_exits_with_1_and_is_named(
    tmp_path: Path, way: FakeWay
) -> None:
    before = made(tmp_path, "before").folder
    way.wrong = set(WORDS[:12])
    done = eval_run(tmp_path, "--baseline", before)
    assert done.exit_code == 1
    assert "accuracy went from 1 to 0.6571, worse beyond the noise" in done.stderr


def test_what_is_within_the_noise_is_no_regression(tmp_path: Path, way: FakeWay) -> None:
    before = made(tmp_path, "before", WORDS[:3]).folder
    way.wrong = {*WORDS[1:3], WORDS[9], WORDS[20]}
    assert eval_run(tmp_path, "--baseline", before).exit_code == 0


def test_two_runs_are_compared_on_the_samples_that_both_solved(tmp_path: Path) -> None:
    before = made(tmp_path, "before", WORDS, limit=20, seed=1)
    after = made(tmp_path, "after", limit=20, seed=2)
    both = {s.sample.id for s in before.samples} & {s.sample.id for s in after.samples}
    found = compare(before.folder, after.folder, task=TASK)
    assert found.samples == len(both) < 20
    headline = found.changes[0]
    assert (headline.figure, headline.group) == ("accuracy", "")
    assert (headline.before, headline.after, headline.difference) == (0, 1, 1)
    assert headline.verdict == "better"
    assert not found.regressions


def test_compare_exits_with_1_where_the_second_run_is_worse(tmp_path: Path) -> None:
    good, bad = made(tmp_path, "good").folder, made(tmp_path, "bad", WORDS[::2]).folder
    assert command("compare", good, bad).exit_code == 1
    assert command("compare", bad, good).exit_code == 0
    assert command("compare", good, good).exit_code == 0
    assert "REGRESSED" in command("compare", good, bad).stdout
    found = json.loads(command("compare", good, bad, "--json").stdout)
    assert "accuracy" in found["regressions"]


def test_a_figure_of_which_less_is_better_regresses_upwards(tmp_path: Path) -> None:
    class Mistakes(Accuracy):
        name = "mistakes"
        higher_is_better = False

        def __call__(
            self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]
        ) -> dict[str, float]:
            return {"mistakes": 1 - super().__call__(golds, predictions)["accuracy"]}

    task = dataclasses.replace(TASK, metrics=[Mistakes()], headline="mistakes")
    good, bad = made(tmp_path, "good").folder, made(tmp_path, "bad", WORDS[::2]).folder
    assert next(c.name for c in compare(good, bad, task=task).regressions) == "mistakes"
    assert not compare(bad, good, task=task).regressions


def test_one_of_many_figures_must_differ_by_more_than_the_headline(tmp_path: Path) -> None:
    class PerWord(Accuracy):
        """Many figures: of 26, one moves by chance."""

        def __call__(
            self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]
        ) -> dict[str, float]:
            right = [g == p for g, p in zip(golds, predictions, strict=True)]
            shares = {f"share/{n}": sum(right[: n + 9]) / len(right[: n + 9]) for n in range(26)}
            return {"accuracy": 1.0, **shares}

    task = dataclasses.replace(TASK, metrics=[PerWord()])
    good = made(tmp_path, "good").folder
    slightly = made(tmp_path, "slightly", sorted(WORDS)[:8]).folder
    far = made(tmp_path, "far", sorted(WORDS)[:30]).folder
    found = compare(good, slightly, task=task)
    assert any(change.verdict == "worse" for change in found.changes)
    assert not found.regressions
    assert compare(good, far, task=task).regressions


def test_a_handful_of_samples_that_all_changed_alike_is_noise(tmp_path: Path) -> None:
    good = made(tmp_path, "good").folder
    for wrong, verdict in ((5, "noise"), (6, "worse")):
        bad = made(tmp_path, f"bad{wrong}", WORDS[:wrong]).folder
        few = {solved.sample.id: solved for solved in read_samples(bad)}
        lines = [line(few[word]) for word in WORDS[:wrong]]
        (bad / "samples.jsonl").write_text("".join(lines))
        found = compare(good, bad, task=TASK)
        assert found.changes[0].difference == -1
        assert found.changes[0].low == found.changes[0].high == -1
        assert found.changes[0].verdict == verdict
        assert bool(found.regressions) == (verdict == "worse")


def line(solved: Solved) -> str:
    sample, prediction = solved.sample.model_dump(), solved.prediction.model_dump()
    return json.dumps({"sample": sample, "prediction": prediction}) + "\n"


def test_runs_that_cannot_be_compared_are_told(tmp_path: Path) -> None:
    done = made(tmp_path, "run").folder
    assert "holds no finished run" in command("compare", done, tmp_path).stderr
    other = tmp_path / "other"
    other.mkdir()
    config = json.loads((done / "config.json").read_text()) | {"task": "routing"}
    (other / "config.json").write_text(json.dumps(config))
    assert "a run of capitals" in command("compare", done, other).stderr
    (other / "config.json").write_text((done / "config.json").read_text())
    (other / "samples.jsonl").write_text("")
    assert "no sample in common" in command("compare", done, other).stderr


def test_a_run_that_was_interrupted_is_told_wherever_it_is_read(
    tmp_path: Path, way: FakeWay
) -> None:
    whole = made(tmp_path, "whole").folder
    way.gone_after = 4
    assert eval_run(tmp_path, out="cut").exit_code == 3
    cut, said = tmp_path / "cut", "cut is unfinished: 4 of 35 samples are solved."
    facts = {"run": "cut", "solved": 4, "chosen": 35}
    assert said in command("compare", whole, cut).stdout
    assert json.loads(command("compare", whole, cut, "--json").stdout)["unfinished"] == [facts]
    assert said in command("report", cut).stderr
    assert said in (cut / "report.html").read_text()
    assert said in (cut / "report.md").read_text().replace("\\", "")
    assert json.loads((cut / "report.json").read_text())["unfinished"] == facts

    assert "unfinished" not in command("compare", whole, whole).stdout
    assert command("report", whole, "--baseline", cut).stderr == f"switchboard: {said}\n"
    assert "unfinished" not in (whole / "report.md").read_text()
    assert json.loads((whole / "report.json").read_text())["unfinished"] is None


@pytest.mark.parametrize("words", [("compare", "nofolder", "nofolder"), ("report", "nofolder")])
def test_a_folder_that_is_not_there_is_wrong_usage(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = command(*words)
    assert done.exit_code == 2
    assert "nofolder" in done.stderr
