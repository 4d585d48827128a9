"""What a recommendation costs over a large shop, and what training costs as the shop grows.

The shop is made: 100,000 items with words, prices and categories, and people who take what is near
them in a hidden taste. Their vectors are hashes of their words, since the encoders' time is not
what is asked here.
"""

from __future__ import annotations

import asyncio
import csv
import json
import re
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from evals.bench.frame import Bench, Row, interleave, ratio_row, row
from model_servers.recommenders.contract import Interactions

if TYPE_CHECKING:
    from model_servers.encoders import Role
    from orchestrator.own_shop import OwnShop

ITEMS = 100_000
CUSTOMERS = 5_000
SLOWDOWN = 1.5
"""Bound of the issue "Recommend"."""
WISH = "three gifts under 50 € for a runner"
SIZES = (1, 2, 4)
TRAINED = ("item_knn", "ease", "als")
_PEOPLE, _MOVIES, _EACH = 943, 1_682, 106
"""MovieLens-100k's."""
_KINDS = ("running", "garden", "kitchen", "books", "music", "camping", "toys", "office")
_NOUNS = ("lamp", "shoe", "jacket", "knife", "novel", "guitar", "tent", "puzzle", "desk", "bottle")


class _Words:
    """Texts as sums of a direction for each word, in place of the encoders."""

    async def __call__(
        self,
        texts: Sequence[str],
        *,
        language: str,
        role: Role,
        deadline: float | None = None,
    ) -> NDArray[np.float32]:
        return np.stack([self._text(text) for text in texts])

    def __init__(self, width: int) -> None:
        self._width = width
        self._known: dict[str, NDArray[np.float32]] = {}

    def _text(self, text: str) -> NDArray[np.float32]:
        total = np.sum([self._word(w) for w in re.findall(r"\w+", text.casefold())], axis=0)
        return np.asarray(total / np.linalg.norm(total), dtype=np.float32)

    def _word(self, word: str) -> NDArray[np.float32]:
        if word not in self._known:
            random = np.random.default_rng(zlib.crc32(word.encode()))
            self._known[word] = random.normal(size=self._width).astype(np.float32)
        return self._known[word]


async def _no_looks(images: Sequence[Any], *, deadline: float | None) -> NDArray[np.float32]:
    raise AssertionError(f"the made items have no pictures; {len(images)} came by {deadline}")


def run(repeats: int) -> Sequence[Row]:
    return [*asyncio.run(_requests(repeats)), *_trainings()]


async def _requests(repeats: int) -> Sequence[Row]:
    from tools.contracts import RunContext
    from tools.recommend_items import RecommendItems, RecommendItemsArgs
    from tools.recommendation.shop import Constraints

    nothing: Any = None
    tool = RecommendItems()
    asked = RecommendItemsArgs(request=WISH, user="c1")
    async with _made_shop() as (shop, vectors, edition):
        history = [event.item for event in await shop.asked.history("c1") or ()]
        where = Constraints(price_below=50.0)
        found: list[int] = []

        async def request() -> None:
            ctx = RunContext(nothing, nothing, nothing, nothing, shop=shop.asked)
            result = await tool(asked, ctx)
            found.append(len(result.data.items))  # type: ignore[attr-defined]

        async def alone() -> None:
            await vectors.near_text(edition, "runner", where, 20)
            await shop.versions.scores(history)

        ours, bare = await interleave(repeats, request, alone)
        assert set(found) == {3}, found
    return [
        ratio_row("a request ÷ the vector query and the scoring alone", ours, bare, SLOWDOWN),
        row("a request over 100,000 items", [seconds * 1000 for seconds in ours], "ms"),
        row("the vector query and the scoring", [seconds * 1000 for seconds in bare], "ms"),
    ]


