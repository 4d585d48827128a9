"""How well boxes are found, by COCO's evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import JsonValue

from evals.metrics.forms import MetricError, check_pairs, read_list, shown

_MAX_FOUND = 100
"""Per image and class; COCO's own bound."""


class MeanAveragePrecision:
    """COCO's mean average precision (Lin et al. 2014), by faster-coco-eval.

    Golds are lists of {"box": [left, top, right, bottom], "label", "crowd"} in pixels, `crowd`
    where it is COCO's mark of a group that is no miss; predictions are the same with a "score".
    Both may be {"boxes": [...]}. An error finds nothing. Boxes of a label that no gold has are
    not judged, as COCO has it. Figures: map, the mean over the labels and over
    overlaps (IoU) from 0.50 to 0.95; map_50 and map_75, at these; ap/L for each label.
    """

    name = "boxes"
    higher_is_better = True

    def __call__(
        self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]
    ) -> dict[str, float]:
        check_pairs(golds, predictions)
        wanted = [[_box(item) for item in read_list(gold, "boxes")] for gold in golds]
        found = [[_box(item, scored=True) for item in read_list(p, "boxes")] for p in predictions]
        labels = sorted({box["label"] for boxes in wanted for box in boxes})
        if not labels:
            return {}
        precision = _precision(wanted, found, labels)
        figures = {
            "map": float(precision.mean()),
            "map_50": float(precision[0].mean()),
            "map_75": float(precision[5].mean()),
        }
        each = precision.mean(axis=(0, 1))
        return figures | {f"ap/{k}": float(v) for k, v in zip(labels, each, strict=True)}


def _precision(
    wanted: list[list[dict[str, Any]]], found: list[list[dict[str, Any]]], labels: list[str]
) -> Any:
    """By IoU from 0.50 to 0.95, recall from 0 to 1, and label."""
    from faster_coco_eval import COCO, COCOeval_faster

    ids = {label: i for i, label in enumerate(labels, start=1)}
    golds = COCO(
        {
            "images": [{"id": i, "width": 1, "height": 1} for i in range(1, len(wanted) + 1)],
            "categories": [{"id": i, "name": label} for label, i in ids.items()],
            "annotations": _rows(wanted, ids),
        }
    )
    if not any(box["label"] in ids for boxes in found for box in boxes):
        return np.zeros((10, 101, len(labels)))
    evaluation = COCOeval_faster(golds, golds.loadRes(_rows(found, ids)), iouType="bbox")
    evaluation.params.maxDets = [1, 10, _MAX_FOUND]
    evaluation.evaluate()
    evaluation.accumulate()
    # Axes: IoU, recall, class, size of the object (all first), most found (all last).
    return evaluation.eval["precision"][:, :, :, 0, -1]


def _rows(images: list[list[dict[str, Any]]], ids: dict[str, int]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for image, boxes in enumerate(images, start=1):
        for box in boxes:
            if box["label"] in ids:
                width, height = box["bbox"][2:]
                rows.append(
                    box
                    | {
                        "id": len(rows) + 1,
                        "image_id": image,
                        "category_id": ids[box["label"]],
                        "area": width * height,
                    }
                )
    return rows


def _box(item: JsonValue, *, scored: bool = False) -> dict[str, Any]:
    """As COCO has it: [left, top, width, height]."""
    match item:
        case {
            "box": [
                int() | float() as left,
                int() | float() as top,
                int() | float() as right,
                int() | float() as bottom,
            ],
            "label": str(label),
            **rest,
        } if not scored or isinstance(rest.get("score"), int | float):
            return {
                "bbox": [left, top, right - left, bottom - top],
                "label": label,
                "score": rest.get("score"),
                "iscrowd": int(bool(rest.get("crowd"))),
            }
    form = '"box": [left, top, right, bottom], "label"' + (', "score"' if scored else "")
    raise MetricError(f"A box is {{{form}}}, not {shown(item)}.")
