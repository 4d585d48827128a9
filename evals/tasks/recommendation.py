"""Wishes in nine languages with constraints that can be checked, over the sample shop."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from pathlib import Path

from evals.datasets import DatasetError
from evals.metrics.wishes import WishesMet
from evals.task import BadRow, Dataset, EvalTask, Prediction, Sample, Way
from tools.recommend_items import RecommendItems


def _load(path: Path, _seed: int) -> Dataset:
    """JSONL: `request`, and the wish's constraints beside it."""
    try:
        raw = path.read_bytes()
        lines = raw.decode("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} can't be read as UTF-8 text: {error}.") from None
    samples, bad = [], []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            gold = json.loads(line)
            request = gold.pop("request")
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            reason = f"no object with a request: {error}"
            bad.append(BadRow(file=path.name, line=number, reason=reason))
            continue
        samples.append(Sample(id=f"wish-{number}", inputs={"request": request}, gold=gold))
    version = hashlib.sha256(raw).hexdigest()[:12]
    return Dataset(path.stem, version, tuple(samples), tuple(bad))


async def _solve(sample: Sample, way: Way) -> Prediction:
    outcome = await way.ask(str(sample.inputs["request"]))
    results = [
        step["result"]
        for step in outcome["steps"]
        if step["tool"] == RecommendItems.name and step.get("result")
    ]
    items = results[0]["items"] if results else []
    wanted = ("id", "price", "categories", "reasons")
    value = {"items": [{name: item[name] for name in wanted} for item in items]}
    return Prediction(value=value, details={"answer": outcome.get("answer")})


TASK = EvalTask(
    name="recommendation",
    version="1",
    summary="Wishes with constraints, over the shop that is imported (gold: the sample shop)",
    load=_load,
    solve=_solve,
    metrics=(WishesMet(),),
    headline="met",
    default_data=Path(str(files("evals") / "data" / "recommendation.jsonl")),
)
