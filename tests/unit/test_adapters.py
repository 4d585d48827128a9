"""The mean of adapters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from evals.train_commands import app
from model_servers.request_network import Adapter
from orchestrator.commands.output import BadUsage


def adapter_of(value: float, *, rank: int = 2, labels: tuple[str, ...] = ("chat",)) -> Adapter:
    low, high = np.full((rank, 3), value), np.full((3, rank), value)
    combinations = (("chat",), (f"of {value}",))
    return Adapter(labels, (), {"l11.q": low}, {"l11.q": high}, {"bias": low[0]}, combinations)


def test_each_matrix_is_the_mean_and_each_combination_is_kept() -> None:
    joined = Adapter.mean([adapter_of(1), adapter_of(4), adapter_of(4)])
    for kind in (joined.low["l11.q"], joined.high["l11.q"], joined.head["bias"]):
        np.testing.assert_allclose(kind, 3)
    assert joined.combinations == (("chat",), ("of 1",), ("of 4",))


def test_what_a_lower_rank_lacks_counts_as_nothing() -> None:
    joined = Adapter.mean([adapter_of(2, rank=1), adapter_of(4, rank=2)])
    np.testing.assert_allclose(joined.low["l11.q"], [[3, 3, 3], [2, 2, 2]])
    np.testing.assert_allclose(joined.high["l11.q"], [[3, 2]] * 3)


def test_adapters_for_other_tools_have_no_mean(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.npz", "b.npz")]
    for file, label in zip(files, ("chat", "handoff"), strict=True):
        adapter_of(1, labels=(label,)).write(file)
    with pytest.raises(ValueError, match="different labels"):
        Adapter.mean([Adapter.read(file) for file in files])
    out = tmp_path / "mean.npz"
    refused = CliRunner().invoke(app, ["mean", *map(str, files), "--out", str(out)])
    assert isinstance(refused.exception, BadUsage)
    assert not out.exists()


def test_the_command_writes_the_mean(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.npz", "b.npz")]
    for file, value in zip(files, (1, 3), strict=True):
        adapter_of(value).write(file)
    out = tmp_path / "mean.npz"
    done = CliRunner().invoke(app, ["mean", *map(str, files), "--out", str(out)])
    assert done.exit_code == 0, done.output
    np.testing.assert_allclose(Adapter.read(out).head["bias"], 2)
