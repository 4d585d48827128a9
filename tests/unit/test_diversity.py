"""Rankings made one, and variety at the top of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tools.recommendation.allowed import contradicts_itself, loosened, meets
from tools.recommendation.diversity import fused, likeness, varied
from tools.recommendation.shop import Constraints, Match

from .small_shop import item

CATEGORIES = ("a", "b", "c")
matches = st.lists(st.integers(0, 30), unique=True, max_size=20).map(
    lambda numbers: [Match(item(f"i{n}", f"Item {n}", 1, CATEGORIES[n % 3]), 1.0) for n in numbers]
)


def ids(ranking: list[Match]) -> list[str]:
    return [match.item.id for match in ranking]


@given(st.lists(matches, min_size=1, max_size=4))
def test_what_several_rank_high_comes_first(rankings: list[list[Match]]) -> None:
    joined = fused(rankings)
    assert {*ids(joined)} == {each for ranking in rankings for each in ids(ranking)}
    assert len({*ids(joined)}) == len(joined)
    assert all(0 < match.score <= 1 for match in joined)
    assert [m.score for m in joined] == sorted((m.score for m in joined), reverse=True)
    if all(ids(ranking) == ids(rankings[0]) for ranking in rankings):
        assert ids(joined) == ids(rankings[0])


@given(matches, st.integers(0, 25))
def test_variety_only_orders(ranking: list[Match], count: int) -> None:
    chosen = varied(ranking, count)
    assert len(chosen) == min(count, len(ranking))
    assert len({*ids(chosen)}) == len(chosen)
    assert {*ids(chosen)} <= {*ids(ranking)}
    assert ids(chosen)[:1] == ids(ranking)[: min(count, 1)]
    assert varied(ranking, len(ranking), frozenset(CATEGORIES)) == ranking


def test_one_of_another_kind_comes_before_a_third_of_the_same() -> None:
    alike = [Match(item(f"s{n}", "Shoe", 1, "shoes"), 1.0) for n in range(6)]
    sock = Match(item("sock", "Sock", 1, "socks"), 1.0)
    chosen = ids(varied([*alike[:3], sock, *alike[3:]], 7))
    assert chosen.index("sock") < 3
    assert likeness(alike[0].item, alike[1].item) == 1
    assert likeness(alike[0].item, alike[1].item, frozenset({"shoes"})) == 0


def test_bounds_of_the_price_are_kept_to_the_cent() -> None:
    at = item("x", "Thing", 50, "a")
    assert meets(at, Constraints(price_min=50, price_max=50))
    assert not meets(at, Constraints(price_below=50))
    assert not meets(at, Constraints(categories=("b",)))
    assert meets(at, Constraints(categories=("A", "b")))
    assert not meets(at, Constraints(excluded_categories=("A",)))
    assert not meets(at, Constraints(excluded_items=("x",)))
    assert not meets(item("y", "No price", None), Constraints(price_min=0))
    assert contradicts_itself(Constraints(price_min=5, price_below=5))
    assert not contradicts_itself(Constraints(price_min=5, price_max=5))
    assert loosened(Constraints(price_min=5, categories=("a",))) == {
        "price_min": Constraints(categories=("a",)),
        "categories": Constraints(price_min=5),
    }
