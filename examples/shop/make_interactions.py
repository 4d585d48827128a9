"""Make `interactions.csv`: what 600 invented customers did with the items of `items.csv`.

Run it to write the file anew: `python examples/shop/make_interactions.py`. The same seed and the
same items give the same file. Its structure, which a recommender may find:

- A customer has one to three tastes out of thirteen, the first of which counts most. A taste is a
  set of categories. Four of five looks are drawn by how well an item suits tastes and price level;
  the rest is curiosity.
- A customer has a price level: low, middle or high. Of two items of one kind, the one whose rank in
  price among its kind is nearer to that level is looked at more.
- Items differ in how well they are known (a few are looked at by many) and in how good they are.
- After some kinds come others, within days to weeks: after a tent comes something to sleep on,
  after a coffee machine come beans. `AFTER` lists them, with how often it happens.
- A look may become a click, a click something in the cart, that a purchase: the better the item
  suits, the likelier. What was bought may be rated from 1 to 5: by how it suits and how good it is.
- What is not available any more was so until a day in April 2026; nobody comes upon it after.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

SEED = 20260531
CUSTOMERS = 600
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
END = datetime(2026, 5, 31, tzinfo=UTC)
SOLD_OUT = datetime(2026, 4, 12, tzinfo=UTC)

TASTES: Mapping[str, tuple[str, ...]] = {
    "runner": ("running", "recovery", "cardio"),
    "camper": ("camping", "hiking gear", "backpacks"),
    "coffee lover": ("coffee",),
    "computer user": ("computers", "office machines"),
    "music lover": ("audio",),
    "parent": ("toys", "children's books", "puzzles"),
    "reader": ("books", "stationery"),
    "cook": ("kitchen", "cookbooks", "food"),
    "dresser": ("clothing", "care"),
    "gardener": ("garden",),
    "cyclist": ("cycling",),
    "homemaker": ("home", "pets"),
    "traveller": ("travel", "swimming", "yoga"),
}
AFTER: Sequence[tuple[str, str, float]] = (
    ("tents", "sleeping", 0.7),
    ("tents", "tent parts", 0.35),
    ("sleeping", "camp cooking", 0.5),
    ("camp cooking", "lighting", 0.3),
    ("backpacks", "hiking gear", 0.6),
    ("laptops", "computer accessories", 0.75),
    ("laptops", "storage", 0.3),
    ("desktops", "monitors", 0.6),
    ("headphones", "audio accessories", 0.5),
    ("turntables", "speakers", 0.5),
    ("coffee machines", "beans", 0.8),
    ("coffee machines", "coffee care", 0.5),
    ("coffee makers", "beans", 0.6),
    ("beans", "coffee tools", 0.3),
    ("shoes", "socks", 0.55),
    ("running gear", "recovery", 0.3),
    ("crime", "crime", 0.6),
    ("science fiction", "science fiction", 0.6),
    ("knives", "knives", 0.3),
    ("baking", "appliances", 0.25),
    ("beds and pots", "plants and seeds", 0.7),
    ("plants and seeds", "watering", 0.4),
    ("bike bags", "bike tools", 0.35),
    ("cycling safety", "bike parts", 0.3),
    ("luggage", "travel accessories", 0.6),
    ("building toys", "building toys", 0.4),
    ("wooden toys", "children's books", 0.3),
    ("dogs", "dogs", 0.5),
    ("cats", "cats", 0.5),
)
WITHOUT_KIND = frozenset(("gifts",))
"""Categories that say for what an item is bought, and not what it is."""


@dataclass(frozen=True)
class Item:
    """An item: its categories, its rank in price among its kind (0 to 1), and what is unseen."""

    id: str
    categories: tuple[str, ...]
    available: bool
    price_rank: float
    fame: float
    quality: float

    @property
    def kind(self) -> str:
        """The narrowest of its first two categories."""
        return self.categories[min(1, len(self.categories) - 1)]


@dataclass
class Customer:
    """A person, who remembers what was seen."""

    id: str
    tastes: tuple[str, ...]
    price_level: float
    seen: set[str] = field(default_factory=set)

    def suits(self, item: Item) -> float:
        """How well an item suits, from 0 to 1."""
        shared = [
            1.0 - 0.25 * place
            for place, taste in enumerate(self.tastes)
            if set(TASTES[taste]).intersection(item.categories)
        ]
        price = 1.0 - abs(item.price_rank - self.price_level)
        return 0.65 * max(shared, default=0.1) + 0.35 * price


@dataclass(frozen=True, order=True)
class Row:
    """One line of the file."""

    at: datetime
    customer: str
    item: str
    kind: str
    value: str = ""


def read_items(path: Path, random: Random) -> list[Item]:
    """The items, with a fame and a quality that are drawn for each."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    prices: dict[str, list[float]] = {}
    for row in rows:
        prices.setdefault(row["categories"].split("|")[0], []).append(float(row["price"]))
    items = []
    for row in rows:
        categories = tuple(row["categories"].split("|"))
        among = sorted(prices[categories[0]])
        rank = among.index(float(row["price"])) / max(1, len(among) - 1)
        fame = 0.25 + 3.0 * random.random() ** 6
        quality = random.random()
        kinds = tuple(name for name in categories if name not in WITHOUT_KIND) or categories
        items.append(Item(row["id"], kinds, row["available"] == "yes", rank, fame, quality))
    return items


