"""One training run in a process of its own: `python -m orchestrator.recommender_job FOLDER`.

Each model is fitted without everybody's last event and measured on it; the best by nDCG@10 is then
fitted on all. What is done is kept in the folder step by step, so a run that was killed goes on
where it was. Progress goes to stdout as JSON lines.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from model_servers.contracts import SwitchboardError
from model_servers.leash import when_owner_leaves
from model_servers.recommenders.contract import Interactions, Progress, Recommender

MEASURED_PEOPLE = 20_000
"""Of more people than these, a seeded sample is measured."""
FINISHED = "finished.json"
FAILED = "failed.json"
_NICE = 10
"""The service that answers meanwhile goes first."""


class Job(BaseModel):
    """What a run does: the models to be tried, in this order."""

    model_config = ConfigDict(frozen=True)

    models: tuple[str, ...]
    seed: int = 0


class Finished(BaseModel):
    """What a run found: the best model, with HR@10 and nDCG@10 of all."""

    model_config = ConfigDict(frozen=True)

    model: str
    metrics: dict[str, dict[str, float]]


def write_events(path: Path, events: Interactions) -> None:
    """Keep interactions for a run."""
    arrays = {name: getattr(events, name) for name in ("users", "items", "values", "times")}
    with path.open("wb") as file:
        np.savez(file, sizes=np.array([events.n_users, events.n_items]), **arrays)


def read_events(path: Path) -> Interactions:
    """Read back what `write_events` kept."""
    with np.load(path, allow_pickle=False) as kept:
        n_users, n_items = kept["sizes"].tolist()
        return Interactions(
            users=kept["users"],
            items=kept["items"],
            values=kept["values"],
            times=kept["times"],
            n_users=n_users,
            n_items=n_items,
        )


def run(folder: Path) -> None:
    """Do what is left of the run in a folder."""
    from model_servers.recommenders.holdout import hit_rate, hold_out_last, ndcg, ranks

    job = Job.model_validate_json((folder / "job.json").read_bytes())
    events = read_events(folder / "events.npz")
    rest, held = hold_out_last(events)
    generator = np.random.default_rng(job.seed)
    chosen = generator.permutation(len(held))[:MEASURED_PEOPLE]
    held = [held[row] for row in np.sort(chosen)]
    metrics: dict[str, dict[str, float]] = {}
    for place, name in enumerate(job.models):
        kept = folder / f"{name}.json"
        if not kept.exists():
            model = _fitted(folder / name, name, rest, job, _telling(name, place, len(job.models)))
            places = ranks(model, held)
            _write_json(kept, {"hr@10": hit_rate(places), "ndcg@10": ndcg(places)})
        metrics[name] = json.loads(kept.read_bytes())
        _tell({"model": name, **metrics[name]})
    best = _best(job.models, metrics)
    model = _fitted(folder / "all", best, events, job, _telling(best, len(metrics), len(metrics)))
    made = folder / "made" / "model"
    made.mkdir(parents=True, exist_ok=True)
    model.save(made)
    _write_json(folder / FINISHED, Finished(model=best, metrics=metrics).model_dump())


def _fitted(
    checkpoints: Path, name: str, events: Interactions, job: Job, progress: Progress
) -> Recommender:
    from model_servers.recommenders.registry import make_recommender

    checkpoints.mkdir(exist_ok=True)
    model = make_recommender(name, checkpoints=checkpoints)
    model.fit(events, seed=job.seed, progress=progress)
    return model


def _best(models: Sequence[str], metrics: dict[str, dict[str, float]]) -> str:
    """The highest nDCG@10; of equal ones the first that was named."""
    return max(models, key=lambda name: metrics[name]["ndcg@10"])


def _telling(name: str, place: int, models: int) -> Progress:
    # All models once, and the best of them a second time.
    return lambda done: _tell({"model": name, "fraction": (place + done) / (models + 1)})


def _tell(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _write_json(path: Path, content: Any) -> None:
    """Whole or not at all."""
    beside = path.with_suffix(".partial")
    beside.write_text(json.dumps(content), encoding="utf-8")
    beside.replace(path)


def main(folder: Path) -> int:
    """Run, and write what went wrong where it is not our own fault."""
    os.nice(_NICE)
    when_owner_leaves(lambda: os._exit(1))
    try:
        run(folder)
    except SwitchboardError as error:
        _write_json(folder / FAILED, {"code": error.code, "message": error.message})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
