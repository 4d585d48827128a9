"""What a log tells of another policy: without bias, and with bounds that hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_servers.recommenders.errors import RecommenderError
from model_servers.recommenders.off_policy import doubly_robust, importance_weights, ips, snips

LOGGED = np.array([0.6, 0.3, 0.1])
JUDGED = np.array([0.1, 0.2, 0.7])
REWARDS = np.array([0.2, 0.5, 0.9])
TRUTH = float(JUDGED @ REWARDS)


def _log(units: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    done = random.choice(3, size=units, p=LOGGED)
    return done, (random.random(units) < REWARDS[done]).astype(float)


def _estimates(units: int, seed: int) -> dict[str, object]:
    done, rewards = _log(units, seed)
    weights = importance_weights(LOGGED[done], JUDGED[done])
    model = np.array([0.3, 0.3, 0.7])
    return {
        "ips": ips(rewards, weights),
        "snips": snips(rewards, weights),
        "dr": doubly_robust(rewards, weights, model[done], np.full(units, JUDGED @ model)),
    }


def test_ips_is_unbiased_over_every_log_of_two() -> None:
    """All logs of two showings, each as likely as it is: the mean estimate is the truth itself."""
    total = 0.0
    for one in range(3):
        for other in range(3):
            done = np.array([one, other])
            weights = importance_weights(LOGGED[done], JUDGED[done])
            total += LOGGED[done].prod() * ips(REWARDS[done], weights).value
    assert total == pytest.approx(TRUTH)


@pytest.mark.parametrize("name", ["ips", "snips", "dr"])
def test_the_intervals_hold_as_often_as_they_say(name: str) -> None:
    held = [e.low <= TRUTH <= e.high for e in (_estimates(600, seed)[name] for seed in range(200))]
    assert 0.91 <= np.mean(held) <= 0.985


def test_normalising_and_a_model_take_noise_away() -> None:
    found = _estimates(5_000, 0)
    wide = {name: e.high - e.low for name, e in found.items()}
    assert max(wide["dr"], wide["snips"]) < wide["ips"]


def test_doubly_robust_is_right_with_wrong_propensities_and_a_right_model() -> None:
    done, rewards = _log(20_000, 0)
    wrong = importance_weights(np.full(len(done), 0.5), JUDGED[done])
    model, expected = REWARDS[done], np.full(len(done), TRUTH)
    assert doubly_robust(rewards, wrong, model, expected).value == pytest.approx(TRUTH, abs=0.02)
    assert abs(ips(rewards, wrong).value - TRUTH) > 0.1


def test_sessions_count_the_product_of_their_ratios() -> None:
    weights = importance_weights(
        np.array([[0.5, 0.5], [0.5, 0.25]]), np.array([[1, 0.5], [0.5, 1]])
    )
    np.testing.assert_allclose(weights.values, [[2, 2], [1, 4]])
    np.testing.assert_allclose(weights.before, [[1, 2], [1, 1]])
    rewards = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert ips(rewards, weights).value == pytest.approx((2 + 4) / 2)
    assert snips(rewards, weights).value == pytest.approx(2 / 3 + 4 / 6)


def test_clipping_is_told() -> None:
    logged, judged = np.array([0.1, 0.5, 0.5, 0.5]), np.array([1.0, 0.5, 0.5, 0.5])
    clipped = importance_weights(logged, judged, clip=5)
    assert clipped.values.max() == 5
    assert clipped.clipped == 0.25
    assert clipped.lost == pytest.approx(5 / 13)
    free = importance_weights(logged, judged)
    assert (free.clipped, free.lost) == (0.0, 0.0)
    assert ips(np.ones(4), clipped).lost == clipped.lost


@given(st.lists(st.tuples(st.floats(0.01, 1), st.floats(0, 1)), min_size=2, max_size=40))
def test_a_policy_judged_by_its_own_log_earned_what_it_earned(rows: list) -> None:
    logged, rewards = np.array(rows).T
    same = importance_weights(logged, logged)
    for estimate in (ips(rewards, same), snips(rewards, same)):
        assert estimate.value == pytest.approx(rewards.mean())
        assert estimate.low <= estimate.value <= estimate.high
        assert estimate.effective_units == pytest.approx(len(rows))


@pytest.mark.parametrize(
    ("logged", "judged", "clip"),
    [
        ([0.0, 0.5], [0.5, 0.5], None),
        ([1.1, 0.5], [0.5, 0.5], None),
        ([0.5, 0.5], [-0.1, 0.5], None),
        ([0.5, np.nan], [0.5, 0.5], None),
        ([0.5, 0.5], [0.5], None),
        ([0.5], [0.5], None),
        ([0.5, 0.5], [0.5, 0.5], 0.0),
    ],
)
def test_chances_that_are_none_are_refused(logged: list, judged: list, clip: float | None) -> None:
    with pytest.raises(RecommenderError):
        importance_weights(np.array(logged), np.array(judged), clip=clip)


def test_a_log_without_what_the_policy_does_is_told() -> None:
    weights = importance_weights(np.array([0.5, 0.5]), np.array([0.0, 0.0]))
    with pytest.raises(RecommenderError, match="nothing that the judged policy"):
        snips(np.ones(2), weights)
    assert ips(np.ones(2), weights).effective_units == 0
    with pytest.raises(RecommenderError):
        ips(np.ones(3), weights)
