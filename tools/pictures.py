"""Pictures that tools look at and make: from a file to pixels, and from pixels to a file."""

from __future__ import annotations

import asyncio
import io
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Literal

from tools.artifacts import Artifact, refuse_live
from tools.contracts import RunContext, Slot
from tools.media import decode_image

if TYPE_CHECKING:
    from model_servers.images import Image

ImageSlot = Annotated[Artifact, Slot("image")]
"""A picture to look at."""

VideoSlot = Annotated[Artifact, Slot("video")]
"""A video to look at."""

PictureFormat = Literal["jpeg", "png"]

_JPEG_QUALITY = 88


def read_bytes(file: Artifact, ctx: RunContext) -> bytes:
    """A file's bytes; blocks. Raises NotFound, InvalidInput where it is live."""
    refuse_live(file)
    with ctx.artifacts.open(file.id) as opened:
        return opened.read()


async def read_picture(file: Artifact, ctx: RunContext) -> Image:
    """A picture's pixels, upright. Raises InvalidInput, NotFound."""

    def work() -> Image:
        return decode_image(read_bytes(file, ctx), name=file.name)

    return await asyncio.to_thread(work)


def encode(image: Image, form: PictureFormat) -> bytes:
    """A picture (height, width, 3), or one with transparency (height, width, 4), as a file."""
    from PIL import Image as Pillow

    written = io.BytesIO()
    if form == "jpeg":
        Pillow.fromarray(image).save(written, "JPEG", quality=_JPEG_QUALITY)
    else:
        Pillow.fromarray(image).save(written, "PNG", compress_level=4)
    return written.getvalue()


async def keep_picture(
    image: Image, name: str, ctx: RunContext, *, form: PictureFormat = "jpeg"
) -> Artifact:
    """Keep a picture that a tool made. Raises InvalidInput where there is no room for it."""

    def work() -> Artifact:
        return ctx.artifacts.put(encode(image, form), name=name, origin="tool")

    return await asyncio.to_thread(work)


def derived_name(file: Artifact, addition: str, form: PictureFormat) -> str:
    """What to call a picture made from another: "beach.png" and "objects" give
    "beach-objects.jpg"."""
    stem = PurePosixPath(file.name).stem or "picture"
    return f"{stem}-{addition}.{'jpg' if form == 'jpeg' else 'png'}"
