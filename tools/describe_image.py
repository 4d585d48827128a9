"""The tool `describe_image`: what is in a picture, in words."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from model_servers.contracts import ChatModel, ProfileError
from model_servers.image_classifier import Glance
from tools.classify_image import IMAGENET_THRESHOLD
from tools.contracts import Kind, RunContext, Tool, ToolArgs, ToolData, ToolResult
from tools.describe_image_words import (
    EXAMPLES,
    TITLES,
    asks_for_a_description,
    assemble,
)
from tools.detect_objects import MIN_SCORE, count_labels, found_objects
from tools.picture_chat import ask_about
from tools.pictures import ImageSlot, read_picture
from tools.read_text import page_text


class DescribeImageArgs(ToolArgs):
    image: ImageSlot
    question: str | None = Field(default=None, max_length=2_000)
    language: str | None = Field(default=None, pattern=r"^[a-z]{2}$")


class DescribeImageResult(ToolData):
    """`assembled`: put together from what was recognised, and not seen by a model that writes.

    `label` is what the picture shows as a whole, where that is sure; `counts` the things found;
    `subject` the label, or the things where there is none, in a few English words. A model that
    sees fills `text` alone, and `subject` with the same.
    """

    text: str
    subject: str
    assembled: bool
    label: str | None
    counts: dict[str, int]
    text_in_picture: str


class DescribeImage(Tool):
    """See `description`."""

    name = "describe_image"
    description = (
        "Describes in words what a picture shows: its main subject, the things and people in it, "
        "and the text on it. Use it for captions, for alt texts, and when someone asks what is in "
        "a picture without asking for one thing."
    )
    examples = EXAMPLES
    Args = DescribeImageArgs
    Result = DescribeImageResult
    outputs: ClassVar[Mapping[str, Kind]] = {"text": "text", "subject": "text"}
    prose = True
    titles = TITLES

    async def __call__(self, args: DescribeImageArgs, ctx: RunContext) -> ToolResult:
        """Raises ProfileError for a question that this profile can't answer, ModelError."""
        if ctx.vision is not None:
            return await _seen(args, ctx.vision, ctx)
        if args.question and not asks_for_a_description(args.question):
            raise ProfileError(
                "Questions about a picture need a model that sees and writes; set "
                "SWITCHBOARD_VLM_BASE_URL to where one is served. Here you can ask what is in the "
                "picture, how many of something there are, or what is written on it."
            )
        image = await read_picture(args.image, ctx)

        async def look(model: str) -> Any:
            (found,) = await ctx.models.predict(model, [image], deadline=ctx.deadline)
            return found

        glance, boxes, lines = await asyncio.gather(
            look("image-classifier"), look("object-detector"), look("text-reader")
        )
        counts = count_labels(found_objects(boxes, MIN_SCORE))
        _, text = page_text(lines, 1)
        data = DescribeImageResult(
            text=assemble(_label(glance), counts, text, args.language or "en"),
            subject=_label(glance) or ", ".join(counts),
            assembled=True,
            label=_label(glance),
            counts=counts,
            text_in_picture=text,
        )
        return ToolResult(data)

    def render(self, data: Any, language: str) -> str:
        assert isinstance(data, DescribeImageResult)
        if not data.assembled:
            return data.text
        return assemble(data.label, data.counts, data.text_in_picture, language)


async def _seen(args: DescribeImageArgs, model: ChatModel, ctx: RunContext) -> ToolResult:
    image = await read_picture(args.image, ctx)
    reply = await ask_about(image, args.question, args.language or "en", model, ctx)
    text = reply.text.strip()
    data = DescribeImageResult(
        text=text, subject=text, assembled=False, label=None, counts={}, text_in_picture=""
    )
    return ToolResult(data, usage=reply.usage)


def _label(glance: Glance) -> str | None:
    name, score = glance.classes[0]
    return name if score >= IMAGENET_THRESHOLD else None
