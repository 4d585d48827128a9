"""The policy that learns from sessions: what it learns, and what is written of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model_servers.recommenders.errors import RecommenderError
from model_servers.recommenders.session_policy import (
    PolicySettings,
    SessionPolicy,
    Sessions,
    top_k_factor,
)

NOBODY = np.zeros((1, 1))
NOTHING_SHOWN = np.zeros((1, 0), dtype=np.int64)
NO_REWARDS = np.zeros((1, 0))
QUICK = PolicySettings(hidden=16, epochs=30, batch=64, rate=0.02)


def _first(policy: SessionPolicy) -> np.ndarray:
    return policy.probabilities(NOBODY, NOTHING_SHOWN, NO_REWARDS)[0]


def _one_step_log(worth: list[float], logged: list[float], count: int = 1_000) -> Sessions:
    random = np.random.default_rng(0)
    items = random.choice(len(worth), size=(count, 1), p=logged)
    return Sessions(
        contexts=np.zeros((count, 1)),
        items=items,
        rewards=np.array(worth)[items],
        propensities=np.array(logged)[items],
    )


def _fitted(log: Sessions, n_items: int, settings: PolicySettings = QUICK) -> SessionPolicy:
    policy = SessionPolicy(n_items, log.contexts.shape[1], settings, seed=0)
    policy.fit(log, seed=0)
    return policy


def test_it_finds_the_best_item_though_the_log_hardly_showed_it() -> None:
    policy = _fitted(_one_step_log([0.4, 0.5, 1.0], [0.6, 0.35, 0.05]), 3)
    assert _first(policy)[2] > 0.9


def test_it_gives_up_a_reward_now_for_a_larger_one_later() -> None:
    """Item 0 earns 0.3 now; item 1 nothing now, and then 1 whatever is shown."""
    random = np.random.default_rng(0)
    items = random.integers(2, size=(1_500, 2))
    rewards = np.stack([0.3 * (items[:, 0] == 0), 1.0 * (items[:, 0] == 1)], axis=1)
    log = Sessions(np.zeros((1_500, 1)), items, rewards, np.full((1_500, 2), 0.5))
    assert _first(_fitted(log, 2))[1] > 0.9
    assert _first(_fitted(log, 2, replace(QUICK, discount=0.0)))[0] > 0.9


def test_with_two_places_the_second_best_gets_its_share() -> None:
    """Chen et al.'s simulation: alone, all chance goes to the best; in two places, to two."""
    log = _one_step_log([1.0, 0.9, 0.0, 0.0], [0.25] * 4)
    settings = replace(QUICK, entropy=0.0, epochs=60)
    alone = _first(_fitted(log, 4, settings))
    both = _first(_fitted(log, 4, replace(settings, places=2)))
    assert both[1] > alone[1] + 0.05
    assert both[:2].sum() > 0.8


def test_the_top_k_factor() -> None:
    chance = torch.tensor([0.0, 0.5, 1.0])
    assert top_k_factor(chance, 1).tolist() == [1.0, 1.0, 1.0]
    assert top_k_factor(chance, 3).tolist() == [3.0, 0.75, 0.0]


def test_steps_after_the_end_teach_nothing() -> None:
    log = _one_step_log([0.0, 1.0], [0.5, 0.5], 300)
    padded = Sessions(
        log.contexts,
        np.hstack([log.items, np.full((300, 2), -1)]),
        np.hstack([log.rewards, np.full((300, 2), np.nan)]),
        np.hstack([log.propensities, np.zeros((300, 2))]),
    )
    settings = replace(QUICK, epochs=3)
    np.testing.assert_allclose(
        _first(_fitted(log, 2, settings)), _first(_fitted(padded, 2, settings)), atol=1e-5
    )


def test_the_same_seed_gives_the_same_policy() -> None:
    log = _one_step_log([0.1, 0.9], [0.5, 0.5], 200)
    assert (_first(_fitted(log, 2)) == _first(_fitted(log, 2))).all()


def test_what_it_chooses_is_allowed_and_has_its_chance() -> None:
    policy = SessionPolicy(6, 1, seed=1)
    random = np.random.default_rng(0)
    allowed = np.array([1, 3, 5])
    times = 300
    firsts = np.zeros(6)
    for _ in range(times):
        chosen, propensities = policy.choose(
            np.zeros(1), [2], [1.0], candidates=allowed, show=2, random=random
        )
        assert set(chosen.tolist()) <= {1, 3, 5}
        assert len(set(chosen.tolist())) == 2
        assert ((propensities > 0) & (propensities <= 1)).all()
        firsts[chosen[0]] += 1 / propensities[0] / times
    np.testing.assert_allclose(firsts[allowed], 1.0, atol=0.35)


def test_it_is_read_back(tmp_path: Path) -> None:
    policy = _fitted(_one_step_log([0.1, 0.9, 0.5], [0.4, 0.3, 0.3], 100), 3)
    policy.save(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".safetensors"}
    back = SessionPolicy.load(tmp_path)
    assert back.settings == policy.settings
    np.testing.assert_array_equal(_first(back), _first(policy))


@pytest.mark.parametrize("broken", ["session_policy.json", "session_policy.safetensors"])
@pytest.mark.parametrize("content", [None, b"", b"{}", b"\x00" * 64])
def test_a_broken_folder_is_refused(broken: str, content: bytes | None, tmp_path: Path) -> None:
    SessionPolicy(3, 1, seed=0).save(tmp_path)
    path = tmp_path / broken
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(RecommenderError, match="train it anew"):
        SessionPolicy.load(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"propensities": np.zeros((2, 3))},
        {"propensities": np.full((2, 3), np.nan)},
        {"propensities": np.full((2, 2), 0.5)},
        {"rewards": np.full((2, 3), np.inf)},
        {"contexts": np.zeros((3, 1))},
        {"items": np.zeros((0, 3), dtype=np.int64)},
    ],
)
def test_logs_that_make_no_sense_are_refused(change: dict) -> None:
    log = Sessions(np.zeros((2, 1)), np.zeros((2, 3), dtype=np.int64), *[np.full((2, 3), 0.5)] * 2)
    with pytest.raises(RecommenderError):
        replace(log, **change)


def test_logs_and_candidates_of_other_items_are_refused() -> None:
    policy = SessionPolicy(2, 1, seed=0)
    with pytest.raises(RecommenderError):
        policy.fit(_one_step_log([0, 0, 1.0], [0.3, 0.3, 0.4], 50))
    for candidates in ([], [2], [-1]):
        with pytest.raises(RecommenderError):
            policy.choose(
                np.zeros(1),
                [],
                [],
                candidates=np.array(candidates, dtype=np.intp),
                show=1,
                random=np.random.default_rng(0),
            )
    with pytest.raises(RecommenderError):
        SessionPolicy(0, 1, seed=0)
