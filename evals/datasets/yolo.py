"""Objects in images: YOLO's text labels, boxes or outlines, with names from a YAML file."""

from __future__ import annotations

from pathlib import Path

from pydantic import JsonValue

from evals.datasets.boxes import file_within, gold_box
from evals.datasets.reading import Reading, RowError
from evals.task import Dataset

_NAME_FILES = ("data.yaml", "dataset.yaml", "config.yaml", "classes.txt")
_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


def yolo(path: Path, *, labels: str = "labels", names: str | None = None) -> Dataset:
    """Images of `images/` with the boxes of `labels/`, by file name.

    A label's line is "class x y width height", the centre and size as shares of the image, or
    "class x1 y1 x2 y2 x3 y3 …", an outline. An image without labels holds no object, unless the
    names' file says `skip_if_label_file_missing: true`. One bad line spoils that object only.

    Args:
        path: the folder.
        labels: the folder of the labels.
        names: the YAML file with `names`, or a text file with a name a line; else the first of
            data.yaml, dataset.yaml, config.yaml and classes.txt.

    Returns:
        inputs {"image": path, "width", "height"} in pixels; gold a list of
        {"label", "box": [left, top, right, bottom], "crowd", "polygons"?} in pixels.

    Raises:
        DatasetError: there is no such folder or file of names, or no image can be read.
    """
    reading = Reading(path, f"images/, {labels}/*.txt and {' or '.join(_NAME_FILES)} with names")
    if path.is_file():
        reading.refuse("is a file")
    label_names, skip_missing = _names(reading, (names,) if names else _NAME_FILES)
    images = {
        _key(image, path / "images"): image
        for image in reading.files("images/*", "images/*/*")
        if image.suffix.lower() in _IMAGE_SUFFIXES
    }
    files = {
        _key(file, path / labels): file
        for file in reading.files(f"{labels}/*.txt", f"{labels}/*/*.txt")
    }
    for key in sorted(files.keys() - images.keys()):
        reading.reject(files[key], 1, f"there is no image {key!r}")
    for key, image in images.items():
        file = files.get(key)
        if file is None and skip_missing:
            continue
        with reading.row(file or image, 1):
            size = _size(image)
            objects = [] if file is None else _objects(reading, file, label_names, size)
            inputs: dict[str, JsonValue] = {
                "image": str(image),
                "width": size[0],
                "height": size[1],
            }
            reading.add(key, inputs, objects)
    return reading.dataset()


def _key(file: Path, folder: Path) -> str:
    """What a label's file and its image have in common: "val/0001"."""
    return file.relative_to(folder).with_suffix("").as_posix()


def _names(reading: Reading, files: tuple[str, ...]) -> tuple[dict[str, str], bool]:
    """The labels' names by number, and whether an image without labels is to be skipped."""
    try:
        there = (name for name in files if (reading.root / name).is_file())
        file = file_within(reading.root, next(there, files[0]))
    except RowError:
        reading.refuse(f"has no {' or '.join(files)}")
    if file.suffix == ".txt":
        lines = (line.strip() for _, line in reading.lines(file))
        return {str(n): line for n, line in enumerate(lines) if line}, False
    import yaml  # type: ignore[import-untyped]

    try:
        document = yaml.safe_load(reading.text(file))
    except (yaml.YAMLError, ValueError, RecursionError):
        reading.refuse(f"has a file that is not YAML: {file.name!r}")
    found = document.get("names") if isinstance(document, dict) else None
    if isinstance(found, list):
        found = dict(enumerate(found))
    if not isinstance(found, dict) or not all(isinstance(n, str | int) for n in found.values()):
        reading.refuse(f"has a file without names: {file.name!r}")
    skip = document.get("skip_if_label_file_missing") is True
    return {str(number): str(name) for number, name in found.items()}, skip


def _size(image: Path) -> tuple[int, int]:
    """Width and height from the image's header; its pixels are not decoded."""
    from PIL import Image

    try:
        with Image.open(image) as opened:
            return opened.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise RowError(f"is of an image that can't be read: {image.name!r}") from error


def _objects(
    reading: Reading, file: Path, names: dict[str, str], size: tuple[int, int]
) -> list[JsonValue]:
    objects: list[JsonValue] = []
    for number, line in reading.lines(file):
        if line.strip():
            with reading.row(file, number):
                objects.append(_object(line.split(), names, size))
    return objects


def _object(cells: list[str], names: dict[str, str], size: tuple[int, int]) -> dict[str, JsonValue]:
    label = names.get(cells[0])
    if label is None:
        raise RowError(f"has an unknown class: {cells[0][:40]!r}")
    try:
        shares = [float(cell) for cell in cells[1:]]
    except ValueError as error:
        raise RowError("has something else than numbers") from error
    if not all(-0.5 <= share <= 1.5 for share in shares):
        raise RowError("has numbers that are no shares of the image")
    width, height = size
    if len(shares) == 4:
        x, y, w, h = shares
        edges = ((x - w / 2) * width, (y - h / 2) * height)
        return gold_box(label, (*edges, (x + w / 2) * width, (y + h / 2) * height), size)
    if len(shares) < 6 or len(shares) % 2:
        raise RowError(f"has {len(shares)} numbers, not the 4 of a box or the pairs of an outline")
    xs, ys = [x * width for x in shares[::2]], [y * height for y in shares[1::2]]
    outline = [value for point in zip(xs, ys, strict=True) for value in point]
    return gold_box(label, (min(xs), min(ys), max(xs), max(ys)), size, polygons=[outline])
