"""How well a mask covers what it should, by faster-coco-eval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from evals.metrics.additive import AdditiveMetric, Array, Parts, ratio
from evals.metrics.forms import MetricError, shown


class MaskOverlap(AdditiveMetric):
    """One mask a picture: what it has in common with the right one, over what both cover (IoU).

    Golds and predictions are {"size": [height, width]} in pixels with "polygons", lists of x and y
    in turns, or with "counts", COCO's run lengths as `mask_of` gives them; both of the same size.
    An error covers nothing, which is right for a gold that covers nothing.

    Figures: iou, the mean over the pictures; over the pixels of all pictures together pixel_iou,
    pixel_precision and pixel_recall.
    """

    name = "masks"

    def parts(self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]) -> Parts:
        rows = [_row(gold, found) for gold, found in zip(golds, predictions, strict=True)]
        return Parts(np.array(rows, dtype=float).reshape(len(rows), 5), _figures)


def mask_of(inside: NDArray[np.bool_]) -> dict[str, JsonValue]:
    """A mask (height, width) as JSON: {"size", "counts"}."""
    from faster_coco_eval.core import mask

    runs = mask.encode(np.asfortranarray(inside, dtype=np.uint8))
    height, width = inside.shape
    return {"size": [height, width], "counts": runs["counts"].decode("ascii")}


def _row(gold: JsonValue, prediction: JsonValue) -> tuple[float, ...]:
    from faster_coco_eval.core import mask

    right = _runs(gold)
    wanted = int(mask.area(right))
    if prediction is None:
        return float(not wanted), 0, 0, wanted, 1
    found = _runs(prediction)
    if found["size"] != right["size"]:
        raise MetricError(
            f"A mask has the size of its gold, {shown(right['size'])}, not {shown(found['size'])}."
        )
    common = int(mask.area(mask.merge([right, found], intersect=True)))
    covered = int(mask.area(found))
    either = wanted + covered - common
    return common / either if either else 1.0, common, covered, wanted, 1


def _figures(sums: Array) -> dict[str, Array]:
    overlaps, common, covered, wanted, count = sums.T
    return {
        "iou": ratio(overlaps, count),
        "pixel_iou": ratio(common, covered + wanted - common),
        "pixel_precision": ratio(common, covered),
        "pixel_recall": ratio(common, wanted),
    }


def _runs(value: JsonValue) -> dict[str, Any]:
    """As faster-coco-eval has it. Raises MetricError."""
    from faster_coco_eval.core import mask

    match value:
        case {"size": [int() as height, int() as width], "counts": str(counts)}:
            return {"size": [height, width], "counts": counts.encode("ascii", "replace")}
        case {"size": [int() as height, int() as width], "polygons": [*polygons]}:
            outlines = [p for p in polygons if isinstance(p, list) and len(p) >= 6]
            if not outlines:
                empty: Mapping[str, Any] = mask_of(np.zeros((height, width), bool))
                return _runs(dict(empty))
            runs: dict[str, Any] = mask.merge(mask.frPyObjects(outlines, height, width))
            return runs
    raise MetricError(
        f'A mask is {{"size": [height, width]}} with "polygons" or "counts", not {shown(value)}.'
    )
