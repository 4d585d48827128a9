"""What the tool recommends: what was asked for, nothing that is gone, and for true reasons."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.contracts import InvalidInput, RunContext
from tools.recommend_items import (
    NoShop,
    RecommendedItem,
    RecommendItems,
    RecommendItemsArgs,
    RecommendItemsResult,
)
from tools.recommendation.query import Asked, make_query
from tools.recommendation.shop import Item, Shop
from tools.recommendation.wishes import Wish

from .small_shop import CATALOGUE, MemoryShop, event, item
from .small_tools import context

TOOL = RecommendItems()
RUNNER = {
    "42": [event("swift", "view"), event("swift"), event("bottle"), event("sandal", "dislike")],
    "7": [event("jay")],
    "new": [],
}
BY_ID = {each.id: each for each in CATALOGUE}


def running(shop: Shop | None) -> RunContext:
    return replace(context(), shop=shop)


def recommend(shop: Shop | None = None, **given_args: Any) -> RecommendItemsResult:
    chosen = MemoryShop(histories=RUNNER) if shop is None else shop
    result = asyncio.run(TOOL(RecommendItemsArgs(**given_args), running(chosen)))
    assert isinstance(result.data, RecommendItemsResult)
    return result.data


def ids(data: RecommendItemsResult) -> list[str]:
    return [each.id for each in data.items]


def kinds(each: RecommendedItem) -> list[str]:
    return [reason.kind for reason in each.reasons]


def notes(data: RecommendItemsResult) -> dict[str, str]:
    return {note.kind: note.about for note in data.notes}


def test_three_gifts_under_50_for_a_runner() -> None:
    data = recommend(request="Three gifts under 50 € for a runner, no books")
    assert len(data.items) == 3
    assert {*ids(data)} <= {"socks", "bottle", "lamp", "sandal"}
    assert all("runner" in reason.words for each in data.items for reason in each.reasons[:1])
    assert data.understood.price_below == 50
    assert data.understood.excluded_categories == ("books",)


def test_something_like_an_item_but_cheaper() -> None:
    data = recommend(request="something like the Heron headphones but cheaper")
    assert ids(data)[0] == "wren"
    assert data.understood.like == ("Heron headphones",)
    first, second = data.items[0].reasons[:2]
    assert (first.kind, first.item) == ("like", "heron")
    assert (second.kind, second.categories, second.cheaper_by) == ("trait", ("headphones",), 30)
    assert all(each.price is not None and each.price < 89 for each in data.items)
    assert "priceless" not in ids(data)


def test_like_an_item_by_its_id() -> None:
    data = recommend(item="heron", k=2)
    assert {*ids(data)} <= {"wren", "jay", "priceless"}


def test_what_a_customer_would_like_next() -> None:
    shop = MemoryShop(histories=RUNNER, trained="v3")
    data = recommend(shop, request="what would customer 42 like next")
    assert data.version == "v3"
    assert data.understood.customer == "42"
    assert not {"swift", "bottle", "sandal", "gone"} & {*ids(data)}
    assert data.items[0].reasons[0].kind == "history"
    past = {reason.item for each in data.items for reason in each.reasons if reason.item}
    assert past <= {"swift", "bottle"}


def test_an_unknown_customer_gets_what_most_take_and_is_told() -> None:
    shop = MemoryShop(histories=RUNNER, trained="v3")
    data = recommend(shop, request="what would customer 99 like next")
    assert notes(data) == {"unknown_customer": "99"}
    assert all(kinds(each) == ["popular"] for each in data.items)
    assert "99" in TOOL.render(data, "en")
    assert notes(recommend(shop, user="new")) == {"no_history": "new"}


def test_without_a_model_nobody_claims_a_history() -> None:
    data = recommend(user="42")
    assert data.version is None
    assert all(kinds(each) == ["popular"] for each in data.items)


def test_a_constraint_that_nothing_meets_is_said_with_what_to_loosen() -> None:
    data = recommend(request="headphones under 20 €")
    assert data.items == ()
    by_constraint = {each.constraint: each for each in data.loosen}
    assert by_constraint["price_below"].item == "wren"
    assert by_constraint["categories"].item == "bottle"
    told = TOOL.render(data, "en")
    assert "under 20.00 €" in told
    assert "Wren headphones" in told


def test_bounds_that_contradict_each_other_meet_nothing() -> None:
    shop = MemoryShop()
    data = recommend(shop, price_min=50, price_max=20)
    assert data.items == ()
    assert {each.constraint for each in data.loosen} == {"price_min", "price_max"}


def test_what_is_gone_by_now_is_not_shown() -> None:
    fresh = [
        item("a", "Old tent", 90, "tents", available=False),
        item("b", "New tent", 120, "tents"),
    ]
    stale = [item("a", "Old tent", 90, "tents"), item("b", "New tent", 90, "tents")]
    shop = MemoryShop(fresh, stale=stale)
    assert ids(recommend(shop, request="tent")) == ["b"]
    # Its price has risen since the vectors were written.
    assert ids(recommend(shop, request="tents under 100 €")) == []


def test_unwanted_words_hold_though_no_category_is_called_so() -> None:
    data = recommend(request="shoes, nothing with leather")
    assert "sandal" not in ids(data)
    assert "vegan" in ids(data)
    assert data.understood.excluded_words == ("leather",)
    german = recommend(request="Schuhe, kein Leder")
    assert {*ids(german)} == {*ids(data)}


def test_what_was_turned_down_or_bought_is_not_offered_again() -> None:
    data = recommend(user="42", taste="shoe for a runner", k=20)
    assert not {"sandal", "swift", "bottle"} & {*ids(data)}


def test_a_quoted_name_that_nobody_has_is_said() -> None:
    data = recommend(request='something like "Zephyr 9000" but cheaper')
    assert notes(data) == {"unknown_item": "Zephyr 9000", "cheaper_than_what": ""}


def test_this_means_what_was_shown_before() -> None:
    shown = TOOL.render(recommend(request="headphones", k=3), "en")
    first = recommend(request="headphones", k=3).items
    data = recommend(request="something like the second one but cheaper", shown=shown)
    assert data.understood.like == (first[1].title,)
    data = recommend(request="anything cheaper?", shown=shown)
    assert data.understood.like == (first[0].title,)


def test_cheaper_than_nothing_is_asked_back() -> None:
    data = recommend(request="anything cheaper?")
    assert notes(data) == {"cheaper_than_what": ""}
    assert data.items == ()
    assert TOOL.render(data, "de").startswith("Günstiger als was?")
    assert recommend(request="headphones, but cheaper").items


def test_a_picture_is_a_query_and_says_what_cheaper_means() -> None:
    image = np.zeros((4, 4, 3), dtype=np.uint8)
    shop = MemoryShop()
    query = asyncio.run(make_query(Asked(image=image), Wish(points=True, cheaper=True), shop))
    assert query.where.price_below == CATALOGUE[0].price
    assert [(note.kind, note.about) for note in query.notes] == [
        ("nearest_to_picture", CATALOGUE[0].title)
    ]


def test_the_bandit_has_the_last_word_and_its_showing_is_told() -> None:
    plain = recommend(MemoryShop(histories=RUNNER), request="gifts for a runner", k=3)
    data = recommend(MemoryShop(histories=RUNNER, showing="s1"), request="gifts for a runner", k=3)
    assert data.showing == "s1"
    assert plain.showing is None
    assert ids(data) != ids(plain)


def test_a_currency_that_is_not_the_shops_is_said() -> None:
    data = recommend(request="headphones under $100")
    assert notes(data)["other_currency"] == "EUR"
    assert {*ids(data)} == {"wren", "heron"}
    assert notes(data)["fewer"] == "2"


@pytest.mark.parametrize("shop", [None, MemoryShop(())])
def test_no_shop_is_a_typed_error_that_says_what_to_do(shop: Shop | None) -> None:
    with pytest.raises(NoShop, match="switchboard recommend import"):
        asyncio.run(TOOL(RecommendItemsArgs(request="a gift"), running(shop)))


def test_what_programs_get_wrong_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no category 'shoos'; there are: books"):
        recommend(categories=["shoos"])
    with pytest.raises(InvalidInput, match=r"at most 2,000 characters"):
        recommend(request="a gift " * 400)
    assert {*ids(recommend(categories=["SHOES"], price_max=40))} == {"vegan"}
    assert "socks" not in ids(recommend(exclude_items=["socks"], exclude_categories=["books"]))


@pytest.mark.parametrize("language", ["en", "zh", "es", "fr", "de", "pt", "ja", "ar", "hi", "fi"])
def test_every_answer_is_complete_in_every_language(language: str) -> None:
    shop = MemoryShop(histories=RUNNER, trained="v3")
    answers = [
        recommend(shop, request="something like the Heron headphones but cheaper"),
        recommend(shop, request="gifts for a runner for customer 42"),
        recommend(shop, request="headphones between 1 and 2 €, no books, nothing with wool"),
        recommend(shop, request='like "Nothing", cheaper', user="99"),
        recommend(shop, request="headphones under $60 for user new"),
    ]
    for data in answers:
        told = TOOL.render(data, language)
        assert told
        assert "{" not in told
        assert all(each.title in told for each in data.items)
    assert TOOL.titles.get(language) or language == "fi"


def test_a_title_cannot_write_markdown() -> None:
    shop = MemoryShop([item("x", "**Bold** [link](http://a)\n# Head", 3)])
    told = TOOL.render(recommend(shop, request="anything"), "en")
    assert r"\*\*Bold\*\* \[link\]" in told
    assert "\n# " not in told


CATEGORIES = ("books", "toys", "shoes", "running shoes", "tents", "gifts", "kitchen")
WORDS = ("leather", "wool", "runner", "light", "steel", "blue")
items = st.builds(
    lambda n, words, categories, price, available: Item(
        id=f"i{n}",
        title=" ".join(words),
        categories=tuple(categories),
        price=price,
        available=available,
    ),
    st.integers(0, 40),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=3),
    st.sets(st.sampled_from(CATEGORIES), max_size=3),
    st.none() | st.integers(1, 200).map(float),
    st.booleans(),
)


@settings(max_examples=150, deadline=None)
@given(
    catalogue=st.lists(items, min_size=1, max_size=40, unique_by=lambda each: each.id),
    low=st.integers(1, 100),
    high=st.integers(1, 200),
    out=st.sampled_from(CATEGORIES[:5]),
    word=st.sampled_from(WORDS[:2]),
    form=st.sampled_from(
        ["{k} gifts between {low} and {high} euros, no {out}, nothing with {word}",
         "for a runner: {k} gifts, at least {low} €, not over {high} €, without {word} or {out}",
         "nothing with {word}, no {out}, {k} gifts from {low} to {high} EUR for customer 42"]
    ),
    k=st.integers(1, 20),
)  # fmt: skip
def test_no_constraint_is_ever_violated(
    catalogue: list[Item], low: int, high: int, out: str, word: str, form: str, k: int
) -> None:
    low, high = sorted((low, high))
    shop = MemoryShop(catalogue, {"42": [event(catalogue[0].id)]}, trained="v1")
    data = recommend(shop, request=form.format(k=k, low=low, high=high, out=out, word=word))
    there = {each.id: each for each in catalogue}
    excluded = {c for c in CATEGORIES if c == out or c.endswith(f" {out}")}
    assert len(data.items) <= k
    for shown in data.items:
        each = there[shown.id]
        assert each.available
        assert each.price is not None
        assert low <= each.price <= high
        assert excluded.isdisjoint(each.categories)
        assert word not in each.title
        assert shown.reasons


@settings(max_examples=60, deadline=None)
@given(
    catalogue=st.lists(items, min_size=3, max_size=30, unique_by=lambda each: each.id),
    taste=st.lists(st.sampled_from(WORDS), min_size=1, max_size=3),
    past=st.lists(st.integers(0, 2), max_size=3),
    trained=st.booleans(),
)
def test_every_reason_is_true(
    catalogue: list[Item], taste: list[str], past: list[int], trained: bool
) -> None:
    history = [event(catalogue[n].id) for n in past]
    shop = MemoryShop(catalogue, {"42": history}, trained="v1" if trained else None)
    data = recommend(shop, user="42", taste=" ".join(taste), item=catalogue[0].id)
    there = {each.id: each for each in catalogue}
    for shown in data.items:
        each = there[shown.id]
        for reason in shown.reasons:
            other = there.get(reason.item or "")
            match reason.kind:
                case "like":
                    assert other == catalogue[0]
                case "trait":
                    assert other is not None
                    assert {*reason.categories} <= {*each.categories} & {*other.categories}
                    if reason.cheaper_by is not None:
                        assert each.price is not None
                        assert other.price is not None
                        assert reason.cheaper_by == pytest.approx(other.price - each.price)
                        assert reason.cheaper_by > 0
                case "words":
                    assert all(w in taste and w in each.title.split() for w in reason.words)
                case "meaning":
                    assert not any(w in each.title.split() for w in taste)
                case "history":
                    assert trained
                    assert reason.item is None or reason.item in {e.item for e in history}
                case "popular":
                    assert not (trained and history)
                case "picture":
                    pytest.fail("no picture was sent")
