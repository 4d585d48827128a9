"""Products as cards, with buttons that tell what somebody thinks of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from orchestrator.page.markup import text
from tools.recommend_items import RecommendedItem
from tools.recommend_items_words import money

_BUTTONS = (("click", "Interested"), ("like", "More like this"), ("dislike", "Not for me"))
"""The page's own script sends what is pressed: the kind of event, and the button's words."""


class _Facts(BaseModel):
    """What is drawn of a result; `showing` is None where what is pressed would teach nobody."""

    items: Sequence[RecommendedItem]
    showing: str | None


def cards(result: Mapping[str, Any]) -> str:
    """Ready HTML for a result of `recommend_items`.

    Empty for one that was kept by a version that told other things: its fields are shown as data
    all the same.
    """
    try:
        facts = _Facts.model_validate(result)
    except ValidationError:
        return ""
    if not facts.items:
        return ""
    shown = "".join(_card(item, facts.showing) for item in facts.items)
    return f'<ul class="products">{shown}</ul>'


def _card(item: RecommendedItem, showing: str | None) -> str:
    picture = ""
    if item.picture is not None:
        address = f"v1/recommend/items/{quote(item.id, safe='')}/picture"
        picture = f'<img src="{text(address)}" alt="" loading="lazy">'
    price = "" if item.price is None else f"<b>{text(money(item.price, item.currency, 'en'))}</b>"
    kinds = "".join(f'<span class="chip">{text(c)}</span>' for c in item.categories)
    return (
        f'<li class="product">{picture}<h4 dir="auto">{text(item.title)}</h4>'
        f"<p>{price} {kinds}</p>{_buttons(item, showing)}</li>"
    )


def _buttons(item: RecommendedItem, showing: str | None) -> str:
    """Gradio lets no data attributes through, so a button's value says all that is sent."""
    if showing is None:
        return ""
    pressed = "".join(
        f'<button type="button" class="press" value="{text(f"{showing} {kind} {item.id}")}">'
        f"{words}</button>"
        for kind, words in _BUTTONS
    )
    return f'<p class="presses">{pressed}</p>'
