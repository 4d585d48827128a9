"""`switchboard ask --each` as a person and a script see it; the service has small parts."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from orchestrator.cli import app
from orchestrator.settings import get_settings
from tests.faults.small_service import plan_of, small_parts
from tests.unit.small_tools import FakeChat

TENS = plan_of(("tens", {"text": "input:text"}))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("SWITCHBOARD_HOME", str(tmp_path / "home"))
    get_settings.cache_clear()
    with small_parts(chat=FakeChat()):
        yield tmp_path / "home"
    get_settings.cache_clear()


def each(*args: str | Path) -> Result:
    arguments = ["ask", "--each", *map(str, args)]
    return CliRunner().invoke(app, arguments, prog_name="switchboard")


def results(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def file_of(folder: Path, *rows: str, name: str = "numbers.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(["number", *rows]), "utf-8")
    return path


def test_results_lie_beside_the_file_and_failed_rows_are_told(home: Path, tmp_path: Path) -> None:
    file = file_of(tmp_path, *(str(n) for n in range(60)), "poison", "7")
    result = each(TENS, "--file", file)
    assert result.exit_code == 0, result.output
    out = tmp_path / "numbers.results.csv"
    assert result.stdout == f"{out}\n"
    told = "62 rows: 61 done, 1 failed (row 61). Their text is from: number"
    assert result.stderr == f"switchboard: {told}\n"
    rows = results(out.read_text("utf-8"))
    assert [row["text"] for row in rows] == [*(str(n * 10) for n in range(60)), "", "70"]
    assert "no number" in rows[60]["error"]

    # A request that is asked again after it is done is a new one.
    again = each(TENS, "--file", file, "--out", tmp_path / "again.jsonl", "--json")
    assert json.loads(again.stdout)["rows"]["failed_rows"] == [61]
    lines = [json.loads(line) for line in (tmp_path / "again.jsonl").read_text().splitlines()]
    assert lines[3] == {"row": 4, "number": "3", "text": "30", "error": None}
    listed = CliRunner().invoke(app, ["tasks", "list", "--json"], prog_name="switchboard")
    assert listed.stdout.count('"succeeded"') == 2, listed.output


def test_the_plan_alone(home: Path, tmp_path: Path) -> None:
    result = each(TENS, "--file", file_of(tmp_path, "1"), "--plan")
    assert result.stdout == "s1  tens  text=input:text\n"
    assert not (tmp_path / "numbers.results.csv").exists()


def test_where_every_row_fails_so_does_the_command(home: Path, tmp_path: Path) -> None:
    result = each(TENS, "--file", file_of(tmp_path, "poison", "venom"))
    assert result.exit_code == 1
    assert len(results((tmp_path / "numbers.results.csv").read_text("utf-8"))) == 2


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ((), "takes one --file"),
        (("--file", "FILE", "--file", "FILE"), "takes one --file"),
        (("--file", "nowhere.csv"), "no file nowhere.csv"),
        (("--file", "FILE", "--out", "a.xlsx"), "neither"),
        (("--file", "FILE", "--out", "no/such/a.csv"), "no folder"),
        (("--file", "FILE", "--out", "FILE"), "write over"),
        (("--file", "FILE", "--conversation", "last"), "no conversation"),
        (("--file", "EMPTY"), "no rows"),
    ],
)
def test_misuse_is_one_line(home: Path, tmp_path: Path, args: tuple[str, ...], told: str) -> None:
    names = {
        "FILE": file_of(tmp_path, "1"),
        "EMPTY": file_of(tmp_path, name="empty.csv"),
    }
    result = each(TENS, *(names.get(arg, arg) for arg in args))
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.splitlines()
    assert told in line
    assert result.stdout == ""


def test_out_needs_each(home: Path) -> None:
    result = CliRunner().invoke(app, ["ask", "hi", "--out", "a.csv"], prog_name="switchboard")
    assert result.exit_code == 2


def test_a_command_that_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    """Killed with -9, service and all: nothing that was kept is run again."""
    file = file_of(tmp_path, *(f"row {n}" for n in range(150)))
    request = plan_of(("trouble", {"text": "input:text", "how": "block"}))
    database = tmp_path / "home" / "switchboard.db"
    command = [sys.executable, "-m", "tests.faults.small_service", "ask", request, "--each"]
    options = {
        "env": os.environ
        | {
            "SWITCHBOARD_HOME": str(tmp_path / "home"),
            "SWITCHBOARD_LLM_BASE_URL": "http://127.0.0.1:9/v1",
            "SWITCHBOARD_LLM_MODEL": "none",
        },
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
    }
    first = subprocess.Popen(  # type: ignore[call-overload]
        [*command, "--file", str(file)], **options
    )
    try:
        until = time.monotonic() + 120
        while told_rows(database) < 10:
            assert first.poll() is None, first.communicate()
            assert time.monotonic() < until
            time.sleep(0.05)  # another process's rows: nothing tells of them
    finally:
        first.send_signal(signal.SIGKILL)
        first.communicate()
    told = told_rows(database)
    assert 10 <= told < 150

    second = subprocess.run(  # type: ignore[call-overload]
        [*command, "--file", str(file)], check=False, timeout=180, **options
    )
    assert second.returncode == 0, second.stderr
    assert f"going on at row {told + 1} of 150" in second.stderr
    rows = results((tmp_path / "numbers.results.csv").read_text("utf-8"))
    assert [row["text"] for row in rows] == [f"row {n}" for n in range(150)]


def told_rows(database: Path) -> int:
    """How many rows the task has told of so far; the store has no fewer."""
    if not database.exists():
        return 0
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        try:
            found = connection.execute("SELECT progress FROM tasks").fetchone()
        except sqlite3.OperationalError:  # not made yet
            return 0
    return int(json.loads(found[0])["done"]) if found and found[0] else 0
