"""What each part of routing brings, on the real network and a few requests."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evals.ablation import FIGURES, PARTS
from orchestrator.cli import app

pytestmark = pytest.mark.models

DEV = Path(str(files("evals") / "data" / "routing" / "dev.jsonl"))


def test_each_part_is_left_out_once(tmp_path: Path) -> None:
    few = tmp_path / "few.jsonl"
    few.write_text("\n".join(DEV.read_text("utf-8").splitlines()[:20]), encoding="utf-8")
    result = CliRunner().invoke(app, ["eval", "ablate", "--data", str(few), "--json"])
    assert result.exit_code == 0, result.stderr
    whole, *without = json.loads(result.stdout)
    assert [each["without"] for each in without[: len(PARTS)]] == list(PARTS)
    assert len(without) == len(PARTS) + 1
    for each in (whole, *without):
        assert {*each["figures"]} <= {*FIGURES}
        assert all(0 <= value <= 1 for value in each["figures"].values())
        assert each["median_ms"] > 0
    by_clauses = without[-1]["figures"]
    assert by_clauses["node_f1"] < whole["figures"]["node_f1"]


def test_requests_that_are_none_are_one_line(tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"id": "x"}\n', encoding="utf-8")
    result = CliRunner().invoke(app, ["eval", "ablate", "--data", str(bad)])
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
