"""The catalogue that is held in memory."""

from __future__ import annotations

import pytest

from orchestrator.shop_catalogue import Catalogue, CatalogueRow
from tools.recommendation.shop import Constraints


@pytest.fixture
def catalogue() -> Catalogue:
    catalogue = Catalogue(
        1,
        [
            CatalogueRow("t2", "Fell 2 two-person tent", ["Tents", "Outdoor"], 229.0, True),
            CatalogueRow("t4", "Fell 4 family tent", ["Tents", "Outdoor"], 389.0, True),
            CatalogueRow("mug", "Enamel mug", ["Kitchen", "Outdoor"], 12.0, True),
            CatalogueRow("gone", "Paper lantern", ["Garden"], 9.0, False),
            CatalogueRow("priceless", "Gift box", ["Gifts"], None, True),
        ],
    )
    catalogue.count({"t4": 5, "mug": 2})
    return catalogue


@pytest.mark.parametrize(
    ("where", "allowed"),
    [
        (Constraints(), {"t2", "t4", "mug", "priceless"}),
        (Constraints(price_max=229), {"t2", "mug"}),
        (Constraints(price_below=229), {"mug"}),
        (Constraints(price_min=229), {"t2", "t4"}),
        (Constraints(categories=("tents", "GIFTS")), {"t2", "t4", "priceless"}),
        (Constraints(categories=("boats",)), set()),
        (Constraints(excluded_categories=("kitchen",)), {"t2", "t4", "priceless"}),
        (Constraints(excluded_items=("t2", "nobody")), {"t4", "mug", "priceless"}),
    ],
)
def test_constraints_are_masks(catalogue: Catalogue, where: Constraints, allowed: set[str]) -> None:
    mask = catalogue.allowed(where)
    assert {each for each, may in zip(catalogue.ids, mask, strict=True) if may} == allowed


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("ENAMEL MUG", "mug"),
        ("the enamel mug", "mug"),
        ("enamel", "mug"),
        ("enamel camping mug", "mug"),
        ("Fell 2", "t2"),
        ("fell 4 tent", "t4"),
        ("fell tent", None),
        ("fell", None),
        ("Fell 3 family tent", None),
        ("tent", None),
        ("", None),
        ("the", None),
    ],
)
def test_items_are_found_by_title(catalogue: Catalogue, title: str, found: str | None) -> None:
    assert catalogue.named(title) == found


def test_categories_are_those_of_items_that_are_available(catalogue: Catalogue) -> None:
    assert catalogue.categories == ("Gifts", "Kitchen", "Outdoor", "Tents")
    assert not catalogue.is_empty
    assert Catalogue(1, []).is_empty
    assert not Catalogue(1, []).allowed(Constraints(categories=("x",))).any()
