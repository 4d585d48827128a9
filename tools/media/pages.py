"""The pages of a PDF as pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tools.media.limits import DEFAULT_LIMITS, MediaLimits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def decode_pages(
    data: bytes,
    limits: MediaLimits = DEFAULT_LIMITS,
    *,
    dpi: float = 200.0,
    name: str = "The document",
) -> Iterator[NDArray[np.uint8]]:
    """The pages of a PDF in their order, each (height, width, 3) RGB; drawn as they are taken.

    Args:
        data: the PDF's bytes.
        limits: pages in all, and pixels of each page's picture.
        dpi: dots an inch; a page that would have more pixels than allowed is drawn smaller.
        name: the file's name, for errors.

    Raises:
        InvalidInput: before the first page where it is no PDF, damaged, protected, or has too many
            pages; later where a page can't be drawn.
    """
    raise NotImplementedError
