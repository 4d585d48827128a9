"""The sample shop: its items, and the interactions that are made for them."""

from __future__ import annotations

import csv
import runpy
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from orchestrator.shop import DatabaseShop
from tests.shop_fixture import best, small_shop
from tools.recommendation.shop import Constraints, Words

SHOP = Path(__file__).parents[2] / "examples" / "shop"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(SHOP / "make_interactions.py"))


@pytest.fixture(scope="module")
def items() -> list[dict[str, str]]:
    with (SHOP / "items.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_interactions_are_those_that_the_script_makes(
    script: dict[str, Any], tmp_path: Path
) -> None:
    script["write"](tmp_path / "made.csv", SHOP / "items.csv")
    assert (tmp_path / "made.csv").read_bytes() == (SHOP / "interactions.csv").read_bytes()


def test_items_are_many_distinct_and_of_many_kinds(items: list[dict[str, str]]) -> None:
    assert len(items) >= 320
    for column in ("id", "title", "text"):
        assert len({row[column] for row in items}) == len(items)
    widest = Counter(row["categories"].split("|")[0] for row in items)
    assert sum(count >= 10 for count in widest.values()) >= 15
    assert 10 <= sum(row["available"] == "no" for row in items) <= 40
    assert min(len(row["text"].split()) for row in items) >= 6


def test_what_the_script_says_of_categories_is_there(
    script: dict[str, Any], items: list[dict[str, str]]
) -> None:
    known = {name for row in items for name in row["categories"].split("|")}
    said = {name for taste in script["TASTES"].values() for name in taste}
    said |= {name for before, after, _ in script["AFTER"] for name in (before, after)}
    assert said <= known


async def test_the_sample_is_imported_without_a_bad_row(tmp_path: Path) -> None:
    async with small_shop(tmp_path) as small:
        report = await small.imports.run(SHOP / "items.csv", SHOP / "interactions.csv")
        assert (report.bad_lines, report.duplicates, report.ignored_columns) == ((), 0, ())
        assert report.customers == 600
        shop = DatabaseShop(small.store, small.vectors)
        assert await shop.history("42")
        gifts = await best(
            shop,
            Words("a present for a runner"),
            Constraints(price_max=50, categories=("gifts",)),
            3,
        )
        assert len(gifts) == 3
        tent = await shop.named("Fell 2 two-person tent")
        assert tent is not None
        assert tent.price == 229
