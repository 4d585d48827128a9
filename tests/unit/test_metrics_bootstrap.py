"""Intervals, differences and costs."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from evals.metrics import (
    Classification,
    Difference,
    Interval,
    MetricError,
    Translation,
    bootstrap,
    cost_intervals,
    costs,
    paired_difference,
)
from evals.metrics.bootstrap import SLOW_RESAMPLES
from evals.task import Prediction


def answers(right: int, size: int) -> tuple[list[Any], list[Any]]:
    return ["a"] * size, ["a"] * right + ["b"] * (size - right)


class Slow:
    """Accuracy as a metric that is no sum."""

    name = "slow"
    higher_is_better = True

    def __init__(self) -> None:
        self.calls = 0

    def __call__(
        self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]
    ) -> dict[str, float]:
        self.calls += 1
        return {
            "accuracy": float(np.mean([g == p for g, p in zip(golds, predictions, strict=True)]))
        }


def test_an_interval_is_as_wide_as_the_binomials() -> None:
    found = bootstrap(Classification(), *answers(160, 200), seed=1)["accuracy"]
    assert found.value == 0.8
    # 1.96 times the square root of 0.8 · 0.2 / 200
    assert found.low == pytest.approx(0.8 - 0.0554, abs=0.01)
    assert found.high == pytest.approx(0.8 + 0.0554, abs=0.01)


def test_the_same_seed_gives_the_same_bounds() -> None:
    data = answers(30, 50)
    assert bootstrap(Classification(), *data, seed=7) == bootstrap(Classification(), *data, seed=7)
    other = bootstrap(Classification(), *data, seed=8)["macro_f1"]
    assert other != bootstrap(Classification(), *data, seed=7)["macro_f1"]


def test_a_metric_that_is_no_sum_is_drawn_less_often() -> None:
    slow = Slow()
    found = bootstrap(slow, *answers(160, 200), seed=1)["accuracy"]
    assert slow.calls == SLOW_RESAMPLES + 1
    assert found.low == pytest.approx(0.745, abs=0.025)


def test_a_higher_level_is_wider() -> None:
    data = answers(160, 200)
    usual = bootstrap(Classification(), *data, seed=1)["accuracy"]
    wide = bootstrap(Classification(), *data, seed=1, level=0.99)["accuracy"]
    assert wide.low < usual.low < usual.high < wide.high


def test_a_rare_label_leaves_no_nan() -> None:
    found = bootstrap(Classification(), ["a"] * 9 + ["b"], ["a"] * 10, seed=0)
    assert found["recall/b"] == Interval(0.0, 0.0, 0.0)
    assert not any(np.isnan(interval).any() for interval in found.values())


def test_a_thousand_resamples_of_a_large_run_take_a_moment() -> None:
    random = np.random.default_rng(0)
    golds: list[Any] = [str(value) for value in random.integers(77, size=3000)]
    begun = perf_counter()
    bootstrap(Classification(), golds, golds, seed=0)
    assert perf_counter() - begun < 20


def test_nothing_has_no_intervals() -> None:
    assert bootstrap(Classification(), [], [], seed=0) == {}


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from(["a", "b", None])), min_size=1, max_size=20
    )
)
def test_bounds_are_in_order_and_possible(pairs: list[tuple[str, str | None]]) -> None:
    golds: list[Any] = [gold for gold, _ in pairs]
    found: list[Any] = [value for _, value in pairs]
    for interval in bootstrap(Classification(), golds, found, seed=0, resamples=50).values():
        assert 0 <= interval.low <= interval.high <= 1


def test_a_run_does_not_differ_from_itself() -> None:
    golds, found = answers(10, 20)
    for difference in paired_difference(Classification(), golds, found, found, seed=0).values():
        assert difference == Difference(0.0, 0.0, 0.0)
        assert not difference.beyond_noise


def test_one_sample_of_many_is_noise_and_twenty_are_not() -> None:
    golds, good = answers(100, 120)
    _, slightly_worse = answers(99, 120)
    _, much_worse = answers(80, 120)
    noise = paired_difference(Classification(), golds, good, slightly_worse, seed=0)["accuracy"]
    loss = paired_difference(Classification(), golds, good, much_worse, seed=0)["accuracy"]
    assert not noise.beyond_noise
    assert loss.value == pytest.approx(-1 / 6)
    assert loss.beyond_noise
    assert loss.worse(higher_is_better=True)
    assert not loss.worse(higher_is_better=False)


def test_pairing_sees_what_the_intervals_hide() -> None:
    golds, good = answers(60, 100)
    _, worse = answers(52, 100)
    metric = Classification()
    one, other = (bootstrap(metric, golds, found, seed=0)["accuracy"] for found in (good, worse))
    assert other.high > one.low
    assert paired_difference(metric, golds, good, worse, seed=0)["accuracy"].beyond_noise


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=20))
def test_the_difference_turned_round_has_the_other_sign(pairs: list[tuple[bool, bool]]) -> None:
    golds: list[Any] = ["a"] * len(pairs)
    one: list[Any] = ["a" if right else "b" for right, _ in pairs]
    other: list[Any] = ["a" if right else "b" for _, right in pairs]
    metric = Classification()
    there = paired_difference(metric, golds, one, other, seed=0, resamples=50)["accuracy"]
    back = paired_difference(metric, golds, other, one, seed=0, resamples=50)["accuracy"]
    assert there == pytest.approx((-back.value, -back.high, -back.low))


def test_runs_of_different_size_are_no_pair() -> None:
    with pytest.raises(MetricError, match="2 golds and 1 predictions"):
        paired_difference(Classification(), ["a", "a"], ["a", "a"], ["a"], seed=0)


def test_translations_are_resampled_as_sacrebleu_scores_them() -> None:
    golds: list[Any] = ["the cat sat on the mat", "a dog ran", "it rains a lot here today"]
    found: list[Any] = ["the cat sat on a mat", "a dog ran", None]
    interval = bootstrap(Translation(), golds, found, seed=3, resamples=200)["chrf"]
    draws = np.random.default_rng(3).integers(3, size=(200, 3))
    scores = [
        Translation()([golds[i] for i in draw], [found[i] for i in draw])["chrf"] for draw in draws
    ]
    assert (interval.low, interval.high) == pytest.approx(np.quantile(scores, [0.025, 0.975]))


def run() -> list[Prediction]:
    solved = [
        Prediction(value="x", seconds=float(i), prompt_tokens=10 * (i > 5), llm_calls=int(i > 5))
        for i in range(1, 11)
    ]
    return [*solved, Prediction(error="timeout: It took too long.", seconds=60.0)]


def test_costs_by_hand() -> None:
    found = costs(run())
    assert found["latency_median_s"] == 6.0
    # Between the tenth of eleven and the last, half way.
    assert found["latency_p95_s"] == pytest.approx(35.0)
    assert found["prompt_tokens"] == pytest.approx(50 / 11)
    assert found["llm_calls"] == pytest.approx(5 / 11)
    assert found["no_llm_share"] == 0.5
    assert found["error_share"] == pytest.approx(1 / 11)


def test_a_run_of_errors_has_no_share_without_the_chat_model() -> None:
    failed = [Prediction(error="e: E.", seconds=1.0)]
    assert "no_llm_share" not in costs(failed)
    assert cost_intervals(failed, seed=0)["error_share"] == Interval(1.0, 1.0, 1.0)
    assert costs([]) == cost_intervals([], seed=0) == {}


def test_cost_intervals_hold_the_values_and_follow_the_seed() -> None:
    found = cost_intervals(run(), seed=4)
    assert found == cost_intervals(run(), seed=4)
    assert {name: interval.value for name, interval in found.items()} == costs(run())
    assert all(interval.low <= interval.value <= interval.high for interval in found.values())
