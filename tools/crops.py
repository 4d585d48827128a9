"""Cuts out of a picture what a box holds, so that another tool can look at that alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tools.artifacts import Artifact, ArtifactStore
from tools.errors import InvalidInput
from tools.media import decode_image
from tools.pictures import derived_name, encode

if TYPE_CHECKING:
    from model_servers.images import Image

MARGIN = 0.1
"""Of a box's width and height, left around it on each side: networks learnt on things with some
ground about them."""
_SMALLEST_SIDE = 8


async def surest_crop(
    boxes: Sequence[Mapping[str, Any]], picture: Artifact, artifacts: ArtifactStore
) -> Artifact:
    """What the surest box holds, as a picture of its own. One is cut out, however many there are.

    Args:
        boxes: each with a `label`, a `score`, and a `box`: left, top, right, bottom in pixels.
        picture: the one they are in.

    Raises InvalidInput where there is no box, or one of hardly any pixels; NotFound.
    """
    if not boxes:
        raise InvalidInput(
            f"Nothing was found in {picture.name}, so there is nothing to look at more closely."
        )
    surest = max(boxes, key=lambda box: float(box["score"]))

    def work() -> Artifact:
        with artifacts.open(picture.id) as opened:
            image = decode_image(opened.read(), name=picture.name)
        name = derived_name(picture, str(surest["label"]).replace(" ", "-"), "jpeg")
        return artifacts.put(encode(crop(image, surest["box"]), "jpeg"), name=name, origin="tool")

    return await asyncio.to_thread(work)


def crop(image: Image, box: Sequence[float]) -> Image:
    """The part of a picture (height, width, 3) inside the box and a margin around it.

    Raises InvalidInput where hardly a pixel is left.
    """
    import numpy as np

    height, width = image.shape[:2]
    left, top, right, bottom = box
    across, down = MARGIN * (right - left), MARGIN * (bottom - top)
    x0, x1 = max(0, round(left - across)), min(width, round(right + across))
    y0, y1 = max(0, round(top - down)), min(height, round(bottom + down))
    if x1 - x0 < _SMALLEST_SIDE or y1 - y0 < _SMALLEST_SIDE:
        raise InvalidInput("What was found is too small in the picture to be looked at closely.")
    return np.ascontiguousarray(image[y0:y1, x0:x1])
