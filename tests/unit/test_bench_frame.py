import asyncio
import json
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from evals.bench import dataflow, frame
from evals.bench.frame import Bench, Row, as_cells, interleave, ratio_row, row
from orchestrator.cli import app

samples = st.lists(st.floats(0.001, 1e6), min_size=1, max_size=30)


@given(samples)
def test_the_median_lies_among_the_samples_and_the_spread_is_within_their_range(
    values: list[float],
) -> None:
    made = row("x", values, "s")
    assert made.median == statistics.median(values)
    assert 0 <= made.spread <= max(values) - min(values) + 1e-9


def test_a_bound_is_met_up_to_and_with_itself() -> None:
    assert row("x", [1, 2, 3], "s").ok
    assert row("x", [1, 2, 3], "s", bound=2).ok
    assert not row("x", [1, 2, 3], "s", bound=1.99).ok


def test_ratios_pair_the_repetitions() -> None:
    # A machine that slows down tenfold in between leaves the ratio alone.
    made = ratio_row("x", [1, 10, 1], [2, 20, 2])
    assert (made.median, made.spread, made.unit) == (0.5, 0, "×")


async def test_subjects_take_turns_and_are_warmed() -> None:
    calls: list[str] = []

    async def one() -> None:
        calls.append("one")

    async def two() -> None:
        calls.append("two")
        await asyncio.sleep(0)

    taken = await interleave(2, one, two)
    assert calls == ["one", "two"] * 3
    assert [len(seconds) for seconds in taken] == [2, 2]
    assert all(second >= 0 for seconds in taken for second in seconds)


def test_cells_name_the_unit_and_what_was_missed() -> None:
    assert as_cells(Row("x", 0.51234, 0.1, "s")) == ("x", "0.512 s", "± 0.1 s", "", "")
    assert as_cells(Row("x", 2, 0, "×", 1.05))[3:] == ("≤ 1.05 ×", "MISSED")
    assert as_cells(Row("x", 12345.6, 0, "tok/s"))[1] == "12,346 tok/s"


@pytest.fixture
def benches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two benches in place of the real ones: one within its bound, one beyond."""
    made = {
        "good": Bench("good", "stays within", lambda n: [row("a", [1.0] * n, "s", 2)], 3),
        "bad": Bench("bad", "goes beyond", lambda n: [row("a", [3.0] * n, "s", 2)], 3),
    }
    monkeypatch.setattr(frame, "bench_names", lambda: list(made))
    monkeypatch.setattr(frame, "load_bench", made.__getitem__)


@pytest.mark.usefixtures("benches")
def test_the_command_prints_checks_and_speaks_json() -> None:
    def run(*args: str) -> tuple[int, str, str]:
        done = CliRunner().invoke(app, ["bench", *args], prog_name="switchboard")
        return done.exit_code, done.stdout, done.stderr

    assert run("list")[1] == "good\tstays within\nbad\tgoes beyond\n"
    assert "1 s" in run("good")[1]
    assert run("good", "--check")[0] == 0
    assert run("bad")[0] == 0
    code, shown, told = run("--check")
    assert code == 1
    assert "MISSED" in shown
    assert told == "switchboard: missed: bad: a\n"
    code, shown, _ = run("--json", "--check")
    assert code == 1
    report = json.loads(shown)
    assert report["ok"] is False
    first = report["benches"][0]
    assert first["bench"] == "good"
    assert first["rows"][0] == {
        "name": "a",
        "median": 1.0,
        "spread": 0.0,
        "unit": "s",
        "bound": 2,
        "ok": True,
    }
    code, _, told = run("god")
    assert code == 2
    assert "did you mean 'good'?" in told


def test_every_bench_that_is_listed_loads_and_is_called_as_its_module() -> None:
    names = frame.bench_names()
    assert set(names) >= {"dataflow", "imports", "media", "overhead", "routing"}
    assert "frame" not in names
    for name in names:
        bench = frame.load_bench(name)
        assert bench.name == name
        assert bench.summary
        assert bench.repeats > 0


def test_the_real_benches_are_listed_and_no_part_of_one_is_taken_for_a_bench() -> None:
    def run(*args: str) -> Result:
        return CliRunner().invoke(app, ["bench", *args], prog_name="switchboard")

    lines = run("list").stdout.splitlines()
    assert [line.partition("\t")[0] for line in lines] == frame.bench_names()
    assert [one["name"] for one in json.loads(run("list", "--json").stdout)] == frame.bench_names()
    for part in ("_media_scripts", "media_scripts", "frame"):
        refused = run(part)
        assert refused.exit_code == 2
        assert f"There is no bench {part!r}" in refused.stderr


def test_a_critical_path_is_its_longest_chain() -> None:
    assert dataflow.CHAIN.critical_path_s() == pytest.approx(0.8)
    assert dataflow.FAN_OUT.critical_path_s() == pytest.approx(0.9)
    assert dataflow.DIAMOND.critical_path_s() == pytest.approx(1.6)
