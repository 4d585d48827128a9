"""The tool `read_text`: the text in a picture or a scanned document, line by line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict

from model_servers.ocr import TextLine
from tools.artifacts import Artifact
from tools.contracts import (
    DocumentSlot,
    Kind,
    RunContext,
    Tool,
    ToolArgs,
    ToolData,
    ToolResult,
)
from tools.drawing import Mark, draw_marks
from tools.errors import InvalidInput
from tools.media import decode_pages
from tools.pictures import ImageSlot, derived_name, keep_picture, read_bytes, read_picture
from tools.read_text_words import EXAMPLES, TITLES, spoken
from tools.reading_order import reading_order, rows

if TYPE_CHECKING:
    from model_servers.images import Image

MIN_SCORE = 0.5


class ReadLine(BaseModel):
    """A line in the order of reading.

    `box` is left, top, right and bottom, `corners` x and y from the top left one on, clockwise, in
    the page's pixels; `page` counts from 1.
    """

    model_config = ConfigDict(frozen=True)

    text: str
    score: float
    page: int
    box: tuple[float, float, float, float]
    corners: list[tuple[float, float]]


class ReadTextArgs(ToolArgs):
    image: ImageSlot | None = None
    document: DocumentSlot | None = None


class ReadTextResult(ToolData):
    """`text` has a row of the page on each line, and an empty line between pages; "" where none
    was found. `picture` is the first page with its lines marked, where there are any."""

    text: str
    lines: list[ReadLine]
    pages: int
    picture: Artifact | None


class ReadText(Tool):
    """See `description`."""

    name = "read_text"
    description = (
        "Reads the text in a picture: a sign, a label, a receipt, a screenshot, a photographed "
        "page, or the pages of a scanned PDF. Use it when someone asks what is written somewhere, "
        "or first when a request is about a text that is only there as a picture."
    )
    examples = EXAMPLES
    Args = ReadTextArgs
    Result = ReadTextResult
    outputs: ClassVar[Mapping[str, Kind]] = {"text": "text", "picture": "image"}
    prose = True
    titles = TITLES

    async def __call__(self, args: ReadTextArgs, ctx: RunContext) -> ToolResult:
        """Raises InvalidInput, ModelError, DeadlineExceeded."""
        file = args.image or args.document
        if file is None:
            raise InvalidInput(
                "There is nothing to read; attach a picture or a scanned PDF.", param="image"
            )
        lines: list[ReadLine] = []
        texts: list[str] = []
        picture = None
        async for page, image in _pages(args, ctx):
            ctx.remaining_s()
            (found,) = await ctx.models.predict("text-reader", [image], deadline=ctx.deadline)
            here, text = page_text(found, page)
            lines += here
            texts.append(text)
            if here and picture is None:
                picture = await _marked(image, here, file, ctx)
        data = ReadTextResult(
            text="\n\n".join(text for text in texts if text),
            lines=lines,
            pages=len(texts),
            picture=picture,
        )
        return ToolResult(data, (picture,) if picture else ())

    def render(self, data: Any, language: str) -> str:
        assert isinstance(data, ReadTextResult)
        return spoken(data.text, language)


async def _pages(args: ReadTextArgs, ctx: RunContext) -> AsyncIterator[tuple[int, Image]]:
    """The pages to read as pictures, from 1, each drawn when the one before it was read."""
    if args.image is not None:
        yield 1, await read_picture(args.image, ctx)
        return
    document = args.document
    assert document is not None

    def start() -> Iterator[Image]:
        return decode_pages(read_bytes(document, ctx), name=document.name)

    pages = await asyncio.to_thread(start)
    number = 0
    while (image := await asyncio.to_thread(next, pages, None)) is not None:
        number += 1
        yield number, image


def page_text(found: Sequence[TextLine], page: int) -> tuple[list[ReadLine], str]:
    """The sure lines of a page in the order of reading, and their text row by row."""
    sure = [line for line in found if line.score >= MIN_SCORE and line.text.strip()]
    boxes = [_around(line) for line in sure]
    order = reading_order(boxes)
    lines = [
        ReadLine(
            text=sure[place].text,
            score=round(sure[place].score, 4),
            page=page,
            box=boxes[place],
            corners=[(round(float(x), 1), round(float(y), 1)) for x, y in sure[place].corners],
        )
        for place in order
    ]
    text = "\n".join("  ".join(sure[place].text for place in row) for row in rows(boxes, order))
    return lines, text


def _around(line: TextLine) -> tuple[float, float, float, float]:
    left, top = (round(float(edge), 1) for edge in line.corners.min(axis=0))
    right, bottom = (round(float(edge), 1) for edge in line.corners.max(axis=0))
    return left, top, right, bottom


async def _marked(
    image: Image, lines: Sequence[ReadLine], file: Artifact, ctx: RunContext
) -> Artifact:
    """The page with its lines numbered as they are read."""
    marks = [Mark(line.box, str(number), "text") for number, line in enumerate(lines, start=1)]
    drawn = await asyncio.to_thread(draw_marks, image, marks, beside=True)
    return await keep_picture(drawn, derived_name(file, "text", "jpeg"), ctx)
