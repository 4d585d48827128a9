"""The tool `detect_objects`: which things of 80 kinds a picture shows, where, and how many."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from model_servers.boxes import Boxes
from model_servers.coco_labels import COCO_LABELS
from tools.artifacts import Artifact
from tools.contracts import Kind, RunContext, Tool, ToolArgs, ToolData, ToolResult
from tools.detect_objects_words import EXAMPLES, TITLES, report
from tools.drawing import Mark, draw_marks
from tools.object_names import Asked, asked_for, label_of
from tools.pictures import ImageSlot, derived_name, keep_picture, read_picture

MIN_SCORE = 0.3
"""Above it a box counts: both networks are about that sure, or one of them is twice as sure."""

ObjectName = Annotated[str, Field(min_length=1, max_length=60)]


class FoundObject(BaseModel):
    """A thing and where it is: left, top, right and bottom in the picture's pixels."""

    model_config = ConfigDict(frozen=True)

    label: str
    score: float
    box: tuple[float, float, float, float]


class DetectObjectsArgs(ToolArgs):
    image: ImageSlot
    objects: list[ObjectName] | None = Field(
        default=None, min_length=1, max_length=40, description="Only these kinds of things."
    )
    question: str | None = Field(
        default=None, max_length=2_000, description="What was asked; the kinds are read from it."
    )
    min_score: float = Field(default=MIN_SCORE, ge=0.05, le=1.0)


class DetectObjectsResult(ToolData):
    """`boxes` are surest first, in the pixels of `image`, the picture that was looked at; `picture`
    is that with the boxes drawn. `counts` has every kind asked for, or all found. `unknown` are
    the things asked for that the detector has never learnt, so that nothing is known of them."""

    image: Artifact
    boxes: list[FoundObject]
    counts: dict[str, int]
    unknown: list[str]
    width: int
    height: int
    picture: Artifact | None


class DetectObjects(Tool):
    """See `description`."""

    name = "detect_objects"
    description = (
        "Finds and counts people, vehicles, animals, furniture, food and other everyday things in "
        "a picture, with a box around each. Use it to count what is in a photo, to check whether "
        "something is there, or to find where it is."
    )
    examples = EXAMPLES
    Args = DetectObjectsArgs
    Result = DetectObjectsResult
    outputs: ClassVar[Mapping[str, Kind]] = {"boxes": "boxes", "picture": "image"}
    titles = TITLES

    async def __call__(self, args: DetectObjectsArgs, ctx: RunContext) -> ToolResult:
        """Raises InvalidInput, ModelError, DeadlineExceeded."""
        wanted = wanted_objects(args.objects, args.question)
        image = await read_picture(args.image, ctx)
        boxes: list[FoundObject] = []
        if wanted.known or not wanted.unknown:
            (found,) = await ctx.models.predict("object-detector", [image], deadline=ctx.deadline)
            boxes = found_objects(found, args.min_score, wanted.known)
        picture = None
        if boxes:
            drawn = await asyncio.to_thread(draw_marks, image, [mark_of(box) for box in boxes])
            name = derived_name(args.image, "objects", "jpeg")
            picture = await keep_picture(drawn, name, ctx)
        height, width = image.shape[:2]
        data = DetectObjectsResult(
            image=args.image,
            boxes=boxes,
            counts=count_labels(boxes, wanted.known),
            unknown=list(wanted.unknown),
            width=width,
            height=height,
            picture=picture,
        )
        return ToolResult(data, (picture,) if picture else ())

    def render(self, data: Any, language: str) -> str:
        assert isinstance(data, DetectObjectsResult)
        return report(data.counts, data.unknown, language)


def wanted_objects(objects: Sequence[str] | None, question: str | None) -> Asked:
    """The kinds to look for: those listed, else those that the question names, else all."""
    if objects is None:
        return asked_for(question) if question else Asked((), ())
    labels = {word: label_of(word) for word in objects}
    known = tuple(dict.fromkeys(label for label in labels.values() if label is not None))
    return Asked(known, tuple(word for word, label in labels.items() if label is None))


def found_objects(boxes: Boxes, min_score: float, labels: Sequence[str] = ()) -> list[FoundObject]:
    """The detector's boxes that are sure enough, of these labels where some are given."""
    found = []
    for place in np.flatnonzero(boxes.scores >= min_score):
        label = COCO_LABELS[int(boxes.classes[place])]
        if not labels or label in labels:
            left, top, right, bottom = (round(float(edge), 1) for edge in boxes.edges[place])
            score = round(float(boxes.scores[place]), 4)
            found.append(FoundObject(label=label, score=score, box=(left, top, right, bottom)))
    return found


def count_labels(boxes: Sequence[FoundObject], wanted: Sequence[str] = ()) -> dict[str, int]:
    """How many of each label; those wanted first and in their order, with 0 for none."""
    counts = dict.fromkeys(wanted, 0)
    for box in boxes:
        counts[box.label] = counts.get(box.label, 0) + 1
    if wanted:
        return counts
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def mark_of(box: FoundObject) -> Mark:
    return Mark(box.box, f"{box.label} {box.score:.0%}", box.label)
