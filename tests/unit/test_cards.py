"""Products as cards: what is shown, what is escaped, and what a button sends."""

from __future__ import annotations

from typing import Any

from orchestrator.page.cards import cards

ITEM: dict[str, Any] = {
    "id": "red mug",
    "title": "Mug <b>red</b>",
    "price": 9.5,
    "currency": "EUR",
    "categories": ["kitchen"],
    "picture": "mug.png",
    "score": 1.0,
    "reasons": [],
}


def test_a_card_shows_the_item_and_its_buttons_name_showing_kind_and_item() -> None:
    shown = cards({"items": [ITEM], "showing": "s1"})
    assert "Mug &lt;b&gt;red&lt;/b&gt;" in shown
    assert "9.50 €" in shown
    assert 'src="v1/recommend/items/red%20mug/picture"' in shown
    for kind in ("click", "like", "dislike"):
        assert f'value="s1 {kind} red mug"' in shown


def test_without_a_showing_nothing_can_be_pressed_and_without_a_picture_none_is_asked_for() -> None:
    shown = cards({"items": [ITEM | {"picture": None, "price": None}], "showing": None})
    assert "<button" not in shown
    assert "<img" not in shown


def test_nothing_is_drawn_for_no_items_and_for_what_another_version_told() -> None:
    assert cards({"items": [], "showing": None}) == ""
    assert cards({"things": []}) == ""
