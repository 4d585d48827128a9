"""People in photos, to the pixel."""

from __future__ import annotations

from pathlib import Path

from evals.metrics import MaskOverlap
from evals.task import Dataset, EvalTask, Prediction, Sample, Way
from evals.tasks._files import sent
from evals.tasks._masks import joint_mask, people_in


def _load(path: Path, _seed: int) -> Dataset:
    return people_in(path)


async def _solve(sample: Sample, way: Way) -> Prediction:
    given = {"image": await sent(sample.inputs["image"]), "target": "person"}
    masks = (await way.invoke("segment_image", given))["data"]["masks"]
    value = await joint_mask(way, [mask["mask"]["id"] for mask in masks])
    return Prediction(value=value, details={"people": len(masks)})


TASK = EvalTask("segmentation", "1", "People in photos, to the pixel", _load, _solve,
                (MaskOverlap(),), "iou",
                data_form="a folder with images/ and masks/, or a COCO or YOLO one")  # fmt: skip
