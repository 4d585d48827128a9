"""`switchboard models train` and `mean`: what they refuse, and that they do so before any work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from model_servers import request_training
from model_servers.request_network import Adapter
from model_servers.request_training import Epoch
from tests.unit.test_adapters import adapter_of

ROW = {
    "id": "r1",
    "request": "Read this aloud",
    "steps": [{"id": "s1", "tool": "synthesize_speech", "args": {"text": "input:text"}}],
}


def command(*words: str | Path) -> Result:
    from orchestrator.cli import app

    return CliRunner().invoke(app, ["models", *map(str, words)], prog_name="switchboard")


@pytest.fixture(autouse=True)
def trained(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Training without the minutes: how many rows it was asked to learn from, each time."""
    asked: list[int] = []

    def train(rows: list[Any], *_: Any, told: Any, **_more: Any) -> None:
        asked.append(len(rows))
        told(Epoch(1, 1, 0.5, adapter_of(1)))

    monkeypatch.setattr(request_training, "train", train)
    return asked


def data(folder: Path, *rows: object, name: str = "train-1.jsonl") -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    (folder / name).write_text("".join(f"{line}\n" for line in lines))
    return folder


def refused(done: Result, *said: str) -> None:
    assert done.exit_code == 2, done.output
    assert len(done.stderr.splitlines()) == 1
    for each in said:
        assert each in done.stderr
    assert done.stdout == ""


def test_the_adapter_goes_to_the_file_that_was_named(tmp_path: Path, trained: list[int]) -> None:
    out = tmp_path / "mine"
    done = command("train", "--data", data(tmp_path, ROW), "--out", out)
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{out}\n"
    assert Adapter.read(out).labels == ("chat",)
    assert {file.name for file in tmp_path.iterdir()} == {"mine", "train-1.jsonl"}
    assert len(trained) == 1


def test_the_mean_goes_to_the_file_that_was_named(tmp_path: Path) -> None:
    adapter_of(1).write(tmp_path / "a.npz")
    done = command("mean", tmp_path / "a.npz", "--out", tmp_path / "mean3")
    assert done.stdout == f"{tmp_path / 'mean3'}\n"
    np.testing.assert_allclose(Adapter.read(tmp_path / "mean3").head["bias"], 1)
    assert {file.name for file in tmp_path.iterdir()} == {"a.npz", "mean3"}


@pytest.mark.parametrize("where", ["no/such/folder/a.npz", "folder", "file/a.npz", "a" * 300])
@pytest.mark.parametrize("which", ["train", "mean"])
def test_a_place_that_cannot_be_written_is_told_before_any_work(
    tmp_path: Path, trained: list[int], which: str, where: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    adapter_of(1).write(tmp_path / "a.npz")
    before = {file.name for file in tmp_path.iterdir()}
    work = ("--data", data(tmp_path, ROW)) if which == "train" else (tmp_path / "a.npz",)
    refused(command(which, *work, "--out", tmp_path / where), "--out", where)
    assert trained == []
    assert {file.name for file in tmp_path.iterdir()} <= before | {"train-1.jsonl"}
    assert list((tmp_path / "folder").iterdir()) == []


def test_an_adapter_that_is_missing_or_is_none_is_told(tmp_path: Path) -> None:
    out = ("--out", tmp_path / "out.npz")
    refused(command("mean", tmp_path / "nofile.npz", *out), "There is no file", "nofile.npz")
    start = ("--from", tmp_path / "nofile.npz")
    refused(command("train", "--data", data(tmp_path, ROW), *start, *out), "There is no file")
    for content in (b"", b"hello", b"PK\x03\x04cut off"):
        (tmp_path / "bad.npz").write_bytes(content)
        done = command("mean", tmp_path / "bad.npz", *out)
        assert "bad.npz is no adapter" in done.stderr


@pytest.mark.parametrize("seed", ["-1", str(2**64)])
def test_a_seed_that_nothing_can_be_drawn_with_is_refused(tmp_path: Path, seed: str) -> None:
    done = command("train", "--data", data(tmp_path, ROW), "--seed", seed)
    refused(done, "--seed", "or equal to")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((ROW, "no json"), ("train-1.jsonl, line 2", "is not JSON")),
        ((ROW, [1]), ("train-1.jsonl, line 2", "is not a JSON object")),
        ((ROW, {"request": "Hi"}), ("train-1.jsonl, line 2", "id: Field required")),
        (("no", ROW, "no"), ("2 rows", "the first is train-1.jsonl, line 1")),
        ((), ("'train-1.jsonl' holds no row",)),
        (
            (ROW, {**ROW, "steps": [{"id": "s1", "tool": "no_such_tool"}]}),
            ("train-1.jsonl, line 2", "the tool 'no_such_tool'"),
        ),
        (
            ({**ROW, "steps": [{"id": "s1", "tool": "handoff"}]},),
            ("line 1", "human_requested, legal_threat, distress"),
        ),
        (
            ({**ROW, "steps": [{**ROW["steps"][0], "args": {"text": "s9.text"}}]},),  # type: ignore[index]
            ("line 1", "'s9', which is no step"),
        ),
    ],
)
def test_a_row_that_cannot_be_learnt_is_told_and_nothing_is_trained(
    tmp_path: Path, trained: list[int], rows: tuple[object, ...], said: tuple[str, ...]
) -> None:
    done = command("train", "--data", data(tmp_path, *rows), "--out", tmp_path / "out.npz")
    refused(done, *said)
    assert trained == []


def test_a_file_that_is_not_utf_8_is_told_with_its_line(tmp_path: Path) -> None:
    row = json.dumps({**ROW, "request": "Lies das für mich"}, ensure_ascii=False)
    (tmp_path / "train-1.jsonl").write_bytes(row.encode("latin-1") + b"\n")
    done = command("train", "--data", tmp_path, "--out", tmp_path / "out.npz")
    refused(done, "train-1.jsonl, line 1", "UTF-8")


def test_data_is_a_folder_of_train_files(tmp_path: Path) -> None:
    data(tmp_path, ROW, name="mine.jsonl")
    refused(command("train", "--data", tmp_path), "There is no train-*.jsonl in")
    refused(command("train", "--data", tmp_path / "mine.jsonl"), "a folder of train-*.jsonl")
    refused(command("train", "--data", tmp_path / "nowhere"), "a folder of train-*.jsonl")
    assert "train-*.jsonl" in command("train", "--help").stdout
