"""Pictures as arrays: what every vision model does to one before it looks."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model_servers.contracts import ItemError

Image = NDArray[np.uint8]
"""A picture: uint8, shape (height, width, 3), red first, rows from the top."""

MAX_PIXELS = 60_000_000


def wrong_image(image: Any) -> ItemError | None:
    """What is wrong with a picture that a model was given; None where it can be looked at."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        return ItemError("A picture is an array of bytes (uint8); this is something else.")
    if image.ndim != 3 or image.shape[2] != 3:
        return ItemError(f"A picture is (height, width, 3); this one is {image.shape}.")
    if not image.size:
        return ItemError("The picture is empty; send one with at least one pixel.")
    if image.shape[0] * image.shape[1] > MAX_PIXELS:
        return ItemError(
            f"The picture has {image.shape[1]} × {image.shape[0]} pixels, more than "
            f"{MAX_PIXELS // 1_000_000} million; send a smaller one."
        )
    return None


def resize(image: Image, width: int, height: int) -> Image:
    """The picture in another size: averaged where it shrinks, interpolated where it grows."""
    import cv2

    shrinks = height < image.shape[0] or width < image.shape[1]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=way), dtype=np.uint8)


class Letterbox(NamedTuple):
    """A picture inside a square, and how a point of the square lies in the picture.

    x in the picture = (x in the square - left) / scale.
    """

    square: Image
    scale: float
    left: int
    top: int

    def boxes_in_picture(
        self, boxes: NDArray[np.float32], size: tuple[int, int]
    ) -> NDArray[np.float32]:
        """Boxes of the square, (n, 4) as left, top, right, bottom, in the picture's pixels.

        Args:
            size: the picture's height and width; what stands over it is cut off.
        """
        moved = (boxes - np.array([self.left, self.top] * 2, np.float32)) / self.scale
        height, width = size
        edges = np.clip(moved, 0, np.array([width, height] * 2, np.float32))
        return np.asarray(edges, dtype=np.float32)


def letterbox(image: Image, side: int, grey: int) -> Letterbox:
    """The whole picture in the middle of a square, with bars of one grey beside it.

    Args:
        side: of the square, in pixels.
        grey: of the bars, 0 to 255.
    """
    height, width = image.shape[:2]
    scale = side / max(height, width)
    inner_width, inner_height = max(1, round(width * scale)), max(1, round(height * scale))
    square = np.full((side, side, 3), grey, np.uint8)
    left, top = (side - inner_width) // 2, (side - inner_height) // 2
    square[top : top + inner_height, left : left + inner_width] = resize(
        image, inner_width, inner_height
    )
    return Letterbox(square, scale, left, top)
