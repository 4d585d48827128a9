"""What an item breaks of a wish, counted by hand."""

from __future__ import annotations

from typing import Any

import pytest

from evals.metrics import MetricError
from evals.metrics.wishes import WishesMet, breaks

MUG: dict[str, Any] = {"id": "mug", "price": 9.5, "categories": ["kitchen"], "reasons": [{}]}


@pytest.mark.parametrize(
    ("gold", "broken"),
    [
        ({}, []),
        ({"below": 9.5}, ["below"]),
        ({"at_most": 9.5, "at_least": 9.5}, []),
        ({"at_least": 10}, ["at_least"]),
        ({"any_of": ["books"]}, ["any_of"]),
        ({"none_of": ["kitchen", "books"]}, ["none_of"]),
        ({"like": "mug"}, ["itself"]),
    ],
)
def test_what_is_broken_is_named(gold: dict[str, Any], broken: list[str]) -> None:
    assert breaks(gold, MUG) == broken


def test_an_item_without_a_price_meets_no_bound() -> None:
    assert breaks({"below": 100}, MUG | {"price": None}) == ["below"]


def test_shares() -> None:
    golds: list[Any] = [{"below": 10}, {"below": 5}, {"count": 1}, {}, {}]
    given: list[Any] = [
        {"items": [MUG]},
        {"items": [MUG]},
        {"items": [MUG, MUG | {"reasons": []}]},
        {"items": []},
        None,
    ]
    found = WishesMet()(golds, given)
    assert found == pytest.approx({"answered": 0.6, "met": 0.2, "reasoned": 0.4})


def test_what_is_no_answer_is_told() -> None:
    with pytest.raises(MetricError):
        WishesMet()([{}], [{"items": "mug"}])
