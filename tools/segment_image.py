"""The tool `segment_image`: cuts people or things out of a picture."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from tools.artifacts import Artifact
from tools.contracts import Kind, RunContext, Tool, ToolArgs, ToolData, ToolResult
from tools.detect_objects import MIN_SCORE, FoundObject, found_objects, wanted_objects
from tools.drawing import Mark, draw_masks
from tools.errors import ToolError
from tools.masks import (
    PERSON,
    SCENE,
    FoundMask,
    MaskMethod,
    cut_out,
    joint_alpha,
    mask_kind,
    mask_objects,
    mask_people,
    mask_picture,
)
from tools.pictures import ImageSlot, derived_name, keep_picture, read_picture
from tools.segment_image_words import EXAMPLES, TITLES, report

if TYPE_CHECKING:
    from model_servers.images import Image


class SegmentedObject(BaseModel):
    """A person or a thing that was cut out.

    `area` is in pixels, `share` of the picture, `box` left, top, right and bottom in pixels.
    `method`: "network" draws people's outlines; "colours" is approximate; "box" means that colours
    did not tell it from what is around, so that the mask is its whole box. `mask` is a PNG of the
    picture's size: white, transparent outside.
    """

    model_config = ConfigDict(frozen=True)

    label: str
    score: float
    box: tuple[float, float, float, float]
    area: int
    share: float
    method: MaskMethod
    mask: Artifact


class SegmentImageArgs(ToolArgs):
    image: ImageSlot
    target: str | None = Field(
        default=None, min_length=1, max_length=60, description="What to cut out, such as a dog."
    )
    question: str | None = Field(
        default=None, max_length=2_000, description="What was asked; the target is read from it."
    )


class SegmentImageResult(ToolData):
    """`cutout` is a PNG of all that was cut out together, transparent around it; `approximate`
    where any of it was drawn by colours. `picture` shows the masks on the picture."""

    masks: list[SegmentedObject]
    cutout: Artifact
    approximate: bool
    width: int
    height: int
    picture: Artifact


class SegmentImage(Tool):
    """See `description`."""

    name = "segment_image"
    description = (
        "Cuts people, animals or things out of a picture: removes the background, makes a mask, or "
        "tells how much of the picture something takes. Use it for cut-outs and masks."
    )
    examples = EXAMPLES
    Args = SegmentImageArgs
    Result = SegmentImageResult
    outputs: ClassVar[Mapping[str, Kind]] = {
        "cutout": "image",
        "masks": "masks",
        "picture": "image",
    }
    titles = TITLES

    async def __call__(self, args: SegmentImageArgs, ctx: RunContext) -> ToolResult:
        """Raises ToolError where there is nothing to cut out, InvalidInput, ModelError."""
        image = await read_picture(args.image, ctx)
        masks = await _masks(image, args, ctx)
        alpha = joint_alpha(masks)
        cutout = await keep_picture(
            await asyncio.to_thread(cut_out, image, alpha),
            derived_name(args.image, "cutout", "png"),
            ctx,
            form="png",
        )
        marks = [Mark(mask.box, mask.label, f"{mask.label} {i}") for i, mask in enumerate(masks)]
        drawn = await asyncio.to_thread(draw_masks, image, [m.inside for m in masks], marks)
        picture = await keep_picture(drawn, derived_name(args.image, "masks", "jpeg"), ctx)
        objects = await _objects(masks, args.image, ctx)
        height, width = image.shape[:2]
        data = SegmentImageResult(
            masks=objects,
            cutout=cutout,
            approximate=any(mask.method != "network" for mask in masks),
            width=width,
            height=height,
            picture=picture,
        )
        return ToolResult(data, (cutout, picture, *(thing.mask for thing in objects)))

    def render(self, data: Any, language: str) -> str:
        assert isinstance(data, SegmentImageResult)
        return report([(m.label, m.share, m.method) for m in data.masks], language)


async def _masks(image: Image, args: SegmentImageArgs, ctx: RunContext) -> list[FoundMask]:
    wanted = wanted_objects([args.target] if args.target else None, args.question)
    if wanted.unknown and not wanted.known:
        if SCENE in ctx.models and (mask := await mask_kind(image, wanted.unknown[0], ctx)):
            return [mask]
        raise ToolError(
            f"{wanted.unknown[0]!r} can't be cut out: it isn't among the 80 kinds of things that "
            "are recognised here. Name one of those, such as a person, a dog or a car."
        )
    (boxes,) = await ctx.models.predict("object-detector", [image], deadline=ctx.deadline)
    found = found_objects(boxes, MIN_SCORE, wanted.known)
    people = [thing for thing in found if thing.label == PERSON]
    if not wanted.known and not people:
        # Nothing named, and nobody there: the thing that is most in view.
        if found:
            return await mask_objects(image, [max(found, key=_area)], ctx)
        raise ToolError(
            "Nothing was recognised in the picture that could be cut out; say what to cut out, or "
            "send a picture in which it is larger."
        )
    things = [thing for thing in found if thing.label != PERSON] if wanted.known else []
    masks = []
    if PERSON in wanted.known or not wanted.known:
        masks += await mask_people(image, people, ctx)
    if things:
        masks += await mask_objects(image, things, ctx)
    if not masks:
        names = " or ".join(wanted.known)
        raise ToolError(f"No {names} was found in the picture, so there is nothing to cut out.")
    return masks


async def _objects(
    masks: Sequence[FoundMask], image: Artifact, ctx: RunContext
) -> list[SegmentedObject]:
    objects = []
    for number, mask in enumerate(masks, start=1):
        area = int(mask.inside.sum())
        picture = await asyncio.to_thread(mask_picture, mask.alpha)
        name = derived_name(image, f"mask-{number}", "png")
        objects.append(
            SegmentedObject(
                label=mask.label,
                score=mask.score,
                box=mask.box,
                area=area,
                share=round(area / mask.alpha.size, 4),
                method=mask.method,
                mask=await keep_picture(picture, name, ctx, form="png"),
            )
        )
    return objects


def _area(thing: FoundObject) -> float:
    left, top, right, bottom = thing.box
    return (right - left) * (bottom - top)