@asynccontextmanager
async def _made_shop() -> AsyncIterator[tuple[OwnShop, Any, int]]:
    """A shop of made items with a trained model, its vectors, and the edition they are of."""
    from model_servers.encoders import DIMENSIONS
    from orchestrator.database import open_database
    from orchestrator.own_shop import open_shop
    from orchestrator.shop_store import ShopStore
    from tools.knowledge.edge import EdgeStore
    from tools.recommendation.item_vectors import ITEMS as LAYOUT
    from tools.recommendation.item_vectors import ItemVectors

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_shop(folder)
        database = await open_database(f"sqlite+aiosqlite:///{folder}/shop.db")
        vectors = ItemVectors(EdgeStore(folder / "vectors", LAYOUT), _Words(DIMENSIONS), _no_looks)
        try:
            shop = open_shop(database, vectors, folder / "recommenders")
            await shop.imports.run(folder / "items.csv", folder / "interactions.csv")
            await shop.training.run(["als"], lambda _: None)
            edition, _ = await ShopStore(database).editions()
            assert edition is not None
            yield shop, vectors, edition
        finally:
            await vectors.close()
            await database.close()


def _write_shop(folder: Path) -> None:
    random = np.random.default_rng(0)
    with (folder / "items.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("id", "title", "text", "categories", "price", "currency", "available"))
        for number in range(ITEMS):
            kind, noun = _KINDS[number % 8], _NOUNS[number % 10]
            words = f"A {noun} for {kind}, model {number}."
            price = f"{random.uniform(5, 200):.2f}"
            rows.writerow(
                (f"i{number}", f"{kind} {noun} {number}", words, kind, price, "EUR", "yes")
            )
    with (folder / "interactions.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("customer", "item", "kind", "at"))
        for customer in range(CUSTOMERS):
            # Everybody keeps to one kind, and to its popular items.
            taken = np.unique(random.zipf(1.3, size=20) % (ITEMS // 8)) * 8 + customer % 8
            for day, item in enumerate(taken):
                rows.writerow((f"c{customer}", f"i{item}", "buy", f"2026-01-{day + 1:02}"))


def _trainings() -> Sequence[Row]:
    """Seconds and peak memory of a training run, each in a process of its own."""
    measured = [_training(size) for size in SIZES]
    rows = []
    first_s, first_mb = measured[0]
    for size, (seconds, megabytes) in zip(SIZES, measured, strict=True):
        name = f"training {', '.join(TRAINED)} on {size} × MovieLens-100k"
        rows.append(row(f"{name}: time", [seconds], "s"))
        rows.append(row(f"{name}: peak memory", [megabytes], "MB"))
        if size > 1:
            rows.append(row(f"{name}: time ÷ that of 1 ×", [seconds / first_s], "×"))
            rows.append(row(f"{name}: memory ÷ that of 1 ×", [megabytes / first_mb], "×"))
    return rows


_MEASURED = (
    "import json, resource, subprocess, sys; "
    "done = subprocess.run([sys.executable, '-m', 'orchestrator.recommender_job', sys.argv[1]], "
    "stdin=sys.stdin, stdout=subprocess.DEVNULL); "
    "usage = resource.getrusage(resource.RUSAGE_CHILDREN); "
    "print(json.dumps([done.returncode, usage.ru_maxrss / 1024]))"
)


def _training(size: int) -> tuple[float, float]:
    from orchestrator.recommender_job import Job, write_events

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_events(folder / "events.npz", _ratings(size))
        (folder / "job.json").write_text(Job(models=TRAINED).model_dump_json(), encoding="utf-8")
        begun = time.perf_counter()
        # The job ends when its standard input does, so that is a pipe which stays open.
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-c", _MEASURED, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdin is not None
        with process.stdout as told, process.stdin:
            code, megabytes = json.loads(told.read())
        process.wait()
        assert code == 0
        return time.perf_counter() - begun, float(megabytes)


def _ratings(size: int) -> Interactions:
    """As many people as so many MovieLens-100k have, over its number of items."""
    random = np.random.default_rng(size)
    people = _PEOPLE * size
    shares = 1.0 / np.arange(10, _MOVIES + 10)
    shares /= shares.sum()
    items = np.concatenate(
        [random.choice(_MOVIES, size=_EACH, replace=False, p=shares) for _ in range(people)]
    )
    count = len(items)
    return Interactions(
        users=np.repeat(np.arange(people, dtype=np.int32), _EACH),
        items=items.astype(np.int32),
        values=np.ones(count, dtype=np.float32),
        times=np.arange(count, dtype=np.int64),
        n_users=people,
        n_items=_MOVIES,
    )


BENCH = Bench("recommend", "a recommendation over 100,000 items, and training as they grow", run, 9)
