"""SASRec: it learns an order, looks at nothing later, and goes on exactly where it was cut off."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from model_servers.recommenders.contract import Interactions
from model_servers.recommenders.errors import RecommenderError
from model_servers.recommenders.sasrec import SasRec
from model_servers.recommenders.sasrec_network import SasRecNetwork, Shape
from model_servers.recommenders.sasrec_training import Loss, Recipe, pick_device
from tests.unit.test_recommenders import interactions

SMALL = {"length": 8, "width": 16, "heads": 2, "layers": 1, "dropout": 0.0}


def in_turn(people: int = 60) -> Interactions:
    """Everybody takes items in a circle of ten, from where they begin."""
    return interactions([[(start + n) % 10 for n in range(6)] for start in range(people)], 10)


def sasrec(checkpoints: Path | None = None, **recipe: object) -> SasRec:
    settings: dict[str, object] = {
        "epochs": 25,
        "batch": 8,
        "device": "cpu",
        "learning_rate": 1e-2,
    }
    return SasRec(
        recipe=Recipe(**(settings | recipe)),  # type: ignore[arg-type]
        checkpoints=checkpoints,
        **SMALL,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("loss", ["softmax", "sampled"])
def test_an_order_is_learned_with_either_loss(loss: Loss) -> None:
    model = sasrec(loss=loss, negatives=8)
    model.fit(in_turn())
    for history, right in (([2, 3, 4], 5), ([8, 9], 0), ([5], 6)):
        (scores,) = model.scores([history])
        scores[history] = -np.inf  # what somebody had is not asked for
        assert scores.argmax() == right


def test_an_empty_history_has_finite_scores() -> None:
    model = sasrec(epochs=2)
    model.fit(in_turn())
    assert np.isfinite(model.scores([[], [1]])).all()
    assert model.scores([]).shape == (0, 10)


def test_a_state_depends_on_nothing_later() -> None:
    torch.manual_seed(0)
    network = SasRecNetwork(Shape(n_items=9, length=6, width=8, dropout=0.0)).eval()
    one = torch.tensor([[0, 1, 2, 3, 4, 5]])
    other = torch.tensor([[0, 1, 2, 3, 9, 9]])
    first, second = network(one), network(other)
    torch.testing.assert_close(first[:, :4], second[:, :4])
    assert not torch.allclose(first[:, 4], second[:, 4])


def test_padding_changes_nothing() -> None:
    torch.manual_seed(0)
    network = SasRecNetwork(Shape(n_items=9, length=6, width=8, dropout=0.0)).eval()
    short, long = torch.tensor([[3, 4]]), torch.tensor([[0, 0, 0, 3, 4]])
    torch.testing.assert_close(network(short)[:, -1], network(long)[:, -1])


class CutOffError(Exception):
    """What ends a training in the middle."""


def test_a_training_that_was_cut_off_ends_with_the_same_weights(tmp_path: Path) -> None:
    whole = sasrec(epochs=8)
    whole.fit(in_turn(), seed=5)

    def cut(done: float) -> None:
        if done >= 0.3:
            raise CutOffError

    with pytest.raises(CutOffError):
        sasrec(tmp_path, epochs=8).fit(in_turn(), seed=5, progress=cut)
    assert any(tmp_path.iterdir())
    resumed = sasrec(tmp_path, epochs=8)
    resumed.fit(in_turn(), seed=5)
    np.testing.assert_array_equal(resumed.scores([[1, 2]]), whole.scores([[1, 2]]))


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    sasrec(tmp_path, epochs=2).fit(in_turn(), seed=5)
    with pytest.raises(RecommenderError, match="other events, settings or another seed"):
        sasrec(tmp_path, epochs=2).fit(in_turn(), seed=6)


def test_a_checkpoint_that_is_damaged_is_told(tmp_path: Path) -> None:
    sasrec(tmp_path, epochs=2).fit(in_turn())
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(RecommenderError, match="can't be read"):
        sasrec(tmp_path, epochs=2).fit(in_turn())


def test_it_stops_when_nothing_gets_better() -> None:
    told: list[float] = []
    model = sasrec(epochs=200, patience=2)
    model.fit(in_turn(), progress=told.append)
    assert len(told) < 200
    assert told[-1] == pytest.approx(1.0)


def test_it_is_kept_without_pickle(tmp_path: Path) -> None:
    model = sasrec(epochs=2)
    model.fit(in_turn())
    model.save(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".safetensors"}
    again = SasRec.load(tmp_path)
    np.testing.assert_allclose(again.scores([[1, 2]]), model.scores([[1, 2]]), rtol=1e-6)
    (tmp_path / "sasrec.safetensors").write_bytes(b"nothing")
    with pytest.raises(RecommenderError, match="train it anew"):
        SasRec.load(tmp_path)


def test_before_a_fit_there_are_no_scores(tmp_path: Path) -> None:
    for ask in (lambda: SasRec().scores([[1]]), lambda: SasRec().save(tmp_path)):
        with pytest.raises(RecommenderError, match="not trained"):
            ask()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_told() -> None:
    with pytest.raises(RecommenderError, match="no GPU"):
        pick_device("cuda")
    assert pick_device("auto").type == "cpu"
