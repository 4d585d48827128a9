"""Labels: accuracy, F1, confusion, calibration and abstention."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.metrics import (
    ABSTAINED,
    FAILED,
    Abstention,
    AdditiveMetric,
    Calibration,
    Classification,
    MetricError,
    confusion,
    reliability,
)

LABELS = st.sampled_from(["a", "b", "c"])
PREDICTION = st.one_of(
    LABELS,
    st.none(),
    st.just({"label": None}),
    st.builds(lambda label, score: {"label": label, "score": score}, LABELS, st.floats(0, 1)),
)
PAIRS = st.lists(st.tuples(st.one_of(LABELS, st.none()), PREDICTION), min_size=1, max_size=30)


def sums(metric: AdditiveMetric, golds: list[Any], predictions: list[Any]) -> dict[str, float]:
    """The figures as resampling computes them."""
    return AdditiveMetric.__call__(metric, golds, predictions)


def test_the_example_of_scikit_learn() -> None:
    # https://scikit-learn.org/stable/modules/generated/sklearn.metrics.f1_score.html
    figures = Classification()(list("abcabc"), list("acbaab"))
    assert figures["macro_f1"] == pytest.approx(0.26666666)
    assert figures["micro_f1"] == pytest.approx(0.33333333)
    assert figures["f1/a"] == pytest.approx(0.8)
    assert figures["f1/b"] == 0.0
    assert figures["accuracy"] == pytest.approx(1 / 3)


def test_dont_know_costs_recall_and_no_precision() -> None:
    figures = Classification()(["a", "a"], ["a", {"label": None}])
    assert figures["precision/a"] == 1.0
    assert figures["recall/a"] == 0.5
    assert figures["accuracy"] == 0.5
    assert figures["answered"] == 0.5


def test_dont_know_is_right_where_no_label_fits_and_an_error_is_not() -> None:
    assert Classification()([None, None], [{"label": None}, None])["accuracy"] == 0.5


def test_a_foreign_label_costs_precision_and_makes_no_class() -> None:
    figures = Classification()(["a", "a"], ["a", "x"])
    assert figures["micro_precision"] == 0.5
    assert figures["macro_f1"] == pytest.approx(2 / 3)
    assert "f1/x" not in figures


def test_classes_can_be_left_out() -> None:
    assert not any("/" in name for name in Classification(per_class=False)(["a"], ["a"]))


def test_nothing_gives_no_figures() -> None:
    assert Classification()([], []) == {}


@settings(deadline=None)
@given(PAIRS)
def test_the_library_and_the_sums_agree(pairs: list[tuple[Any, Any]]) -> None:
    golds, predictions = map(list, zip(*pairs, strict=True))
    metric = Classification()
    assert metric(golds, predictions) == pytest.approx(sums(metric, golds, predictions))


@settings(deadline=None)
@given(PAIRS)
def test_label_figures_are_shares(pairs: list[tuple[Any, Any]]) -> None:
    golds, predictions = map(list, zip(*pairs, strict=True))
    for metric in (Classification(), Calibration(), Abstention("c")):
        assert all(0 <= value <= 1 for value in metric(golds, predictions).values())


@settings(deadline=None)
@given(st.lists(st.tuples(LABELS, LABELS), min_size=1))
def test_precision_turned_round_is_recall(pairs: list[tuple[str, str]]) -> None:
    golds, predictions = map(list, zip(*pairs, strict=True))
    one, other = Classification()(golds, predictions), Classification()(predictions, golds)
    assert one["micro_f1"] == pytest.approx(other["micro_f1"])
    for label in {*golds} & {*predictions}:
        assert one[f"precision/{label}"] == pytest.approx(other[f"recall/{label}"])


@pytest.mark.parametrize("prediction", [3, [], {"score": 0.5}, {"label": "a", "score": "high"}])
def test_what_is_no_label_is_said(prediction: Any) -> None:
    with pytest.raises(MetricError, match="prediction is a label"):
        Classification()(["a"], [prediction])


def test_counts_must_be_equal() -> None:
    with pytest.raises(MetricError, match="2 golds and 1 predictions"):
        Classification()(["a", "b"], ["a"])


def test_confusion_keeps_abstentions_and_errors_apart() -> None:
    found = confusion(["a", "a", "b", None], ["a", {"label": None}, None, "a"])
    assert found.golds == ("a", "b", ABSTAINED)
    assert found.chosen == ("a", "b", ABSTAINED, FAILED)
    assert found.rows == ((1, 0, 1, 0), (0, 0, 0, 1), (1, 0, 0, 0))


def test_calibration_by_hand() -> None:
    predictions = [
        {"label": "a", "score": 0.9},
        {"label": "a", "score": 0.9},
        {"label": "a", "score": 0.6},
        {"label": None, "score": 0.2},
        "a",
        None,
    ]
    figures = Calibration(bins=10)(list("abaaaa"), predictions)
    # Bin (0.8, 0.9]: score 0.9, half right. Bin (0.5, 0.6]: score 0.6, all right.
    assert figures["ece"] == pytest.approx((2 * 0.4 + 1 * 0.4) / 3)
    assert figures["brier"] == pytest.approx((0.01 + 0.81 + 0.16) / 3)


def test_labels_without_scores_have_no_calibration() -> None:
    assert Calibration()(["a"], ["a"]) == {}


@settings(deadline=None)
@given(PAIRS)
def test_brier_by_library_and_sums_agree(pairs: list[tuple[Any, Any]]) -> None:
    golds, predictions = map(list, zip(*pairs, strict=True))
    metric = Calibration()
    assert metric(golds, predictions) == pytest.approx(sums(metric, golds, predictions))


@settings(deadline=None)
@given(PAIRS)
def test_the_bins_hold_every_score_once(pairs: list[tuple[Any, Any]]) -> None:
    golds, predictions = map(list, zip(*pairs, strict=True))
    bins = reliability(golds, predictions, bins=5)
    scored = [p for p in predictions if isinstance(p, dict) and p.get("score") is not None]
    assert sum(found.count for found in bins) == len(scored)
    for found in bins:
        assert found.low - 1e-9 <= found.score <= found.high + 1e-9
    gap = sum(found.count * abs(found.score - found.accuracy) for found in bins)
    if scored:
        assert Calibration(5)(golds, predictions)["ece"] == pytest.approx(gap / len(scored))


def test_a_score_beyond_one_is_no_probability() -> None:
    with pytest.raises(MetricError, match="probability"):
        Calibration()(["a"], [{"label": "a", "score": 1.5}])


def test_abstention_by_hand() -> None:
    golds = ["a", "a", "b", "oos", "oos", None]
    predictions = ["a", {"label": None}, "a", "oos", "b", None]
    figures = Abstention("oos")(golds, predictions)
    assert figures["in_scope_accuracy"] == pytest.approx(1 / 3)
    assert figures["coverage"] == pytest.approx(2 / 3)
    assert figures["selective_accuracy"] == 0.5
    assert figures["oos_precision"] == 0.5
    assert figures["oos_recall"] == pytest.approx(1 / 3)
    assert figures["oos_f1"] == pytest.approx(0.4)


def test_without_golds_out_of_scope_there_is_nothing_to_find() -> None:
    assert "oos_f1" not in Abstention()(["a"], [{"label": None}])


def test_many_labels_take_little_time_and_no_nan() -> None:
    random = np.random.default_rng(0)
    golds = [str(value) for value in random.integers(77, size=500)]
    figures = Classification()(golds, golds)
    assert set(figures.values()) == {1.0}
