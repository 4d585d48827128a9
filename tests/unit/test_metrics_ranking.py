"""Rankings and boxes."""

from __future__ import annotations

from math import log2
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.metrics import MeanAveragePrecision, MetricError, Ranking


def test_ranking_by_hand() -> None:
    golds: list[Any] = [["a"], ["b", "c"]]
    figures = Ranking((1, 3))(golds, [["x", "a"], {"ids": ["b", "z", "c"]}])
    assert figures["recall@1"] == pytest.approx((0 + 1 / 2) / 2)
    assert figures["recall@3"] == 1.0
    assert figures["mrr"] == pytest.approx((1 / 2 + 1) / 2)
    ideal = 1 + 1 / log2(3)
    assert figures["ndcg@3"] == pytest.approx((1 / log2(3) + (1 + 1 / log2(4)) / ideal) / 2)


def test_gains_weigh() -> None:
    figures = Ranking((2,))([{"a": 3, "b": 1, "c": 0}], [["b", "a"]])
    assert figures["ndcg@2"] == pytest.approx((1 + 3 / log2(3)) / (3 + 1 / log2(3)))


def test_an_error_and_an_empty_ranking_find_nothing() -> None:
    figures = Ranking((5,))([["a"]] * 3, [None, [], ["a"]])
    assert all(value == pytest.approx(1 / 3) for value in figures.values())


def test_an_id_twice_counts_once() -> None:
    assert Ranking((2,))([["a"]], [["x", "x", "a"]])["recall@2"] == 1.0


def test_a_gold_without_anything_is_said() -> None:
    with pytest.raises(MetricError, match="No prediction can match"):
        Ranking()([[]], [["a"]])


IDS = st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1)


@settings(deadline=None)
@given(IDS, IDS)
def test_ndcg_is_scikit_learns(relevant: list[str], ranked: list[str]) -> None:
    from sklearn.metrics import ndcg_score

    everything = [*ranked, *(key for key in "abcdefgh" if key not in ranked)]
    truth = np.array([[key in relevant for key in everything]], dtype=float)
    shown = np.arange(len(ranked))
    scores = np.full(len(everything), -100.0)
    scores[shown] = -shown
    figures = Ranking((len(ranked),))([list(relevant)], [list(ranked)])
    wanted = ndcg_score(truth, scores[None], k=len(ranked), ignore_ties=True)
    assert figures[f"ndcg@{len(ranked)}"] == pytest.approx(wanted, abs=1e-5)


@settings(deadline=None)
@given(IDS, IDS)
def test_rankings_are_shares_and_recall_grows(relevant: list[str], ranked: list[str]) -> None:
    figures = Ranking((1, 2, 4))([list(relevant)], [list(ranked)])
    assert all(0 <= value <= 1 + 1e-9 for value in figures.values())
    assert figures["recall@1"] <= figures["recall@2"] <= figures["recall@4"]


def box(left: float, right: float, label: str = "cat", **rest: Any) -> Any:
    """Ten pixels high."""
    return {"box": [left, 0, right, 10], "label": label, **rest}


def test_the_same_boxes_are_all_right() -> None:
    gold = [box(0, 10), box(20, 40, "dog")]
    figures = MeanAveragePrecision()([gold], [[thing | {"score": 0.9} for thing in gold]])
    assert set(figures.values()) == {1.0}
    assert {"map", "map_50", "map_75", "ap/cat", "ap/dog"} == figures.keys()


def test_overlap_decides_at_which_thresholds_a_box_is_right() -> None:
    # 8 of 10 pixels: right at 0.50, 0.55 … 0.80, which are seven of ten thresholds.
    figures = MeanAveragePrecision()([[box(0, 10)]], [[box(0, 8, score=1)]])
    assert figures["map_50"] == figures["map_75"] == 1.0
    assert figures["map"] == pytest.approx(0.7)


def test_precision_is_read_at_101_recalls() -> None:
    # The best-scored box is wrong: precision 1/2 up to recall 1/2, and nothing beyond.
    gold = [box(0, 10), box(100, 110)]
    found = [box(50, 60, score=0.9), box(0, 10, score=0.8)]
    assert MeanAveragePrecision()([gold], [found])["map_50"] == pytest.approx(0.5 * 51 / 101)


def test_a_missed_image_costs_recall() -> None:
    found = [[box(0, 10, score=0.9)], None]
    figures = MeanAveragePrecision()([[box(0, 10)], [box(0, 10)]], found)
    assert figures["map_50"] == pytest.approx(51 / 101)


def test_nothing_found_is_zero_and_nothing_to_find_no_figure() -> None:
    assert MeanAveragePrecision()([[box(0, 10)]], [[]])["map"] == 0.0
    assert MeanAveragePrecision()([[box(0, 10)]], [[box(0, 10, "dog", score=1)]])["map"] == 0.0
    assert MeanAveragePrecision()([[]], [[box(0, 10, score=1)]]) == {}


def test_a_crowd_is_no_miss() -> None:
    gold = [box(0, 10), box(50, 90, crowd=True)]
    assert MeanAveragePrecision()([gold], [[box(0, 10, score=0.5)]])["map"] == 1.0


@pytest.mark.parametrize("found", [box(0, 10), {"box": [0, 1], "label": "a", "score": 1}, "box"])
def test_what_is_no_box_is_said(found: Any) -> None:
    with pytest.raises(MetricError, match="A box is"):
        MeanAveragePrecision()([[box(0, 10)]], [[found]])
