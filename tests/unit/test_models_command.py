"""`switchboard models` where nothing has been pulled."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from orchestrator.commands.models import app
from orchestrator.commands.pull_progress import PlainProgress
from orchestrator.settings import get_settings


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SWITCHBOARD_CACHE", str(tmp_path))
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_the_list_names_what_is_missing_and_what_is_bundled() -> None:
    models = {model["name"]: model for model in json.loads(run("list", "--json").stdout)}
    assert models["all-minilm-l6-v2"]["state"] == "missing"
    assert models["all-minilm-l6-v2"]["licence"] == "Apache-2.0"
    assert models["py3langid"]["state"] == "bundled"


def test_verify_says_that_a_model_is_not_here_and_exits_1() -> None:
    result = run("verify", "vader-ratings", "--json")
    assert result.exit_code == 1
    (found,) = json.loads(result.stdout)
    assert found["name"] == "vader-ratings"
    assert "switchboard models pull" in found["problem"]


@pytest.mark.parametrize("command", ["pull", "verify"])
def test_an_unknown_model_is_one_line_on_stderr(command: str, tmp_path: Path) -> None:
    result = run(command, "all-minilm")
    assert result.exit_code != 0
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert "did you mean all-minilm-l6-v2?" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_plain_progress_speaks_at_each_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    progress = PlainProgress()
    progress.start("net", 100_000_000, 0)
    for _ in range(100):
        progress.advance("net", 1_000_000)
    progress.finish("net")
    lines = capsys.readouterr().err.splitlines()
    assert 11 <= len(lines) <= 13
    assert lines[0].endswith("net: downloading 100 MB")
    assert lines[-2].endswith("net: 100% of 100 MB")
    assert lines[-1].endswith("net: ready")
