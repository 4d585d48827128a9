"""Recommenders on interactions so small that the right answer is known."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_servers.recommenders.biased_factors import BiasedFactors
from model_servers.recommenders.blend import Blend
from model_servers.recommenders.content import Content
from model_servers.recommenders.contract import Interactions, Recommender
from model_servers.recommenders.errors import RecommenderError
from model_servers.recommenders.holdout import (
    HeldOut,
    hit_rate,
    hold_out_last,
    ndcg,
    places_of,
    ranks,
)
from model_servers.recommenders.registry import make_recommender, recommender_class, servable

FAST = tuple(name for name in servable() if name not in ("sasrec", "blend"))
"""The blend holds a SASRec by default; both are tested with small networks."""
PERSONAL = tuple(name for name in FAST if name != "popularity")


def interactions(
    histories: list[list[int]], n_items: int, values: list[float] | None = None
) -> Interactions:
    """What people did, one event a second, the people after one another."""
    users = [user for user, items in enumerate(histories) for _ in items]
    items = [item for each in histories for item in each]
    return Interactions(
        users=np.array(users, dtype=np.int32),
        items=np.array(items, dtype=np.int32),
        values=np.array(values or [1.0] * len(items), dtype=np.float32),
        times=np.arange(len(items), dtype=np.int64),
        n_users=len(histories),
        n_items=n_items,
    )


def two_tastes(people: int = 30) -> Interactions:
    """Half of the people take some of items 0 to 5, the other half some of 6 to 11."""
    random = np.random.default_rng(0)
    chosen = [
        (random.permutation(6)[:4] + (6 if user % 2 else 0)).tolist() for user in range(people)
    ]
    return interactions(chosen, 12)


@pytest.mark.parametrize("name", PERSONAL)
def test_a_taste_is_learned_and_kept(name: str, tmp_path: Path) -> None:
    model = make_recommender(name)
    model.fit(two_tastes())
    histories = [[0, 1, 2], [6, 7, 8]]
    scores = model.scores(histories)
    assert scores.shape == (2, 12)
    assert scores[0, 3:6].min() > scores[0, 6:].max()
    assert scores[1, 9:].min() > scores[1, :6].max()
    model.save(tmp_path)
    again = recommender_class(name).load(tmp_path)
    np.testing.assert_allclose(again.scores(histories), scores, rtol=1e-6)
    assert all(path.suffix in (".npz", ".json") for path in tmp_path.iterdir())


@pytest.mark.parametrize("name", FAST)
def test_somebody_new_gets_what_most_people_took(name: str) -> None:
    model = make_recommender(name)
    model.fit(interactions([[0, 1], [0, 2], [0, 3], [0, 1]], 5))
    scores = model.scores([[]])
    assert np.isfinite(scores).all()
    assert scores[0].argmax() == 0


@pytest.mark.parametrize("name", FAST)
def test_the_same_seed_gives_the_same_scores(name: str) -> None:
    found = []
    for _ in range(2):
        model = make_recommender(name)
        model.fit(two_tastes(), seed=3)
        found.append(model.scores([[0, 1]]))
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("name", FAST)
def test_a_damaged_file_is_told(name: str, tmp_path: Path) -> None:
    model = make_recommender(name)
    model.fit(two_tastes())
    model.save(tmp_path)
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(RecommenderError, match="train it anew"):
        recommender_class(name).load(tmp_path)


@settings(max_examples=25, deadline=None)
@given(
    histories=st.lists(st.lists(st.integers(0, 6), max_size=6), min_size=1, max_size=6),
    asked=st.lists(st.lists(st.integers(0, 6), max_size=4), max_size=4),
)
@pytest.mark.parametrize("name", ["popularity", "item_knn", "user_knn", "ease", "als", "bpr"])
def test_any_interactions_give_finite_scores(
    name: str, histories: list[list[int]], asked: list[list[int]]
) -> None:
    model = make_recommender(name)
    model.fit(interactions(histories, 7))
    scores = model.scores(asked)
    assert scores.shape == (len(asked), 7)
    assert np.isfinite(scores).all()


def test_ease_is_its_closed_form() -> None:
    from model_servers.recommenders.ease import Ease

    events = two_tastes()
    model = Ease(regularization=2.0)
    model.fit(events)
    taken = events.matrix().toarray().astype(float)
    inverse = np.linalg.inv(taken.T @ taken + 2.0 * np.eye(12))
    right = -inverse / np.diag(inverse)
    np.fill_diagonal(right, 0)
    np.testing.assert_allclose(model.scores([[4]])[0], right[4], atol=1e-5)


@pytest.mark.parametrize("name", ["item_knn", "ease"])
def test_what_weighed_most_is_named(name: str) -> None:
    model = make_recommender(name)
    # 0 and 1 come together always, 2 and 3 never with them.
    model.fit(interactions([[0, 1], [0, 1], [0, 1], [2, 3], [2, 3]], 4))
    assert model.because([2, 0], [1, 3, 1]) == [0, 2, 0]
    assert model.because([], [1, 3]) == [None, None]
    assert model.because([2, 0], []) == []


def test_als_folds_in_as_the_fit_does() -> None:
    from model_servers.recommenders.factors import Als

    events = two_tastes()
    model = Als(factors=4, iterations=60)
    model.fit(events)
    histories = events.histories()
    scores = model.scores(histories)
    # The fit's own people and those that are folded in rank alike.
    own = [set(np.argsort(-row)[:6].tolist()) for row in scores]
    assert all(found == set(range(6)) or found == set(range(6, 12)) for found in own)


def test_als_names_what_weighed_most() -> None:
    model = make_recommender("als")
    model.fit(two_tastes(200))
    assert model.because([0, 7], [3, 9]) == [0, 7]
    assert model.because([], [3]) == [None]


def test_als_is_asked_by_several_threads_at_once() -> None:
    model = make_recommender("als")
    model.fit(two_tastes(200))
    histories = [[first, second] for first in range(6) for second in range(6, 12)] * 20
    alone = [model.because(history, range(12)) for history in histories]
    with ThreadPoolExecutor(8) as threads:
        together = [*threads.map(lambda history: model.because(history, range(12)), histories)]
    assert together == alone


def test_content_follows_the_embeddings_and_names_the_nearest() -> None:
    model = Content(np.array([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9]], dtype=np.float32))
    model.fit(interactions([[0], [2]], 4))
    assert model.scores([[0]])[0].argsort()[-2:].tolist() == [1, 0]
    assert model.because([0, 2], [3, 1]) == [2, 0]
    with pytest.raises(RecommenderError, match="embeddings of 4 items"):
        model.fit(interactions([[0]], 9))


def test_ratings_are_predicted_within_their_range() -> None:
    # Everybody rates by the item alone: 5 for the first, 1 for the second.
    events = interactions([[0, 1, 2]] * 40, 4, [5.0, 1.0, 3.0] * 40)
    model = BiasedFactors(bias_regularization=0.1)
    model.fit(events)
    people = np.array([0, 1, 2], dtype=np.int32)
    found = model.predict(people, np.array([0, 1, 2], dtype=np.int32))
    np.testing.assert_allclose(found, [5, 1, 3], atol=0.2)
    assert 1 <= model.predict(people[:1], np.array([3], dtype=np.int32))[0] <= 5


def test_ratings_model_is_kept(tmp_path: Path) -> None:
    model = BiasedFactors()
    model.fit(interactions([[0, 1], [1, 2]], 3, [4.0, 2.0, 3.0, 5.0]))
    model.save(tmp_path)
    users, items = np.array([0, 1], dtype=np.int32), np.array([2, 0], dtype=np.int32)
    again = BiasedFactors.load(tmp_path)
    np.testing.assert_allclose(again.predict(users, items), model.predict(users, items))


def test_a_blend_leaves_out_what_does_not_help(tmp_path: Path) -> None:
    model = Blend(("popularity", "ease"), make_recommender)
    model.fit(two_tastes(60))
    weights = dict(zip(("popularity", "ease"), model.weights, strict=True))
    assert weights["ease"] > 0
    assert model.scores([[0, 1]])[0, 2:6].min() > model.scores([[0, 1]])[0, 6:].max()
    model.save(tmp_path)
    again = Blend.load(tmp_path)
    np.testing.assert_allclose(again.scores([[6]]), model.scores([[6]]), rtol=1e-5)
    assert again.because([0], [1, 3]) == model.because([0], [1, 3])


def test_a_blend_needs_people_who_did_two_things() -> None:
    with pytest.raises(RecommenderError, match="more than one thing"):
        Blend(("popularity",), make_recommender).fit(interactions([[0], [1]], 2))


def test_the_last_event_is_held_out_and_nothing_else() -> None:
    rest, held = hold_out_last(interactions([[0, 1, 2], [3], [2, 0]], 4))
    assert [(h.history.tolist(), h.item) for h in held] == [([0, 1], 2), ([2], 0)]  # type: ignore[union-attr]
    assert rest.items.tolist() == [0, 1, 3, 2]


def test_places_leave_out_what_was_had_and_give_nothing_for_ties() -> None:
    held = [HeldOut([0], 2)]
    assert places_of(np.array([[9.0, 5.0, 3.0, 1.0]]), held).tolist() == [2]
    assert places_of(np.zeros((1, 4)), held).tolist() == [3]


def test_an_item_that_is_had_again_is_ranked_all_the_same() -> None:
    assert places_of(np.array([[9.0, 5.0]]), [HeldOut([0], 0)]).tolist() == [1]


def test_metrics_are_those_of_the_definition() -> None:
    places = np.array([1, 3, 11])
    assert hit_rate(places) == pytest.approx(2 / 3)
    assert ndcg(places) == pytest.approx((1 + 1 / np.log2(4)) / 3)
    assert hit_rate(np.empty(0, dtype=np.int64)) == ndcg(np.empty(0, dtype=np.int64)) == 0.0


def test_ranks_by_a_model() -> None:
    model: Recommender = make_recommender("popularity")
    model.fit(interactions([[0], [0], [1]], 3))
    assert ranks(model, [HeldOut([], 1), HeldOut([0], 1)]).tolist() == [2, 1]
    assert ranks(model, []).tolist() == []


def test_names_that_there_are_not() -> None:
    with pytest.raises(RecommenderError, match="There is no recommender"):
        make_recommender("magic")
    with pytest.raises(RecommenderError, match="embeddings"):
        make_recommender("content")
