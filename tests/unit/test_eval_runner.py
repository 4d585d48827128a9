"""Runs: what is kept, what is gone on with, what is refused."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals import Run, run_async
from evals.environment import git_commit
from evals.run_folder import (
    RunError,
    RunInUse,
    RunMismatch,
    Solved,
    open_folder,
    read_samples,
)
from evals.runner import TaskBroken
from evals.task import Prediction, Sample, Way
from evals.ways import ServiceGone
from tests.unit.eval_fakes import TASK, WORDS, FakeWay, data_file


async def run(folder: Path, way: FakeWay | None = None, **more: Any) -> Run:
    data = more.pop("data", None) or data_file(folder)
    out = more.pop("out", folder / "run")
    task = more.pop("task", TASK)
    return await run_async(task, data=data, out=out, way=way or FakeWay(), **more)


async def test_a_run_keeps_configuration_samples_figures_and_what_they_took(tmp_path: Path) -> None:
    done = await run(tmp_path, FakeWay(wrong=WORDS[:7]))
    assert done.figure("accuracy") == pytest.approx(28 / 35)
    figure = done.metrics["all"]["accuracy"]
    assert figure["low"] < figure["value"] < figure["high"]
    kept = {name: json.loads((done.folder / name).read_text()) for name in JSON_FILES}
    assert kept["config.json"]["task"] == "capitals"
    assert kept["environment.json"]["machine"]["cpus"] >= 1
    assert kept["dataset.json"]["samples"] == 35
    assert kept["metrics.json"] == json.loads(json.dumps(done.metrics))
    assert set(done.metrics["groups"]["side"]) == {"even", "odd"}
    solved = {one.sample.id: one for one in read_samples(done.folder)}
    assert set(solved) == set(WORDS)
    prediction = solved[WORDS[0]].prediction
    assert (prediction.value, prediction.trace_id) == ("?", f"turn_{WORDS[0]}")
    assert (prediction.prompt_tokens, prediction.llm_calls) == (5, 1)
    assert prediction.seconds > 0


JSON_FILES = ("config.json", "environment.json", "dataset.json", "metrics.json")


async def test_samples_run_side_by_side_up_to_a_bound(tmp_path: Path) -> None:
    way = FakeWay()
    await run(tmp_path, way, concurrency=3)
    assert way.most == 3


async def test_a_seed_draws_the_same_samples_and_gives_the_same_figures(tmp_path: Path) -> None:
    wrong = WORDS[::3]
    runs = [
        await run(tmp_path, FakeWay(wrong=wrong), out=tmp_path / str(n), limit=12, seed=seed)
        for n, seed in enumerate((7, 7, 8))
    ]
    ids = [[solved.sample.id for solved in one.samples] for one in runs]
    assert ids[0] == ids[1] != ids[2]
    assert len(ids[0]) == 12
    for part in ("all", "groups"):
        assert runs[0].metrics[part] == runs[1].metrics[part]


async def test_a_service_that_goes_away_is_told_and_the_run_goes_on_from_there(
    tmp_path: Path,
) -> None:
    with pytest.raises(ServiceGone, match=r"10 of 35 samples are done.*--out"):
        await run(tmp_path, FakeWay(gone_after=10))
    assert len(read_samples(tmp_path / "run")) == 10
    way = FakeWay()
    done = await run(tmp_path, way)
    assert len(way.asked) == 25
    assert len(done.samples) == 35
    assert done.figure("accuracy") == 1.0


async def test_a_solver_that_swallows_errors_does_not_hide_that_the_service_is_gone(
    tmp_path: Path,
) -> None:
    async def swallow(sample: Sample, way: Way) -> Prediction:
        try:
            await way.ask("x")
        except ServiceGone as error:
            return Prediction(error=error.message)
        return Prediction()

    task = dataclasses.replace(TASK, solve=swallow)
    with pytest.raises(ServiceGone):
        await run(tmp_path, FakeWay(gone_after=0), task=task)
    assert read_samples(tmp_path / "run") == []


async def test_an_error_of_one_sample_is_its_prediction(tmp_path: Path) -> None:
    done = await run(tmp_path, data=data_file(tmp_path, ["fine", "refused"]))
    assert done.errors == 1
    assert done.samples[1].prediction.error == "internal_error: That is no good."
    assert done.figure("accuracy") == 0.5


async def test_a_bug_in_a_task_names_the_sample(tmp_path: Path) -> None:
    async def broken(sample: Sample, way: Way) -> Prediction:
        raise KeyError("label")

    with pytest.raises(TaskBroken, match=r"wordaf.*KeyError"):
        await run(tmp_path, task=dataclasses.replace(TASK, solve=broken))


async def test_rows_that_cannot_be_read_are_kept_with_their_lines(tmp_path: Path) -> None:
    done = await run(tmp_path, data=data_file(tmp_path, ["one", "", "two"]))
    (bad,) = done.bad_rows
    assert (bad.line, bad.reason) == (2, "the line is empty")
    assert json.loads((done.folder / "dataset.json").read_text())["bad_rows"][0]["line"] == 2


async def test_a_gold_that_no_prediction_can_match_is_told(tmp_path: Path) -> None:
    done = await run(tmp_path, data=data_file(tmp_path, ["one", "two\tTwo"]))
    assert done.unmatchable == {"two": "'Two' is not in capitals"}
    kept = json.loads((done.folder / "dataset.json").read_text())["unmatchable"]
    assert [row["id"] for row in kept] == ["two"]


async def test_another_configuration_is_refused_in_the_same_folder(tmp_path: Path) -> None:
    await run(tmp_path, seed=1)
    with pytest.raises(RunMismatch, match="seed was 1 and is 2"):
        await run(tmp_path, seed=2)
    with pytest.raises(RunMismatch, match="solver"):
        await run(tmp_path, seed=1, solver="copy")


async def test_two_runs_at_once_in_one_folder_are_refused(tmp_path: Path) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def wait(sample: Sample, way: Way) -> Prediction:
        begun.set()
        await go_on.wait()
        return Prediction(value=sample.gold)

    first = asyncio.create_task(run(tmp_path, task=dataclasses.replace(TASK, solve=wait)))
    await begun.wait()
    with pytest.raises(RunInUse, match="at work"):
        await run(tmp_path)
    go_on.set()
    assert (await first).figure("accuracy") == 1.0


async def test_a_finished_run_asks_nothing_again(tmp_path: Path) -> None:
    first = await run(tmp_path)
    again = await run(tmp_path, way := FakeWay())
    assert way.asked == []
    assert again.metrics == first.metrics


async def test_a_line_that_was_cut_off_is_solved_again(tmp_path: Path) -> None:
    done = await run(tmp_path)
    file = done.folder / "samples.jsonl"
    file.write_bytes(file.read_bytes()[:-20])
    again = await run(tmp_path, way := FakeWay())
    assert len(way.asked) == 1
    assert len(read_samples(again.folder)) == 35


async def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    done = await run(tmp_path)
    file = done.folder / "samples.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([*lines[:2], "{oh\n", *lines[3:]]))
    with pytest.raises(RunError, match="line 3 is damaged"):
        await run(tmp_path)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"solver": "vader"}, "no solver 'vader'; there are: switchboard, copy"),
        ({"data": Path("/nowhere/at/all")}, "There is no data"),
    ],
)
async def test_what_is_not_there_is_told(tmp_path: Path, more: dict[str, Any], said: str) -> None:
    with pytest.raises(RunError, match=said):
        await run(tmp_path, **more)


async def test_no_samples_and_equal_ids_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no samples; 2 rows are bad"):
        await run(tmp_path, data=data_file(tmp_path, ["", ""]))
    with pytest.raises(RunError, match="2 samples with the id 'one'"):
        await run(tmp_path, data=data_file(tmp_path, ["one", "one"]))


@given(kept_bytes=st.integers(0, 2_000))
def test_a_file_cut_at_any_byte_keeps_its_whole_lines(kept_bytes: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        with open_folder(path, {}) as folder:
            for number in range(5):
                sample = Sample(id=str(number), inputs={"text": "语" * 20}, gold=None)
                folder.add(Solved(sample, Prediction(value="\ud800")))
        file = path / "samples.jsonl"
        raw = file.read_bytes()[:kept_bytes]
        file.write_bytes(raw)
        with open_folder(path, {}) as folder:
            assert len(folder.done) == raw.count(b"\n")
            folder.add(Solved(Sample(id="new", inputs={}, gold=None), Prediction()))
        assert [one.sample.id for one in read_samples(path)][-1] == "new"


async def test_the_trace_of_each_sample_is_kept_with_it(tmp_path: Path) -> None:
    class TracedWay(FakeWay):
        async def trace(self, trace_id: str) -> dict[str, Any] | None:
            return {"id": trace_id, "spans": []}

    done = await run(tmp_path, TracedWay())
    assert {s.sample.id: s.trace for s in read_samples(done.folder)} == {
        word: {"id": f"turn_{word}", "spans": []} for word in WORDS
    }


def test_the_commit_is_told_of_tracked_files_alone(tmp_path: Path) -> None:
    file = tmp_path / "code.py"
    file.write_text("x = 1\n")
    assert git_commit(file) is None
    git = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    assert git_commit(file) is None
    subprocess.run([*git, "add", "code.py"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "First"], check=True)
    commit = git_commit(file)
    assert commit is not None
    assert len(commit) == 40
    file.write_text("x = 2\n")
    assert git_commit(file) == commit + "+"


def test_a_folder_is_free_again_after_its_process_was_killed(tmp_path: Path) -> None:
    data_file(tmp_path)
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], cwd=Path.cwd())
    file = tmp_path / "run" / "samples.jsonl"
    until = time.monotonic() + 30
    while not (file.exists() and file.stat().st_size) and time.monotonic() < until:
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    kept = len(read_samples(tmp_path / "run"))
    assert 0 < kept < len(WORDS)
    way = FakeWay()
    done = asyncio.run(run(tmp_path, way))
    assert len(way.asked) == len(WORDS) - kept
    assert done.figure("accuracy") == 1.0


KILLED = """
import asyncio, sys
from pathlib import Path
from evals import run
from tests.unit.eval_fakes import TASK, FakeWay

class SlowWay(FakeWay):
    async def ask(self, request, **more):
        await asyncio.sleep(0.2)
        return await super().ask(request, **more)

folder = Path(sys.argv[1])
run(TASK, data=folder / "lines.txt", out=folder / "run", way=SlowWay(), concurrency=1)
"""


def test_a_folder_with_samples_but_no_configuration_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "samples.jsonl").write_text("{}\n")
    with pytest.raises(RunError, match=r"without a config\.json"), open_folder(tmp_path, {}):
        pass
