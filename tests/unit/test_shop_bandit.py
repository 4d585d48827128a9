"""The shop's bandit: what is pressed moves up, and nothing that was learned is lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model_servers.recommenders.errors import RecommenderError
from orchestrator.shop_bandit import MAX_CANDIDATES, ShopBandit, item_features
from orchestrator.shop_store import Pressed, Shown
from tools.recommendation.shop import Item, Match

CLICKS = 50


def matches(count: int = 10) -> list[Match]:
    return [
        Match(Item(id=f"i{n}", title=f"Item {n}", categories=(f"kind {n % 3}",)), 1.0 - n / count)
        for n in range(count)
    ]


def bandit(folder: Path, seed: int = 0) -> ShopBandit:
    return ShopBandit(folder / "bandit.npz", np.random.default_rng(seed))


async def click(model: ShopBandit, item: str, shown: list[Shown]) -> None:
    own = next(each for each in shown if each.item == item)
    beside = tuple(each for each in shown if each is not own)
    await model.learn(Pressed("s", None, own, "click", beside))


async def first_places(model: ShopBandit, rounds: int = 40) -> list[str]:
    return [(await model.choose(None, (), matches(), 3))[0].item for _ in range(rounds)]


async def test_untaught_it_keeps_the_order_but_for_the_floor(tmp_path: Path) -> None:
    firsts = await first_places(bandit(tmp_path))
    assert firsts.count("i0") >= 0.8 * len(firsts)


async def test_fifty_clicks_bring_an_item_to_the_top(tmp_path: Path) -> None:
    model = bandit(tmp_path)
    clicked = 0
    for _ in range(CLICKS):
        shown = list(await model.choose(None, (), matches(), 8))
        if any(each.item == "i6" for each in shown):
            await click(model, "i6", shown)
            clicked += 1
    assert clicked
    firsts = await first_places(model)
    assert firsts.count("i6") >= 0.75 * len(firsts)


async def test_a_dislike_moves_an_item_down(tmp_path: Path) -> None:
    model = bandit(tmp_path)
    for _ in range(10):
        shown = list(await model.choose(None, (), matches(), 10))
        own = next(each for each in shown if each.item == "i0")
        await model.learn(Pressed("s", None, own, "dislike"))
    firsts = await first_places(model)
    assert firsts.count("i0") <= 0.3 * len(firsts)


async def test_what_was_learned_outlasts_a_restart(tmp_path: Path) -> None:
    model = bandit(tmp_path)
    for _ in range(20):
        await click(model, "i4", list(await model.choose(None, (), matches(), 10)))
    firsts = await first_places(bandit(tmp_path, seed=1))
    assert firsts.count("i4") >= 0.75 * len(firsts)


async def test_it_shows_nothing_but_what_it_is_given_and_each_once(tmp_path: Path) -> None:
    shown = await bandit(tmp_path).choose("ann", ("i1", "i2"), matches(4), 9)
    assert sorted(each.item for each in shown) == ["i0", "i1", "i2", "i3"]
    assert all(0 < each.propensity <= 1 for each in shown)
    many = await bandit(tmp_path).choose(None, (), matches(MAX_CANDIDATES + 50), 5)
    assert len(many) == 5


def test_a_history_changes_what_is_looked_at_but_not_the_items_own_features() -> None:
    with_history, without = item_features(matches(3), ("i7",)), item_features(matches(3), ())
    assert with_history.shape == without.shape
    assert (with_history != without).any()
    own = len(without[0]) - 6 * 16
    assert (with_history[:, :own] == without[:, :own]).all()


async def test_a_file_that_is_damaged_is_told(tmp_path: Path) -> None:
    (tmp_path / "bandit.npz").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(RecommenderError, match="can't be read"):
        await bandit(tmp_path).choose(None, (), matches(), 1)
