"""From the cells of a row to an item or an interaction, or to why it is neither. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, get_args

from orchestrator.shop_csv import Columns
from tools.recommendation.shop import EventKind, Item

ITEM_COLUMNS = Columns(
    ("id", "title", "text", "categories", "price", "currency", "available", "picture"),
    required=("id", "title"),
    aliases={"item": "id", "item_id": "id", "name": "title", "description": "text"},
)
INTERACTION_COLUMNS = Columns(
    ("customer", "item", "kind", "value", "at"),
    required=("customer", "item", "at"),
    aliases={
        "user": "customer",
        "user_id": "customer",
        "customer_id": "customer",
        "item_id": "item",
        "event": "kind",
        "rating": "value",
        "time": "at",
        "timestamp": "at",
    },
)

MAX_ID_CHARS = 128
MAX_TITLE_CHARS = 300
MAX_TEXT_CHARS = 10_000
MAX_CATEGORIES = 30
MAX_CATEGORY_CHARS = 100
MAX_PICTURE_CHARS = 255
MAX_PRICE = 1e9
MAX_VALUE = 1e6
CLOCKS_DIFFER = timedelta(minutes=5)
"""How far in the future a time may lie: clocks are not all right."""

KINDS: frozenset[str] = frozenset(get_args(EventKind))

_YES = frozenset(("", "1", "true", "yes", "y"))
_NO = frozenset(("0", "false", "no", "n"))
_SECONDS = re.compile(r"\d{1,13}(?:\.\d*)?")
_DECIMAL_COMMA = re.compile(r"-?\d+,\d{1,2}")
_CURRENCY = re.compile("[A-Z]{3}")
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


class BadRow(Exception):
    """A row that can't be taken; it says why, in words that follow "line 7: "."""


class Interaction(NamedTuple):
    """What somebody did, ready for the table."""

    customer: str
    item: str
    kind: str
    value: float
    at: datetime


def item_of(cells: Sequence[str], currency: str | None) -> Item:
    """The item in cells as ITEM_COLUMNS orders them.

    Args:
        currency: of the items before; prices in several can't be compared. Raises BadRow.
    """
    identity, title, text, categories, price, coin, available, picture = map(str.strip, cells)
    coin = coin.upper() or currency or "EUR"
    if not _CURRENCY.fullmatch(coin):
        raise BadRow(f"the currency is {_quoted(coin)}; write three letters, such as EUR")
    if currency not in (None, coin):
        raise BadRow(f"the price is in {coin}, those before are in {currency}; convert it")
    return Item(
        id=_identity(identity, "id"),
        title=_within(title, "title", MAX_TITLE_CHARS, needed=True),
        text=_within(text, "text", MAX_TEXT_CHARS),
        categories=_categories(categories),
        price=_price(price),
        currency=coin,
        available=_flag(available),
        picture=_within(picture, "picture", MAX_PICTURE_CHARS) or None,
    )


def interaction_of(cells: Sequence[str], now: datetime) -> Interaction:
    """The interaction in cells as INTERACTION_COLUMNS orders them. Raises BadRow."""
    customer, item, kind, value, at = map(str.strip, cells)
    kind = kind.lower() or ("rate" if value else "")
    if kind not in KINDS:
        raise BadRow(f"the kind is {_quoted(kind)}; write one of {', '.join(sorted(KINDS))}")
    if kind == "rate" and not value:
        raise BadRow("a rating has no value")
    return Interaction(
        _identity(customer, "customer"),
        _identity(item, "item"),
        kind,
        _number(value, "value", MAX_VALUE) if value else 1.0,
        _time(at, now),
    )


def _identity(text: str, name: str) -> str:
    if not text:
        raise BadRow(f"the {name} is empty")
    if len(text) > MAX_ID_CHARS or not text.isprintable():
        raise BadRow(f"the {name} is no id: at most {MAX_ID_CHARS} characters that can be seen")
    return text


def _within(text: str, name: str, most: int, *, needed: bool = False) -> str:
    if needed and not text:
        raise BadRow(f"the {name} is empty")
    if len(text) > most:
        raise BadRow(f"the {name} has {len(text):,} characters; at most {most:,} are taken")
    return text


def _categories(cell: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(filter(None, (name.strip() for name in cell.split("|")))))
    if len(names) > MAX_CATEGORIES:
        raise BadRow(f"there are {len(names)} categories; at most {MAX_CATEGORIES} are taken")
    for name in names:
        _within(name, "category", MAX_CATEGORY_CHARS)
    return names


def _price(cell: str) -> float | None:
    if not cell:
        return None
    price = _number(cell, "price", MAX_PRICE)
    if price < 0:
        raise BadRow(f"the price is {_quoted(cell)}, less than nothing")
    return price


def _number(cell: str, name: str, most: float) -> float:
    plain = cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell) else cell
    try:
        number = float(plain)
    except ValueError:
        raise BadRow(f"the {name} is {_quoted(cell)}; write a number, such as 12.50") from None
    if not math.isfinite(number) or abs(number) > most:
        raise BadRow(f"the {name} is {_quoted(cell)}, which no {name} can be")
    return number


def _flag(cell: str) -> bool:
    word = cell.lower()
    if word not in _YES | _NO:
        raise BadRow(f"available is {_quoted(cell)}; write yes or no")
    return word in _YES


def _time(cell: str, now: datetime) -> datetime:
    try:
        if _SECONDS.fullmatch(cell):
            at = datetime.fromtimestamp(float(cell), UTC)
        else:
            at = datetime.fromisoformat(cell)
            at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise BadRow(
            f"the time is {_quoted(cell)}; write it as 2026-05-17T09:30:00Z, or as seconds since "
            "1970"
        ) from None
    if at > now + CLOCKS_DIFFER:
        raise BadRow(f"the time {_quoted(cell)} lies in the future")
    if at < _EARLIEST:
        raise BadRow(f"the time {_quoted(cell)} lies before 1970")
    return at


def _quoted(cell: str) -> str:
    return repr(cell if len(cell) <= 40 else cell[:40] + "…")
