"""The people in photos, as one mask a photo."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from evals.datasets import DatasetError, coco, masks, yolo
from evals.metrics import mask_of
from evals.task import Dataset, Sample, Way
from evals.watched import FetchingWay, NoWay

_PERSON = "person"
_LARGE = 0.1
"""The share of the photo from which on the largest person's box is large."""
_OPAQUE = 128


def people_in(path: Path) -> Dataset:
    """Photos of people with gold masks {"size": [height, width], "polygons" or "counts"}.

    Read are PNG files of `masks/`, else YOLO's outlines of `seg_labels/` (with `seg_config.yaml`)
    or `labels/`, else COCO's. Of outlines only the photos with people are left, and of those none
    in which a person has no outline, as in COCO's crowds; the group "largest" tells whether the
    largest person's box takes a tenth of the photo.

    Raises DatasetError where there is no such photo.
    """
    if (path / "masks").is_dir():
        return masks(path)
    if (path / "seg_labels").is_dir():
        named = "seg_config.yaml" if (path / "seg_config.yaml").is_file() else None
        dataset = yolo(path, labels="seg_labels", names=named)
    else:
        dataset = yolo(path) if (path / "labels").is_dir() else coco(path)
    samples = tuple(made for made in map(_with_mask, dataset.samples) if made is not None)
    if not samples:
        raise DatasetError(f"{dataset.name!r} has no photo in which each person has an outline.")
    return replace(dataset, samples=samples)


def _with_mask(sample: Sample) -> Sample | None:
    things: Any = sample.gold
    people = [thing for thing in things if thing["label"] == _PERSON]
    if not people or not all(thing.get("polygons") for thing in people):
        return None
    inputs: Any = sample.inputs
    width, height = int(inputs["width"]), int(inputs["height"])
    polygons = [polygon for thing in people for polygon in thing["polygons"]]
    largest = max(_area(thing["box"]) for thing in people) / (width * height)
    gold = {"size": [height, width], "polygons": polygons}
    groups = {**sample.groups, "largest": "large" if largest >= _LARGE else "small"}
    return sample.model_copy(update={"gold": gold, "groups": groups})


def _area(box: Sequence[float]) -> float:
    left, top, right, bottom = box
    return (right - left) * (bottom - top)


async def joint_mask(way: Way, ids: Sequence[str]) -> dict[str, JsonValue]:
    """What any of these masks of the service covers, pictures that are transparent outside.

    Raises NoWay, SwitchboardError.
    """
    if not isinstance(way, FetchingWay):
        raise NoWay("There is no way here to get the files that tools make.")
    pictures = [await way.download(id) for id in ids]
    return await asyncio.to_thread(_joint, pictures)


def _joint(pictures: Sequence[bytes]) -> dict[str, JsonValue]:
    import numpy as np
    from PIL import Image

    alphas = [np.asarray(Image.open(io.BytesIO(p)).getchannel("A")) for p in pictures]
    return mask_of(np.maximum.reduce(alphas) >= _OPAQUE)