def make(items: Sequence[Item], random: Random) -> list[Row]:
    """What everybody did, in order of time."""
    rows: list[Row] = []
    for number in range(1, CUSTOMERS + 1):
        rows += live(_customer(number, random), items, random)
    return sorted(rows)


def live(customer: Customer, items: Sequence[Item], random: Random) -> Iterator[Row]:
    """What one customer did: visits over the months, and what follows from what was bought."""
    lasts = (END - BEGIN).total_seconds()
    visits = 3 + int(12 * random.random() ** 2)
    starts = sorted(BEGIN + timedelta(seconds=int(lasts * random.random())) for _ in range(visits))
    waiting: list[tuple[datetime, str]] = []
    for start in starts:
        yield from _followed(customer, waiting, start, items, random)
        at = start
        for _ in range(1 + int(3 * random.random())):
            item = _draw(customer, items, at, random)
            if item is not None:
                yield from _meet(customer, item, at, waiting, random)
            at += timedelta(seconds=60 + int(600 * random.random()))
    yield from _followed(customer, waiting, END, items, random)


def _followed(
    customer: Customer,
    waiting: list[tuple[datetime, str]],
    until: datetime,
    items: Sequence[Item],
    random: Random,
) -> Iterator[Row]:
    """The needs that came up before a moment; meeting one may bring up another."""
    while due := sorted(each for each in waiting if each[0] < until):
        at, kind = due[0]
        waiting.remove(due[0])
        item = _draw(customer, [i for i in items if kind in i.categories], at, random)
        if item is not None:
            yield from _meet(customer, item, at, waiting, random, wanted=True)


def _draw(customer: Customer, items: Sequence[Item], at: datetime, random: Random) -> Item | None:
    """What catches the eye; nothing where all was seen."""
    left = [i for i in items if i.id not in customer.seen and (i.available or at < SOLD_OUT)]
    if random.random() < 0.8:
        weights = [i.fame * customer.suits(i) ** 6 for i in left]
    else:
        weights = [i.fame for i in left]
    return random.choices(left, weights)[0] if left else None


def _meet(
    customer: Customer,
    item: Item,
    at: datetime,
    waiting: list[tuple[datetime, str]],
    random: Random,
    *,
    wanted: bool = False,
) -> Iterator[Row]:
    """A look at an item, and what comes of it."""
    customer.seen.add(item.id)
    liking = 0.75 * customer.suits(item) + 0.25 * item.quality
    chance = min(0.97, liking + (0.25 if wanted else 0.0))
    for kind in ("view", "click", "cart", "buy"):
        if at >= END:
            return
        yield Row(at, customer.id, item.id, kind)
        if random.random() > chance:
            if kind == "click" and liking < 0.35:
                yield Row(at + timedelta(seconds=5), customer.id, item.id, "dislike")
            return
        at += timedelta(seconds=15 + int(240 * random.random()))
    for before, after, often in AFTER:
        if before in item.categories and random.random() < often:
            waiting.append((at + timedelta(days=1 + 20 * random.random()), after))
    if random.random() < 0.5:
        rated = at + timedelta(days=3 + 14 * random.random())
        pleased = 0.45 * customer.suits(item) + 0.55 * item.quality
        stars = 0.6 + 4.6 * pleased + 0.9 * (random.random() + random.random() - 1.0)
        if rated < END:
            value = str(max(1, min(5, math.floor(stars + 0.5))))
            yield Row(rated.replace(microsecond=0), customer.id, item.id, "rate", value)


def _customer(number: int, random: Random) -> Customer:
    tastes: list[str] = []
    for _ in range(random.choices((1, 2, 3), (45, 40, 15))[0]):
        tastes.append(random.choices([t for t in TASTES if t not in tastes])[0])
    level = random.choices((0.15, 0.5, 0.9), (40, 40, 20))[0]
    return Customer(str(number), tuple(tastes), level)


def write(path: Path, items: Path) -> int:
    """Write the file; gives the number of its rows."""
    random = Random(SEED)  # noqa: S311
    rows = make(read_items(items, random), random)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("customer", "item", "kind", "value", "at"))
        for row in rows:
            at = row.at.strftime("%Y-%m-%dT%H:%M:%SZ")
            writer.writerow((row.customer, row.item, row.kind, row.value, at))
    return len(rows)


if __name__ == "__main__":
    here = Path(__file__).parent
    print(write(here / "interactions.csv", here / "items.csv"), "rows")
