"""Wishes in nine languages with constraints that can be checked, over the sample shop."""

from __future__ import annotations

from pathlib import Path

from pydantic import JsonValue

from evals.datasets import wishes
from evals.metrics import WishesMet
from evals.task import Dataset, EvalTask, Prediction, Sample, Way
from evals.tasks._shop import fill
from tools.recommend_items import RecommendItems

_SHOPS: dict[str, Path] = {}
_FIELDS = ("id", "price", "categories", "reasons")


def _load(path: Path, _seed: int) -> Dataset:
    dataset = wishes(path)
    shop = (path if path.is_dir() else path.parent).resolve()
    _SHOPS.update((sample.id, shop) for sample in dataset.samples)
    return dataset


async def _solve(sample: Sample, way: Way) -> Prediction:
    await fill(way, _SHOPS[sample.id])
    outcome = await way.ask(str(sample.inputs["request"]))
    steps = (step for step in outcome["steps"] if step["tool"] == RecommendItems.name)
    found = [item for step in steps for item in (step.get("result") or {}).get("items", ())]
    value: JsonValue = {"items": [{name: item[name] for name in _FIELDS} for item in found]}
    return Prediction(value=value, details={"answer": outcome.get("answer")})


SAMPLE_SHOP = Path(__file__).parents[2] / "examples" / "shop"
TASK = EvalTask("recommendation", "1", "Wishes to a shop, and what they ask for", _load, _solve,
                (WishesMet(),), "met", default_data=SAMPLE_SHOP)  # fmt: skip
