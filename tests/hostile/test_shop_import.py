"""Files of a shop that are wrong, broken or huge: a clear answer, and what is in service stays."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from orchestrator.shop import DatabaseShop
from orchestrator.shop_report import ImportProgress
from orchestrator.tables import interactions as interactions_table
from orchestrator.tables import shop_editions
from tests.shop_fixture import SmallShop, best, small_shop
from tools.errors import InvalidInput
from tools.knowledge.vectors import StoreUnavailable
from tools.pictures import encode
from tools.recommendation.shop import Constraints, Past, Words

ITEMS = "id,title,categories,price\nt2,Fell 2 tent,Tents,229\nmug,Enamel mug,Kitchen,12\n"
EVENTS = "customer,item,kind,at\n42,t2,buy,2026-05-01T10:00:00Z\n42,mug,view,2026-05-02T10:00:00Z\n"


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[SmallShop]:
    """A shop in service, of two items and one customer."""
    async with small_shop(tmp_path) as shop:
        await shop.imports.run(shop.file("items.csv", ITEMS), shop.file("events.csv", EVENTS))
        yield shop


async def unchanged(small: SmallShop) -> None:
    """Nothing of a failed import is seen, and nothing of it is left."""
    shop = DatabaseShop(small.store, small.vectors)
    near = await best(shop, Words("a tent or a mug"), Constraints(), 9)
    assert {match.item.id for match in near} == {"t2", "mug"}
    history = await shop.history("42")
    assert history is not None
    assert [event.item for event in history] == ["t2", "mug"]
    async with small.database.read() as connection:
        assert (await connection.execute(sa.select(shop_editions.c.id))).scalars().all() == [1]
        rows = await connection.execute(sa.select(interactions_table.c.edition).distinct())
        assert rows.scalars().all() == [1]
    assert await small.vectors.count(1) == 2
    assert await small.vectors.count(2) == 0


MANY = "".join(f"n{n},Item {n},Toys,{n}\n" for n in range(600))


LATIN_1_AT_ITS_END = (
    b"id,title\n" + b"".join(b"%d,%s\n" % (n, b"A" * 200) for n in range(9_000)) + b"x,M\xfcsli"
)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id^title\n1^A\n", "has no column id"),
        ("1,Tent\n2,Mug\n", "The first line names the columns"),
        ("id,price\n1,2\n", "has no column title"),
        ("", "is empty"),
        ("id,title\n", "holds no rows"),
        (b"PK\x03\x04" + bytes(200), "is no text"),
        (f'id,title,categories,price\n{MANY}1,"A\n', "line 602 is not closed"),
        (f"id,title,categories,price\n{MANY}1," + "A" * 200_000, "line 602 has more than"),
        ("id,title,price\n1,A,nan\n2,B,nan\n3,C,1\n", "2 of 3 rows .* line 2: the price is 'nan'"),
        (LATIN_1_AT_ITS_END, "begins as utf-8, but what comes after .* save the whole file"),
        (("id,title\n" + "1,A\n" * 20_000), "nothing was imported"),
    ],
)
async def test_a_catalogue_that_is_no_use_is_refused(
    small: SmallShop, content: str | bytes, said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        await small.imports.run(small.file("bad.csv", content), None)
    await unchanged(small)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("customer,item,kind\n42,t2,buy\n", "has no column at"),
        ("customer,item,kind,at\n42,boat,buy,0\n7,ship,buy,0\n", "no item 'boat' in the catalogue"),
        ("customer,item,kind,at\n1,t2,buy,9999999999\n", "lies in the future"),
    ],
)
async def test_interactions_that_are_no_use_take_the_catalogue_back_with_them(
    small: SmallShop, content: str, said: str
) -> None:
    items = small.file("new.csv", f"{ITEMS}{MANY}")
    with pytest.raises(InvalidInput, match=said):
        await small.imports.run(items, small.file("bad.csv", content))
    await unchanged(small)


async def test_bad_rows_are_counted_and_the_first_are_told(small: SmallShop) -> None:
    nan = "".join(f"b{n},Bad,Toys,nan\n" for n in range(30))
    items = small.file("new.csv", f'{ITEMS}t2,Twice,Toys,1\n{nan}q,"A"B,Toys,1\nw,Short\n{MANY}')
    events = small.file(
        "ev.csv", f"{EVENTS}{EVENTS.split(chr(10), 1)[1]}7,boat,buy,0\n7,t2,buy,0\n"
    )

    report = await small.imports.run(items, events)

    assert (report.items, report.bad_items) == (602, 33)
    assert (report.interactions, report.duplicates) == (1, 4)
    assert (report.bad_interactions, report.unknown_items) == (1, 1)
    lines = [(each.file, each.line, each.why) for each in report.bad_lines]
    assert len(lines) == 21
    assert lines[0] == ("new.csv", 4, "the id 't2' stands in the file before")
    assert lines[1] == ("new.csv", 5, "the price is 'nan', which no price can be")
    assert lines[-1] == ("ev.csv", 6, "there is no item 'boat' in the catalogue")


async def test_pictures_that_can_not_be_used_leave_the_item_without_one(
    small: SmallShop, tmp_path_factory: pytest.TempPathFactory
) -> None:
    good = encode(np.full((900, 30, 3), 90, dtype=np.uint8), "png")
    outside = tmp_path_factory.mktemp("elsewhere") / "secret.png"
    outside.write_bytes(good)
    small.file("good.png", good)
    small.file("cut.png", good[: len(good) // 2])
    small.file("text.png", "no picture at all")
    (small.folder / "link.png").symlink_to(outside)
    (small.folder / "folder.png").mkdir()
    names = {
        "good.png": None,
        "cut.png": "can't be decoded",
        "text.png": "can't be decoded",
        "missing.png": "is not there",
        "folder.png": "is no file",
        "link.png": "outside the catalogue's folder",
        f"../{outside.parent.name}/secret.png": "outside|not there",
        str(outside): "outside the catalogue's folder",
        "http://127.0.0.1:9/x.png": "is an address",
        "nul\x01.png": "is not there",
    }
    rows = "".join(f"i{n},Item,{name}\n" for n, name in enumerate(names))

    report = await small.imports.run(small.file("p.csv", f"id,title,picture\n{rows}"), None)

    assert (report.items, report.pictures, report.bad_pictures) == (len(names), 1, len(names) - 1)
    assert report.bad_items == 0
    wanted = [(line, why) for line, why in enumerate(names.values(), start=2) if why]
    for told, (line, why) in zip(report.bad_lines, wanted, strict=True):
        assert told.line == line
        assert any(each in told.why for each in why.split("|")), told
    found, _ = await small.store.items(report.edition, ["i0", "i1"])
    assert [item.picture for item in found] == ["good.png", None]


async def test_ten_gigabytes_without_a_line_end_are_refused_at_once(small: SmallShop) -> None:
    path = small.file("huge.csv", ITEMS)
    with path.open("r+b") as file:
        file.truncate(10 * 2**30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InvalidInput, match="is no text"):
        await small.imports.run(path, None)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < 50
    await unchanged(small)


async def test_an_import_that_is_stopped_leaves_nothing(small: SmallShop) -> None:
    started = asyncio.Event()

    def told(progress: ImportProgress) -> None:
        if progress.stage == "interactions":
            started.set()

    many = "".join(f"c{n},t2,view,{n}\n" for n in range(30_000))
    items = small.file("new.csv", f"{ITEMS}{MANY}")
    events = small.file("many.csv", f"customer,item,kind,at\n{many}")
    running = asyncio.create_task(small.imports.run(items, events, told))
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await unchanged(small)


async def test_vectors_that_fail_leave_what_was(
    small: SmallShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object, **__: object) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(small.vectors, "add", gone)
    with pytest.raises(StoreUnavailable):
        await small.imports.run(small.file("new.csv", f"{ITEMS}{MANY}"), None)
    await unchanged(small)


_KILLED = """
import asyncio, os, sys
from pathlib import Path
from tests.shop_fixture import small_shop

