"""Trained recommenders by version: which are there, which one answers, and the model in memory.

A version is a row of the database and a folder. The row put in service last answers, so a newly
trained version takes over without a restart, and an older one is put back by the same act.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from model_servers.contracts import SwitchboardError
from orchestrator.database import Database, now
from orchestrator.shop_models import Scores
from orchestrator.tables import recommender_versions as _versions
from tools.errors import NotFound
from tools.knowledge.vectors import StoreUnavailable

if TYPE_CHECKING:
    from model_servers.recommenders.contract import Recommender

log = logging.getLogger(__name__)

MAX_LISTED = 200
_NAME = re.compile(r"v([1-9]\d{0,8})")


class Version(BaseModel):
    """A trained model. `metrics` are of each model that was tried, on what people did last."""

    model_config = ConfigDict(frozen=True)

    id: str
    model: str
    recipe: dict[str, Any]
    metrics: dict[str, dict[str, float]]
    created_at: datetime
    in_service: bool


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A version's model, ready to score. `ids` are the items' by their number in the model."""

    number: int
    model: Recommender
    ids: tuple[str, ...]
    numbers: Mapping[str, int]


class RecommenderVersions:
    """A RecommenderInService. Methods raise DatabaseUnavailable when the database can't answer.

    Args:
        folder: holds a folder for each version.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self._loaded: _Loaded | None = None
        self._loading = asyncio.Lock()
        self._unreadable: int | None = None

    async def list(self) -> list[Version]:
        """The newest first."""
        query = sa.select(_versions).order_by(_versions.c.number.desc()).limit(MAX_LISTED)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
        serving = await self._in_service()
        return [_version(dict(row), serving) for row in rows]

    async def add(self, recipe: Mapping[str, Any], metrics: Mapping[str, Any], made: Path) -> str:
        """Keep what was trained in the folder `made`, put it in service, and give its id.

        The folder is moved before the version can be asked for.
        """
        async with self._database.write() as connection:
            row = {"recipe": dict(recipe), "metrics": dict(metrics), "created_at": now()}
            done = await connection.execute(_versions.insert().values(**row))
            assert done.inserted_primary_key is not None
            number = int(done.inserted_primary_key[0])
            await asyncio.to_thread(_move, made, self._folder / f"v{number}")
            await connection.execute(
                _versions.update().where(_versions.c.number == number).values(in_service_at=now())
            )
        return f"v{number}"

    async def serve(self, version: str) -> Version:
        """Put a version in service, an older one as well. Raises NotFound, and
        StoreUnavailable where its files can't be read: then the one before goes on answering."""
        match = _NAME.fullmatch(version)
        query = sa.select(_versions.c.number).where(
            _versions.c.number == (int(match[1]) if match else 0)
        )
        async with self._database.read() as connection:
            number = (await connection.execute(query)).scalar_one_or_none()
        if number is None:
            raise NotFound(
                f"There is no version {version!r}; `switchboard recommend versions` lists them."
            )
        loaded = await self._load(number)
        async with self._database.write() as connection:
            await connection.execute(
                _versions.update().where(_versions.c.number == number).values(in_service_at=now())
            )
        self._loaded = loaded
        return next(each for each in await self.list() if each.id == version)

    async def scores(self, history: Sequence[str]) -> Scores | None:
        """See RecommenderInService. Raises StoreUnavailable where no version can be read."""
        number = await self._in_service()
        if number is None:
            return None
        loaded = await self._current(number)
        known = [loaded.numbers[each] for each in history if each in loaded.numbers]
        values = await asyncio.to_thread(lambda: loaded.model.scores([known])[0])

        def because(items: Sequence[str]) -> Mapping[str, str]:
            asked = [each for each in items if each in loaded.numbers]
            weighed = loaded.model.because(known, [loaded.numbers[each] for each in asked])
            pairs = zip(asked, weighed, strict=True)
            return {each: loaded.ids[most] for each, most in pairs if most is not None}

        return Scores(f"v{loaded.number}", loaded.ids, np.asarray(values), because)

    async def _in_service(self) -> int | None:
        query = (
            sa.select(_versions.c.number)
            .where(_versions.c.in_service_at.is_not(None))
            .order_by(_versions.c.in_service_at.desc(), _versions.c.number.desc())
            .limit(1)
        )
        async with self._database.read() as connection:
            number: int | None = (await connection.execute(query)).scalar_one_or_none()
        return number

    async def _current(self, number: int) -> _Loaded:
        """The version in service; the one before it while it loads, or if it can't be read."""
        before = self._loaded
        if before is not None and before.number == number:
            return before
        if before is not None and (self._loading.locked() or self._unreadable == number):
            return before
        async with self._loading:
            if self._loaded is not None and self._loaded.number == number:
                return self._loaded
            try:
                self._loaded = await self._load(number)
            except StoreUnavailable:
                if before is None:
                    raise
                # Told once: what it says does not change by asking again.
                log.exception("v%d can't be read; v%d goes on answering", number, before.number)
                self._unreadable = number
                return before
            return self._loaded

    async def _load(self, number: int) -> _Loaded:
        try:
            return await asyncio.to_thread(_read, self._folder / f"v{number}", number)
        except (OSError, ValueError, KeyError, SwitchboardError) as error:
            raise StoreUnavailable(
                f"The recommender v{number} can't be read; put another version in service with "
                "`switchboard recommend rollback`, or train anew."
            ) from error


def write_items(folder: Path, ids: Sequence[str], model: str) -> None:
    """Write, beside a saved model, which it is and the ids of its items by their number."""
    told = json.dumps({"model": model, "items": list(ids)}, ensure_ascii=False)
    (folder / "version.json").write_text(told, encoding="utf-8")


def _read(folder: Path, number: int) -> _Loaded:
    from model_servers.recommenders.registry import recommender_class

    told = json.loads((folder / "version.json").read_text(encoding="utf-8"))
    model = recommender_class(told["model"]).load(folder / "model")
    ids = tuple(told["items"])
    return _Loaded(number, model, ids, {each: place for place, each in enumerate(ids)})


def _move(made: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    made.rename(to)


def _version(row: Mapping[str, Any], serving: int | None) -> Version:
    return Version(
        id=f"v{row['number']}",
        model=row["recipe"]["model"],
        recipe=row["recipe"],
        metrics=row["metrics"] or {},
        created_at=row["created_at"],
        in_service=row["number"] == serving,
    )
