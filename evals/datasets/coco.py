"""Objects in images: COCO's instances JSON."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from pydantic import JsonValue

from evals.datasets.boxes import file_within, gold_box
from evals.datasets.reading import Reading, RowError, number_in, text_in
from evals.task import Dataset

_ROOTS = ("", "images", "train2017", "val2017", "images/train2017", "images/val2017")


def coco(path: Path) -> Dataset:
    """Images with their boxes, from a folder with `annotations/*.json` or `*.json`, or one file.

    The images lie beside the annotations, or above them, as they are or in `images` or `val2017`.
    A bad row's reason names its place, as in `annotations[12]`. The version is that of the
    annotations: the images' bytes are left to the solver.

    Returns:
        inputs {"image": path, "width", "height"} in pixels; gold a list of
        {"label", "box": [left, top, right, bottom], "crowd", "polygons"?} in pixels.

    Raises:
        DatasetError: there is no such file, it is of another form, or no image can be read.
    """
    reading = Reading(path, "COCO JSON with images[], annotations[] and categories[]")
    for file in reading.files_if_any("annotations/*.json") or reading.files("*.json"):
        document = reading.document(file)
        if not isinstance(document, dict) or not isinstance(document.get("images"), list):
            reading.refuse(f"has a file of another form: {file.name!r}")
        labels: dict[str, str] = {}
        for place, category in reading.nested(file, document, "categories"):
            with reading.row(file, 1, place):
                labels[str(category.get("id"))] = text_in(category, "name")
        root = file.parent.parent if file.parent.name == "annotations" else file.parent
        images: dict[str, dict[str, JsonValue]] = {}
        for place, image in reading.nested(file, document, "images"):
            with reading.row(file, 1, place):
                id = str(image.get("id"))
                if id in images:
                    raise RowError(f"has the id {id[:40]!r} of an earlier image")
                images[id] = {
                    "image": str(file_within(root, text_in(image, "file_name"), _ROOTS)),
                    "width": number_in(image, "width"),
                    "height": number_in(image, "height"),
                }
        objects: defaultdict[str, list[JsonValue]] = defaultdict(list)
        for place, annotation in reading.nested(file, document, "annotations"):
            with reading.row(file, 1, place):
                image_id = str(annotation.get("image_id"))
                if image_id not in images:
                    raise RowError(f"is of an image that can't be read: {image_id[:40]!r}")
                objects[image_id].append(_object(annotation, labels, images[image_id]))
        for id, inputs in images.items():
            with reading.row(file, 1):
                reading.add(f"{file.stem}:{id}", inputs, objects[id])
    return reading.dataset()


def _object(
    annotation: dict[str, JsonValue], labels: dict[str, str], image: dict[str, JsonValue]
) -> dict[str, JsonValue]:
    label = labels.get(str(annotation.get("category_id")))
    if label is None:
        raise RowError("has an unknown category_id")
    box = annotation.get("bbox")
    if not isinstance(box, list) or len(box) != 4:
        raise RowError("has no bbox of four numbers")
    left, top, width, height = _numbers(box)
    outlines = annotation.get("segmentation")
    # A crowd's outline is run-length encoded: an object, not a list of polygons.
    polygons = [_numbers(o) for o in outlines or ()] if isinstance(outlines, list) else []
    size = number_in(image, "width"), number_in(image, "height")
    edges = (left, top, left + width, top + height)
    crowd = annotation.get("iscrowd") == 1
    return gold_box(label, edges, size, crowd=crowd, polygons=polygons)


def _numbers(values: JsonValue) -> list[float]:
    if not isinstance(values, list):
        raise RowError("has an outline that is no list of numbers")
    return [number_in({"box or outline": value}, "box or outline") for value in values]
