"""`switchboard tasks`, over a real service on small tools."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from orchestrator.cli import app
from orchestrator.client import Client
from orchestrator.settings import get_settings
from tests.faults.small_service import plan_of, small_parts

SHOUTED = {"request": plan_of(("shout", {"text": "hello"}), ("shout", {"text": "s1"}))}
HANGING = {"request": plan_of(("trouble", {"text": "x", "how": "hang"}))}


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each command opens the same home's service anew, on small tools."""
    monkeypatch.setenv("SWITCHBOARD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SWITCHBOARD_LLM_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("SWITCHBOARD_LLM_MODEL", "none")
    get_settings.cache_clear()
    with small_parts():
        yield
    get_settings.cache_clear()


def run(*args: str) -> Result:
    return CliRunner().invoke(app, ["tasks", *args], prog_name="switchboard")


@pytest.mark.usefixtures("commands")
def test_the_command_lists_shows_follows_and_cancels() -> None:
    with Client(get_settings()) as made_by:
        done = made_by.json("POST", "/v1/tasks", body=SHOUTED)["id"]
        hangs = made_by.json("POST", "/v1/tasks", body=HANGING)["id"]
    # Left to go on with by the next command that opens the service.
    followed = run("show", done, "--follow")
    assert followed.exit_code == 0, followed.output
    assert f"{done} succeeded" in followed.stdout
    assert "s1        shout ok" in followed.stdout
    assert "HELLO" in followed.stdout
    shown = json.loads(run("show", done, "--json").stdout)
    assert shown["outcome"]["steps"][0]["result"] == {"text": "HELLO"}
    assert run("cancel", hangs).stdout == f"{hangs} cancelled\n"
    lines = [line.split("\t") for line in run("list").stdout.splitlines()]
    assert [(line[0], line[2]) for line in lines] == [(hangs, "cancelled"), (done, "succeeded")]
    (only,) = json.loads(run("list", "--state", "cancelled", "--json").stdout)
    assert only["id"] == hangs
    assert len(run("list", "--limit", "1").stdout.splitlines()) == 1


@pytest.mark.usefixtures("commands")
def test_the_command_says_in_one_line_what_is_wrong() -> None:
    for args in (("show", "task_none"), ("cancel", "task_none"), ("list", "--state", "done")):
        result = run(*args)
        assert result.exit_code == 2, result.output
        assert len(result.stderr.splitlines()) == 1
    with Client(get_settings()) as client:
        refused = {"request": plan_of(("trouble", {"text": "x"}))}
        task_id = client.json("POST", "/v1/tasks", body=refused)["id"]
    result = run("show", task_id, "--follow")
    assert result.exit_code == 1
    assert "error     That can't be done." in result.stdout
