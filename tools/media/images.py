"""Pictures as arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.media.limits import DEFAULT_LIMITS, MediaLimits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def decode_image(
    data: bytes, limits: MediaLimits = DEFAULT_LIMITS, *, name: str = "The picture"
) -> NDArray[np.uint8]:
    """The picture as (height, width, 3) RGB, upright: turned as its EXIF orientation says.

    PNG, JPEG, WebP, GIF, BMP and TIFF; of several frames or pages, the first. What is transparent
    is white.

    Args:
        data: the file's bytes.
        limits: what it may become; read from the header before anything is decoded.
        name: the file's name, for errors.

    Raises:
        InvalidInput: it is no picture, damaged, cut off, or larger than the limits.
    """
    raise NotImplementedError


def image_size(
    data: bytes, limits: MediaLimits = DEFAULT_LIMITS, *, name: str = "The picture"
) -> tuple[int, int]:
    """(height, width) in pixels of the upright picture, from its header, within the limits.

    Raises InvalidInput as `decode_image` does, but doesn't see what is damaged further on.
    """
    raise NotImplementedError