async def main(folder):
    async with small_shop(folder, "edge") as shop:
        def die(progress):
            if progress.stage == "interactions":
                os._exit(9)
        await shop.imports.run(folder / "new.csv", folder / "events.csv", die)

asyncio.run(main(Path(sys.argv[1])))
"""


async def test_a_killed_import_is_never_seen_and_cleaned_up_by_the_next(tmp_path: Path) -> None:
    async with small_shop(tmp_path, "edge") as small:
        await small.imports.run(small.file("items.csv", ITEMS), small.file("events.csv", EVENTS))
        small.file("new.csv", f"{ITEMS}{MANY}")
    killed = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", _KILLED, str(tmp_path)], check=False
    )
    assert killed.returncode == 9
    async with small_shop(tmp_path, "edge") as small:
        shop = DatabaseShop(small.store, small.vectors)
        assert [m.item.id for m in await best(shop, Past(), Constraints(), 99)] == [
            "t2",
            "mug",
        ]
        assert len(await best(shop, Words("item tent"), Constraints(), 99)) == 2
        assert await small.vectors.count(2) == 602
        await small.imports.run(None, tmp_path / "events.csv")
        assert await small.vectors.count(2) == 0
        async with small.database.read() as connection:
            live = await connection.execute(sa.select(shop_editions.c.live))
            assert all(live.scalars())


_MEASURED = """
import asyncio, resource, sys
from pathlib import Path
from tests.shop_fixture import small_shop

def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

async def main(folder):
    async with small_shop(folder) as shop:
        await shop.imports.run(folder / "items.csv", folder / "few.csv")
        before = peak_mb()
        report = await shop.imports.run(None, folder / "many.csv")
        print(report.interactions, peak_mb() - before)

asyncio.run(main(Path(sys.argv[1])))
"""


async def test_a_big_file_takes_no_more_memory_than_a_small_one(tmp_path: Path) -> None:
    """20,000 rows, then 250,000: what is held is one block of them."""
    header = "customer,item,kind,at\n"
    (tmp_path / "items.csv").write_text(ITEMS)
    few = "".join(f"few{n},t2,view,{n}\n" for n in range(20_000))
    (tmp_path / "few.csv").write_text(header + few)
    with (tmp_path / "many.csv").open("w") as file:
        file.write(header)
        file.writelines(f"customer-{n % 9_000},mug,view,{n}\n" for n in range(250_000))
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", _MEASURED, str(tmp_path)],
        check=True,
        capture_output=True,
        text=True,
    )
    taken, growth_mb = done.stdout.split()
    assert int(taken) == 250_000
    assert float(growth_mb) < 30
