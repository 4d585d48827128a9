"""The shop in the database and in both vector stores: imported, asked, shown and learned from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from orchestrator.errors import Conflict
from orchestrator.shop import DatabaseShop
from orchestrator.shop_models import Scores
from orchestrator.shop_report import ImportProgress
from orchestrator.shop_store import Pressed, Shown
from orchestrator.tables import items as items_table
from orchestrator.tables import shop_editions, showings
from tests.shop_fixture import SmallShop, best, small_shop
from tools.errors import InvalidInput, NotFound
from tools.knowledge.vectors import StoreUnavailable
from tools.pictures import encode
from tools.recommendation.shop import Constraints, Like, Looks, Match, Past, Words

ITEMS = """id,title,text,categories,price,currency,available,picture
t2,Fell 2 tent,A light tent for two hikers.,Tents|Outdoor,229,EUR,yes,red.png
t4,Fell 4 tent,A roomy tent for a family.,Tents|Outdoor,389,EUR,yes,green.png
bag,Down sleeping bag,Keeps hikers warm in a tent.,Outdoor,149,EUR,yes,
mug,Enamel mug,A mug for camp fires.,Kitchen|Outdoor,12,EUR,yes,blue.png
gone,Paper tent,A toy tent for children.,Toys,9,EUR,no,red.png
"""
INTERACTIONS = """customer,item,kind,value,at
42,t2,buy,,2026-05-01T10:00:00Z
42,bag,view,,2026-05-02T10:00:00Z
7,t2,buy,,2026-05-01T10:00:00Z
7,mug,rate,5,2026-05-03T10:00:00Z
8,t2,dislike,,2026-05-03T10:00:00Z
8,t4,rate,1,2026-05-03T10:00:00Z
"""
ANY = Constraints()


@pytest.fixture(params=["edge", "qdrant"])
async def small(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SmallShop]:
    async with small_shop(tmp_path, request.param) as shop:
        for name, colour in (("red", 0), ("green", 1), ("blue", 2)):
            picture = np.zeros((40, 60, 3), dtype=np.uint8)
            picture[..., colour] = 200
            shop.file(f"{name}.png", encode(picture, "png"))
        yield shop


async def filled(small: SmallShop) -> DatabaseShop:
    items, interactions = small.file("items.csv", ITEMS), small.file("events.csv", INTERACTIONS)
    await small.imports.run(items, interactions)
    return DatabaseShop(small.store, small.vectors)


def ids(matches: Sequence[Match]) -> list[str]:
    return [match.item.id for match in matches]


async def test_an_import_tells_what_it_took(small: SmallShop) -> None:
    told: list[ImportProgress] = []
    report = await small.imports.run(
        small.file("items.csv", ITEMS), small.file("events.csv", INTERACTIONS), told.append
    )
    assert (report.items, report.pictures, report.interactions) == (5, 4, 6)
    assert (report.customers, report.bad_lines, report.duplicates) == (3, (), 0)
    assert [(each.stage, each.rows) for each in told] == [("items", 5), ("interactions", 6)]
    assert all(each.bytes_read == each.total_bytes for each in told)


async def test_up_to_half_of_the_rows_may_be_bad_and_more_change_nothing(small: SmallShop) -> None:
    items = small.file("items.csv", ITEMS)
    half = INTERACTIONS.replace(",buy,", ",bought,").replace(",view,", ",looked,")
    report = await small.imports.run(items, small.file("events.csv", half))
    assert (report.interactions, report.bad_interactions) == (3, 3)
    assert "the kind is 'bought'; write one of buy, cart" in report.bad_lines[0].why
    more = half.replace(",dislike,", ",hated,")
    with pytest.raises(InvalidInput, match=r"4 of 6 rows of events\.csv .*nothing was imported"):
        await small.imports.run(items, small.file("events.csv", more))
    assert len(await small.store.events()) == 3


async def test_an_empty_shop_answers(small: SmallShop) -> None:
    shop = DatabaseShop(small.store, small.vectors)
    assert await shop.is_empty()
    assert list(await shop.categories()) == []
    assert await best(shop, Words("a tent"), ANY, 5) == ()
    assert await best(shop, Past(("t2",)), ANY, 5) == ()
    assert await shop.named("Fell 2 tent") is None
    assert await shop.history("42") is None
    assert list(await shop.items(["t2"])) == []


async def test_items_people_and_pictures_are_read_back(small: SmallShop) -> None:
    shop = await filled(small)
    assert not await shop.is_empty()
    assert [item.id for item in await shop.items(["mug", "nobody", "t2"])] == ["mug", "t2"]
    mug = await shop.named("the enamel mug")
    assert mug is not None
    assert mug.categories == ("Kitchen", "Outdoor")
    assert (mug.price, mug.currency, mug.available, mug.picture) == (12, "EUR", True, "blue.png")
    assert list(await shop.categories()) == ["Kitchen", "Outdoor", "Tents"]
    history = await shop.history("42")
    assert history is not None
    assert [(event.item, event.kind) for event in history] == [("t2", "buy"), ("bag", "view")]
    assert history[0].at == datetime(2026, 5, 1, 10, tzinfo=UTC)
    assert await shop.history("nobody") is None
    picture = await shop.picture("mug")
    assert picture is not None
    assert picture.startswith(b"\xff\xd8")
    assert await shop.picture("bag") is None


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (ANY, {"t2", "t4", "bag", "mug"}),
        (Constraints(price_below=229), {"bag", "mug"}),
        (Constraints(price_max=229), {"t2", "bag", "mug"}),
        (Constraints(price_min=200), {"t2", "t4"}),
        (Constraints(categories=("tents",)), {"t2", "t4"}),
        (Constraints(categories=("OUTDOOR",), excluded_categories=("Tents",)), {"bag", "mug"}),
        (Constraints(excluded_items=("t2", "mug")), {"t4", "bag"}),
        (Constraints(price_max=1), set()),
    ],
)
async def test_constraints_hold_in_every_question(
    small: SmallShop, where: Constraints, found: set[str]
) -> None:
    shop = await filled(small)
    red = np.full((9, 9, 3), (200, 0, 0), dtype=np.uint8)
    assert set(ids(await best(shop, Words("a tent for hikers"), where, 9))) == found
    assert set(ids(await best(shop, Words("una tienda para familia"), where, 9))) == found
    assert set(ids(await best(shop, Like("t2"), where, 9))) == found - {"t2"}
    assert set(ids(await best(shop, Looks(red), where, 9))) == found - {"bag"}
    assert set(ids(await best(shop, Past(), where, 9))) == found
    assert set(ids(await best(shop, Past(("t4",)), where, 9))) == found - {"t4"}
    assert await small.vectors.count(1, where) == len(found)


async def test_the_nearest_come_first(small: SmallShop) -> None:
    shop = await filled(small)
    assert ids(await best(shop, Words("a mug for the camp fire"), ANY, 1)) == ["mug"]
    assert ids(await best(shop, Like("t2"), ANY, 1)) == ["t4"]
    green = np.full((9, 9, 3), (0, 200, 0), dtype=np.uint8)
    assert ids(await best(shop, Looks(green), ANY, 1)) == ["t4"]
    assert ids(await best(shop, Like("nobody"), ANY, 3)) == []


async def test_without_a_model_the_order_is_what_most_people_took(small: SmallShop) -> None:
    """A dislike and a rating below the average are no taking."""
    shop = await filled(small)
    ranked = await shop.candidates([Past()], ANY, 4)
    assert ranked.version is None
    assert [(m.item.id, m.score) for m in ranked.rankings[0]] == [
        ("t2", 2),
        ("bag", 1),
        ("mug", 1),
        ("t4", 0),
    ]


class Model:
    """Scores as told; it knows an item that is gone from the shop and none that is new."""

    def __init__(self, **values: float) -> None:
        self.items = tuple(values)
        self.values = np.array(list(values.values()), dtype=np.float32)

    async def scores(self, history: Sequence[str]) -> Scores:
        def because(ids: Sequence[str]) -> Mapping[str, str]:
            return {each: history[-1] for each in ids if each in self.items}

        return Scores("v3", self.items, self.values, because)


async def test_a_models_order_holds_and_new_items_come_after(small: SmallShop) -> None:
    await filled(small)
    model = Model(mug=-2.0, vanished=9.0, t4=3.0)
    shop = DatabaseShop(small.store, small.vectors, model)
    ranked = await shop.candidates([Past(("t2",))], ANY, 9)
    assert ids(ranked.rankings[0]) == ["t4", "mug", "bag"]
    assert ranked.version == "v3"
    assert {item: past.id for item, past in ranked.because.items()} == {"t4": "t2", "mug": "t2"}


class Backwards:
    """A bandit that turns the order round."""

    def __init__(self) -> None:
        self.learned: list[Pressed] = []
        self.asked: list[tuple[str | None, list[str]]] = []

    async def choose(
        self, customer: str | None, history: Sequence[str], matches: Sequence[Match], show: int
    ) -> Sequence[Shown]:
        self.asked.append((customer, list(history)))
        return [Shown(m.item.id, 0.5, [m.score, 1.0]) for m in reversed(matches)][:show]

    async def learn(self, pressed: Pressed) -> None:
        self.learned.append(pressed)


async def test_what_is_shown_is_logged_and_what_is_pressed_is_learned_once(
    small: SmallShop,
) -> None:
    await filled(small)
    bandit = Backwards()
    shop = DatabaseShop(small.store, small.vectors, bandit=bandit)
    matches = await best(shop, Past(), ANY, 4)

    showing, shown = await shop.rerank("42", ["t2", "bag"], matches, 2)

    assert ids(shown) == ["t4", "mug"]
    assert bandit.asked == [("42", ["t2", "bag"])]
    assert showing is not None
    async with small.database.read() as connection:
        rows = (await connection.execute(sa.select(showings))).mappings().all()
    assert [(r["id"], r["position"], r["customer"], r["item"]) for r in rows] == [
        (showing, 0, "42", "t4"),
        (showing, 1, "42", "mug"),
    ]
    assert [(r["propensity"], r["features"]) for r in rows] == [(0.5, [0.0, 1.0]), (0.5, [1.0, 1])]

    pressed = await shop.feedback(showing, "mug", "click")
    beside = (Shown("t4", 0.5, [0.0, 1.0]),)
    assert pressed == Pressed(showing, "42", Shown("mug", 0.5, [1.0, 1.0]), "click", beside)
    assert await shop.feedback(showing, "mug", "click") is None
    assert await shop.feedback(showing, "mug", "buy") is not None
    assert [each.kind for each in bandit.learned] == ["click", "buy"]
    history = await shop.history("42")
    assert history is not None
    assert [(e.item, e.kind) for e in history][-2:] == [("mug", "click"), ("mug", "buy")]
    for wrong in ((showing, "t2"), ("nothing", "mug")):
        with pytest.raises(NotFound):
            await shop.feedback(*wrong, "click")


async def test_without_a_bandit_the_order_is_left(small: SmallShop) -> None:
    shop = await filled(small)
    matches = await best(shop, Past(), ANY, 4)
    assert await shop.rerank(None, (), matches, 2) == (None, matches[:2])


async def test_a_new_catalogue_replaces_the_old_and_known_words_are_not_encoded_again(
    small: SmallShop,
) -> None:
    shop = await filled(small)
    assert await shop.named("Enamel mug")
    before = small.words.encoded
    changed = "\n".join(ITEMS.splitlines()[:3]).replace(",229,", ",199,")
    report = await small.imports.run(
        small.file("items.csv", changed + "\nnew,Camp stove,Cooks.,Outdoor,49,EUR,yes,\n"), None
    )
    assert small.words.encoded == before + 2  # the stove, by two encoders
    assert await shop.named("Enamel mug") is None
    assert ids(await best(shop, Words("a light tent"), Constraints(price_max=199), 9)) == [
        "t2",
        "new",
    ]
    assert (await shop.history("42")) is not None
    assert await small.vectors.count(1) == 0
    assert await small.vectors.count(report.edition) == 3
    async with small.database.read() as connection:
        assert (await connection.execute(sa.select(sa.func.count(items_table.c.id)))).scalar() == 3


@pytest.mark.parametrize("side", ["near", "ranked"])
async def test_what_a_new_catalogue_overtakes_is_asked_again(
    small: SmallShop, side: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import takes over after the vectors, or before the items are read."""
    shop = await filled(small)
    assert await shop.count() == 5
    sold_out = ITEMS.replace("229,EUR,yes", "199,EUR,no").replace(",149,", ",99,")
    newer = [small.file("newer.csv", sold_out)]
    holder, name = (small.vectors, "near_text") if side == "near" else (small.store, "items")
    read = getattr(holder, name)

    async def overtaken(*args: Any) -> Any:
        if side == "ranked" and newer:
            await small.imports.run(newer.pop(), None)
        found = await read(*args)
        if newer:
            await small.imports.run(newer.pop(), None)
        return found

    monkeypatch.setattr(holder, name, overtaken)
    where = Constraints(price_max=230)
    if side == "near":
        matches = await best(shop, Words("a light tent"), where, 9)
    else:
        matches = await best(shop, Past(), where, 9)
    assert {match.item.id: match.item.price for match in matches} == {"bag": 99, "mug": 12}


