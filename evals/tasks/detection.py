"""Things in photos and where they are, in COCO's or YOLO's files."""

from __future__ import annotations

from pathlib import Path

from evals.datasets import coco, yolo
from evals.metrics import MeanAveragePrecision
from evals.task import Dataset, EvalTask, Prediction, Sample, Way
from evals.tasks._files import sent
from evals.tasks._golds import only_objects

_LEAST_SCORE = 0.05
"""The least that the tool takes: average precision weighs boxes by their scores itself."""


def _load(path: Path, _seed: int) -> Dataset:
    return yolo(path) if (path / "labels").is_dir() else coco(path)


async def _solve(sample: Sample, way: Way) -> Prediction:
    given = {"image": await sent(sample.inputs["image"]), "min_score": _LEAST_SCORE}
    return Prediction(value=(await way.invoke("detect_objects", given))["data"]["boxes"])


TASK = EvalTask("detection", "1", "Things in photos, and where they are", _load, _solve,
                (MeanAveragePrecision(),), "map_50", unmatchable=only_objects,
                data_form="a COCO or YOLO folder")  # fmt: skip
