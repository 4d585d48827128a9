"""Train a recommender on what the shop knows, beside the service, and put it in service."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from model_servers.recommenders.contract import Interactions
from orchestrator.errors import Conflict, TrainingFailed
from orchestrator.recommender_job import FAILED, FINISHED, Finished, Job, write_events
from orchestrator.recommender_versions import RecommenderVersions, write_items
from orchestrator.shop_store import ShopStore
from tools.errors import InvalidInput
from tools.recommendation.shop import Event

log = logging.getLogger(__name__)

TrainingTold = Callable[[dict[str, Any]], None]
"""Hears {"model", "fraction"} while a model is fitted, and {"model", "hr@10", "ndcg@10"} of it."""

DEFAULT_MODELS = ("popularity", "item_knn", "ease", "als")
"""Tried where none is named: each is fitted within a minute for a shop of some thousand items."""
EASE_MAX_ITEMS = 8_000
"""EASE holds a dense matrix of items by items: 256 MB for these."""
WEIGHTS = {"view": 1.0, "click": 1.0, "cart": 2.0, "buy": 3.0, "like": 3.0}
"""How much an event tells of taste. Ratings count by their value, from the average upwards."""
MIN_EVENTS = 20
_CHUNK = 50_000


class Training:
    """Trains for one shop, one run at a time.

    Args:
        folder: where a run keeps what it has done, so that one that was killed goes on.
    """

    def __init__(self, store: ShopStore, versions: RecommenderVersions, folder: Path) -> None:
        self._store = store
        self._versions = versions
        self._folder = folder
        self._running = asyncio.Lock()

    async def run(
        self,
        models: Sequence[str] | None,
        told: TrainingTold,
        *,
        seed: int = 0,
        fresh: bool = False,
    ) -> str:
        """Train, put the best model in service, and give its version's id.

        A run of the same models and seed that was cut off goes on with the events it began with.

        Args:
            models: names of the registry; None tries those that fit the shop's size.
            fresh: begin anew instead.

        Raises:
            InvalidInput: no such model, or too few events.
            Conflict: another run is on.
            TrainingFailed, RecommenderError, DatabaseUnavailable.
        """
        if self._running.locked():
            raise Conflict("Another training run is on; wait until it has ended.")
        async with self._running:
            if fresh:
                await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
            items = await self._prepare(models, seed)
            await self._work(told)
            finished = Finished.model_validate_json((self._folder / FINISHED).read_bytes())
            made = self._folder / "made"
            await asyncio.to_thread(write_items, made, items, finished.model)
            recipe = {"model": finished.model, "seed": seed, "tried": list(finished.metrics)}
            version = await self._versions.add(recipe, finished.metrics, made)
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
            return version

    async def _prepare(self, models: Sequence[str] | None, seed: int) -> Sequence[str]:
        """The run's folder, as one that was cut off left it or new; gives the ids of its items."""
        with suppress(FileNotFoundError, ValueError, KeyError):
            kept = json.loads((self._folder / "items.json").read_bytes())
            job = Job.model_validate_json((self._folder / "job.json").read_bytes())
            asked = job.models if models is None else tuple(models)
            if (job.models, job.seed) == (asked, seed):
                (self._folder / FAILED).unlink(missing_ok=True)
                return list(kept)
        items, events = await self._events()
        job = Job(models=_chosen(models, len(items)), seed=seed)
        await asyncio.to_thread(self._write, job, items, events)
        return items

    def _write(self, job: Job, items: Sequence[str], events: Interactions) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        write_events(self._folder / "events.npz", events)
        (self._folder / "items.json").write_text(json.dumps(list(items)), encoding="utf-8")
        # Last: a folder without it is begun anew.
        (self._folder / "job.json").write_text(job.model_dump_json(), encoding="utf-8")

    async def _events(self) -> tuple[Sequence[str], Interactions]:
        """The ids of the catalogue's items, and what people did with them that tells of taste."""
        edition, _ = await self._store.editions()
        if edition is None:
            raise InvalidInput("There are no items to recommend; import a catalogue first.")
        ids = (await self._store.catalogue(edition)).ids
        numbers = {each: number for number, each in enumerate(ids)}
        people: dict[str, int] = {}
        rows: list[tuple[int, int, float, int]] = []
        ratings: list[float] = []
        after = 0
        while chunk := await self._store.events(after=after, limit=_CHUNK):
            after = chunk[-1][0]
            for row in _telling(chunk, numbers, people):
                rows.append(row)
                if row[2] < 0:
                    ratings.append(-row[2])
        average = sum(ratings) / len(ratings) if ratings else 0.0
        # Ratings were marked by their sign until all were read.
        kept = [
            (user, item, abs(value), at)
            for user, item, value, at in rows
            if value > 0 or -value >= average
        ]
        if len(kept) < MIN_EVENTS:
            raise InvalidInput(
                f"There are {len(kept)} interactions that tell what people like, and at least "
                f"{MIN_EVENTS} are needed; import more with `switchboard recommend import`."
            )
        kept.sort(key=lambda row: row[3])
        users, items, values, times = zip(*kept, strict=True)
        return ids, Interactions(
            users=np.array(users, dtype=np.int32),
            items=np.array(items, dtype=np.int32),
            values=np.array(values, dtype=np.float32),
            times=np.array(times, dtype=np.int64),
            n_users=len(people),
            n_items=len(ids),
        )

    async def _work(self, told: TrainingTold) -> None:
        """Run the process to its end; when this is cancelled, it ends and its work is kept."""
        log_path = self._folder / "log.txt"
        with log_path.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "orchestrator.recommender_job",
                str(self._folder),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
            )
        assert process.stdout is not None
        try:
            async for line in process.stdout:
                told(json.loads(line))
            code = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if code == 0:
            return
        with suppress(FileNotFoundError):
            failed = json.loads((self._folder / FAILED).read_bytes())
            raise TrainingFailed(f"The training stopped: {failed['message']}")
        log.error("training failed: %s", log_path.read_text(encoding="utf-8")[-2_000:])
        raise TrainingFailed(
            f"The training process ended with {code}; the service's log says why. What was done is "
            "kept: train again to go on."
        )


def _telling(
    chunk: Iterable[tuple[int, str, Event]], numbers: dict[str, int], people: dict[str, int]
) -> Iterable[tuple[int, int, float, int]]:
    """User, item, value and time of the events that may tell of taste; ratings are negative."""
    for _, customer, event in chunk:
        item = numbers.get(event.item)
        if item is None or event.kind == "dislike":
            continue
        value = -event.value if event.kind == "rate" else WEIGHTS[event.kind]
        if value == 0:
            continue
        yield people.setdefault(customer, len(people)), item, value, int(event.at.timestamp())


def _chosen(models: Sequence[str] | None, n_items: int) -> tuple[str, ...]:
    from model_servers.recommenders.registry import servable

    if models is None:
        return tuple(m for m in DEFAULT_MODELS if m != "ease" or n_items <= EASE_MAX_ITEMS)
    if not models:
        raise InvalidInput("models: name at least one.", param="models")
    for name in models:
        if name not in servable():
            raise InvalidInput(
                f"There is no model {name!r} to train; there are: {', '.join(servable())}.",
                param="models",
            )
        if name == "ease" and n_items > EASE_MAX_ITEMS:
            raise InvalidInput(
                f"ease takes up to {EASE_MAX_ITEMS:,} items, and the shop has {n_items:,}; "
                "train als.",
                param="models",
            )
    return tuple(dict.fromkeys(models))
