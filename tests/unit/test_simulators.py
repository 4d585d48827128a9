"""The simulators: their optimum is the optimum, and what is measured of a curve is its growth."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from evals.recommenders.simulation import growth
from evals.recommenders.simulators import (
    DEEP,
    N_CANDIDATES,
    QUICK,
    STEPS,
    ChangingTaste,
    SingleShowings,
    best_session,
    chance,
    next_level,
    start_level,
)


def test_the_best_session_is_the_best_of_all_sessions() -> None:
    """Of each kind the first item is the best, so that 2⁸ sessions are all that could be."""
    found = []
    for items in product((0, len(QUICK)), repeat=STEPS):
        level, clicks = start_level(), 0.0
        for item in items:
            clicks += chance(level, item)
            level = next_level(level, item)
        found.append(clicks)
    assert best_session() == pytest.approx(max(found))


def test_what_pleases_at_once_is_the_best_now_and_not_in_the_end() -> None:
    for level in range(4):
        assert chance(level, 0) > chance(level, len(QUICK))
    assert best_session() > 2 * sum(chance(max(1 - step, 0), 0) for step in range(STEPS))
    assert next_level(0, 0) == 0
    assert next_level(3, len(QUICK) + len(DEEP) - 1) == 3


@pytest.mark.parametrize("linear", [True, False])
def test_showings_are_the_same_for_a_seed_and_rewards_are_right_on_average(linear: bool) -> None:
    one, other = (SingleShowings(linear=linear, seed=3) for _ in range(2))
    showing, same = one.next(), other.next()
    np.testing.assert_array_equal(showing.features, same.features)
    assert showing.features.shape == (N_CANDIDATES, one.width)
    rewards = [one.reward(showing, 4) for _ in range(2_000)]
    assert np.mean(rewards) == pytest.approx(showing.means[4], abs=0.05)


def test_clicks_come_as_often_as_they_should() -> None:
    taste = ChangingTaste(0)
    clicks = [taste.click(2, 0) for _ in range(4_000)]
    assert np.mean(clicks) == pytest.approx(chance(2, 0), abs=0.03)


def test_growth_is_the_exponent() -> None:
    rounds = np.arange(1.0, 1001.0)
    assert growth(3 * rounds**0.5) == pytest.approx(0.5)
    assert growth(rounds) == pytest.approx(1.0)
