"""The bandits: what they learn, what they show, and how likely they say it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mabwiser.mab import MAB, LearningPolicy

from model_servers.recommenders.bandit import LinearBandit, LinearThompson, LinUCB
from model_servers.recommenders.errors import RecommenderError
from model_servers.recommenders.joint_features import FourierFeatures, products
from model_servers.recommenders.ridge import RidgeModel
from model_servers.recommenders.slates import draw_slate

WIDTH = 5
MAKERS = [LinUCB, LinearThompson]


def _learned(rows: int = 40, seed: int = 0) -> tuple[RidgeModel, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    features, rewards = random.normal(size=(rows, WIDTH)), random.normal(size=rows)
    model = RidgeModel(WIDTH)
    model.learn(features, rewards)
    return model, features, rewards


def test_linucb_is_that_of_mabwiser_with_one_arm() -> None:
    model, features, rewards = _learned()
    theirs = MAB(["shown"], LearningPolicy.LinUCB(alpha=0.7, l2_lambda=1.0))
    theirs.fit(np.array(["shown"] * 40), rewards, features)
    candidates = np.random.default_rng(1).normal(size=(9, WIDTH))
    bounds = [row["shown"] for row in theirs.predict_expectations(candidates)]
    ours = model.means(candidates) + 0.7 * model.widths(candidates)
    np.testing.assert_allclose(ours, bounds, rtol=1e-9)
    random = np.random.default_rng(2)
    chances = LinUCB(model, alpha=0.7).chances(candidates, random)
    assert chances.argmax() == np.argmax(bounds)


def test_thompson_draws_have_the_mean_and_spread_of_mabwisers_regression() -> None:
    model, features, rewards = _learned()
    theirs = MAB(["shown"], LearningPolicy.LinTS(alpha=0.5, l2_lambda=1.0), seed=3)
    theirs.fit(np.array(["shown"] * 40), rewards, features)
    row = np.random.default_rng(4).normal(size=(1, WIDTH))
    many = np.repeat(row, 8_000, axis=0)
    drawn = np.array([each["shown"] for each in theirs.predict_expectations(many)])
    ours = model.draws(8_000, 0.5, np.random.default_rng(5)) @ row[0]
    assert ours.mean() == pytest.approx(drawn.mean(), abs=4 * drawn.std() / np.sqrt(4_000))
    assert ours.std() == pytest.approx(drawn.std(), rel=0.05)


@given(seed=st.integers(0, 1_000), rows=st.integers(1, 30), ridge=st.floats(0.1, 10))
def test_learning_row_by_row_is_ridge_regression(seed: int, rows: int, ridge: float) -> None:
    random = np.random.default_rng(seed)
    features, rewards = random.normal(size=(rows, WIDTH)), random.normal(size=rows)
    prior = random.normal(size=WIDTH)
    model = RidgeModel(WIDTH, ridge=ridge, prior=prior)
    for row, reward in zip(features, rewards, strict=True):
        model.learn(row[None], np.array([reward]))
    precision = ridge * np.eye(WIDTH) + features.T @ features
    expected = np.linalg.solve(precision, ridge * prior + features.T @ rewards)
    np.testing.assert_allclose(model.coefficients, expected, atol=1e-8)
    np.testing.assert_allclose(model.inverse @ precision, np.eye(WIDTH), atol=1e-7)


def test_the_inverse_stays_true_over_many_rows() -> None:
    model, _, _ = _learned(rows=10_000)
    np.testing.assert_allclose(model.inverse @ model.precision, np.eye(WIDTH), atol=1e-9)


def test_a_reward_that_comes_later_counts_like_one_that_came_at_once() -> None:
    model, features, rewards = _learned()
    later = RidgeModel(WIDTH)
    later.learn(features, np.zeros(len(rewards)))
    later.credit(features, rewards)
    np.testing.assert_allclose(later.coefficients, model.coefficients, atol=1e-12)


@settings(deadline=None)
@given(
    seed=st.integers(0, 1_000),
    count=st.integers(1, 12),
    show=st.integers(1, 15),
    maker=st.sampled_from(MAKERS),
)
def test_what_is_shown_is_distinct_and_its_propensities_are_chances(
    seed: int, count: int, show: int, maker: type[LinearBandit]
) -> None:
    model, _, _ = _learned(seed=seed)
    random = np.random.default_rng(seed)
    bandit = maker(model)
    features = random.normal(size=(count, WIDTH))
    chosen, propensities = bandit.choose(features, show, random)
    assert len(set(chosen.tolist())) == len(chosen) == len(propensities) == min(show, count)
    assert (propensities > 0).all()
    assert (propensities <= 1 + 1e-12).all()
    assert (propensities >= bandit.floor / count - 1e-12).all()
    assert bandit.chances(features, random).sum() == pytest.approx(1.0)


@pytest.mark.parametrize("maker", MAKERS)
def test_things_are_shown_as_often_as_the_propensities_say(maker: type[LinearBandit]) -> None:
    """Σ 1/p over the times that a place had a candidate is the number of times, on average."""
    model, _, _ = _learned(rows=4)
    bandit = maker(model)
    random = np.random.default_rng(7)
    features = random.normal(size=(4, WIDTH))
    times = 6_000
    inverse = np.zeros((times, 4))
    for at in range(times):
        chosen, propensities = bandit.choose(features, 2, random)
        inverse[at, chosen[0]] = 1 / propensities[0]
    error = inverse.std(axis=0) / np.sqrt(times)
    assert (np.abs(inverse.mean(axis=0) - 1) < 4 * error).all()


def test_a_slates_propensities_multiply_to_its_chance() -> None:
    shares = np.array([0.5, 0.3, 0.2])
    random = np.random.default_rng(0)
    seen: dict[tuple[int, ...], int] = {}
    told: dict[tuple[int, ...], float] = {}
    for _ in range(20_000):
        chosen, chances = draw_slate(
            lambda left: shares[left] / shares[left].sum(), 3, 3, 0.1, random
        )
        key = tuple(chosen.tolist())
        seen[key] = seen.get(key, 0) + 1
        told[key] = float(np.prod(chances))
    assert sum(told.values()) == pytest.approx(1.0)
    for key, count in seen.items():
        assert count / 20_000 == pytest.approx(told[key], abs=0.015)


@pytest.mark.parametrize("maker", MAKERS)
def test_clicks_on_one_kind_move_others_of_it_up(maker: type[LinearBandit]) -> None:
    kinds = np.repeat(np.eye(3), 4, axis=0)
    bandit = maker(RidgeModel(3))
    random = np.random.default_rng(1)
    for _ in range(60):
        chosen, _ = bandit.choose(kinds, 3, random)
        bandit.learn(kinds[chosen], (chosen >= 8).astype(float))
    assert bandit.chances(kinds, random)[8:].sum() > 0.85


@pytest.mark.parametrize("maker", MAKERS)
def test_what_was_learned_is_read_back(maker: type[LinearBandit], tmp_path: Path) -> None:
    model, features, _ = _learned()
    maker(model).save(tmp_path / "bandit.npz")
    back = maker.load(tmp_path / "bandit.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["bandit.npz"]
    assert back.model.rows == 40
    one, other = np.random.default_rng(1), np.random.default_rng(1)
    for ours, theirs in zip(
        maker(model).choose(features, 5, one), back.choose(features, 5, other), strict=True
    ):
        np.testing.assert_allclose(ours, theirs)


def test_the_products_of_features_make_a_bilinear_model() -> None:
    random = np.random.default_rng(0)
    person, items, weights = (
        random.normal(size=3),
        random.normal(size=(6, 4)),
        random.normal(size=(3, 4)),
    )
    np.testing.assert_allclose(
        products(person, items) @ weights.ravel(), items @ weights.T @ person
    )


def test_fourier_features_make_a_gaussian_kernel() -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(6, 3))
    features = FourierFeatures(3, 20_000, 1.5, random)(rows)
    distances = ((rows[:, None] - rows[None]) ** 2).sum(axis=-1)
    np.testing.assert_allclose(features @ features.T, np.exp(-distances / 2 / 1.5**2), atol=0.04)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: RidgeModel(0),
        lambda: RidgeModel(2, ridge=0),
        lambda: RidgeModel(2, prior=np.array([1.0])),
        lambda: RidgeModel(2).learn(np.ones((1, 3)), np.ones(1)),
        lambda: RidgeModel(2).learn(np.array([[1.0, np.nan]]), np.ones(1)),
        lambda: RidgeModel(2).learn(np.ones((1, 2)), np.array([np.inf])),
        lambda: RidgeModel(2).learn(np.ones((2, 2)), np.ones(1)),
        lambda: RidgeModel(2).credit(np.ones((2, 2)), np.ones(1)),
        lambda: LinUCB(RidgeModel(2)).choose(np.ones((0, 2)), 1, np.random.default_rng(0)),
        lambda: LinUCB(RidgeModel(2)).choose(np.ones((3, 2)), 0, np.random.default_rng(0)),
        lambda: LinearThompson(RidgeModel(2), scale=0),
        lambda: FourierFeatures(2, 4, 0.0, np.random.default_rng(0)),
    ],
)
def test_what_makes_no_sense_is_refused(wrong) -> None:
    with pytest.raises(RecommenderError):
        wrong()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"\x93NUMPY"])
def test_a_file_that_is_none_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bandit.npz"
    path.write_bytes(content)
    with pytest.raises(RecommenderError, match="start anew"):
        LinUCB.load(path)


@pytest.mark.parametrize(
    "change",
    [
        {"precision": -np.eye(WIDTH)},
        {"precision": np.full((WIDTH, WIDTH), np.nan)},
        {"precision": np.eye(WIDTH + 1)},
        {"moments": np.array([object()] * WIDTH)},
        {"ridge": np.array(-1.0)},
    ],
    ids=["negative", "nan", "other width", "pickled", "no ridge"],
)
def test_a_file_with_wrong_numbers_is_refused(change: dict, tmp_path: Path) -> None:
    path = tmp_path / "bandit.npz"
    arrays = {"precision": np.eye(WIDTH), "moments": np.zeros(WIDTH), "ridge": 1.0, "rows": 3}
    with path.open("wb") as file:
        np.savez(file, **(arrays | change))
    with pytest.raises(RecommenderError):
        LinUCB.load(path)