async def test_a_catalogue_that_is_taken_away_leaves_nothing(small: SmallShop) -> None:
    shop = await filled(small)
    assert await best(shop, Words("a tent"), ANY, 5)
    async with small.database.write() as connection:
        await connection.execute(shop_editions.update().values(live=False))
    assert await best(shop, Words("a tent"), ANY, 5) == ()
    assert list(await shop.items(["t2"])) == []
    assert await shop.is_empty()


async def test_interactions_are_added_and_never_counted_twice(small: SmallShop) -> None:
    shop = await filled(small)
    assert [m.score for m in await best(shop, Past(), ANY, 9)] == [2, 1, 1, 0]
    more = small.file(
        "more.csv", INTERACTIONS + "9,bag,buy,,2026-05-04T10:00:00Z\n9,bag,buy,,1777888800\n"
    )
    report = await small.imports.run(None, more)
    assert (report.interactions, report.duplicates, report.customers) == (1, 7, 1)
    popular = {m.item.id: m.score for m in await best(shop, Past(), ANY, 9)}
    assert popular["bag"] == 2
    assert len(await small.store.events()) == 7
    assert len(await small.store.events(after=6)) == 1


async def test_one_import_at_a_time(small: SmallShop) -> None:
    items = small.file("items.csv", ITEMS)
    refused: list[str] = []

    def again(_: ImportProgress) -> None:
        run = small.imports.run(items, None)
        try:
            run.send(None)
        except Conflict as error:
            refused.append(error.message)

    await small.imports.run(items, None, again)
    assert refused == ["Another import is running; wait until it has ended."]


async def test_a_database_that_is_gone_is_the_stores_error(small: SmallShop) -> None:
    shop = await filled(small)
    async with small.database.write() as connection:
        await connection.execute(sa.text("DROP TABLE interactions"))
    with pytest.raises(StoreUnavailable):
        await shop.history("42")
