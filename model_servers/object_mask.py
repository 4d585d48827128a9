"""Which points of a box belong to the object in it, by its colours (GrabCut, Rother et al. 2004).

No network: it parts what looks like the box's middle from what looks like its surroundings. Good
where they differ in colour, wrong where they don't: call what it gives approximate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model_servers.contracts import ItemError
from model_servers.images import Image, resize, wrong_image

_SIDE = 320
"""Of the part that is looked at: work grows with its area."""
_ROUNDS = 4
_MARGIN = 0.25
_SEED = 7


class BoxInPicture(NamedTuple):
    """Where to look: left, top, right and bottom in pixels."""

    image: Image
    box: tuple[float, float, float, float]


class ObjectMask:
    """For each box a mask over its whole picture: bool, (h, w)."""

    memory_mb: ClassVar[float] = 50
    max_batch: ClassVar[int] = 2

    def load(self) -> None:
        import cv2  # noqa: F401 - so that the first call need not

    def predict(self, batch: Sequence[BoxInPicture]) -> list[NDArray[np.bool_] | ItemError]:
        return [wrong_image(item.image) or _mask(item) for item in batch]

    def unload(self) -> None:
        """It holds nothing."""


def _mask(item: BoxInPicture) -> NDArray[np.bool_] | ItemError:
    import cv2

    height, width = item.image.shape[:2]
    left, top, right, bottom = item.box
    if not (left < right and top < bottom):
        return ItemError("The box has no area.")
    # The box with some of what is around it, which shows what the object is not.
    space_x, space_y = (right - left) * _MARGIN, (bottom - top) * _MARGIN
    x0, y0 = max(0, int(left - space_x)), max(0, int(top - space_y))
    x1, y1 = min(width, int(right + space_x) + 1), min(height, int(bottom + space_y) + 1)
    part = item.image[y0:y1, x0:x1]
    scale = min(1.0, _SIDE / max(part.shape[:2]))
    small_width, small_height = (max(8, round(n * scale)) for n in part.shape[1::-1])
    small = resize(part, small_width, small_height)
    x_scale, y_scale = small_width / part.shape[1], small_height / part.shape[0]
    known = np.full(small.shape[:2], cv2.GC_BGD, np.uint8)
    inner = _inside(
        ((left - x0) * x_scale, (top - y0) * y_scale, (right - x0) * x_scale,
         (bottom - y0) * y_scale), small_width, small_height,
    )  # fmt: skip
    known[inner[1] : inner[3], inner[0] : inner[2]] = cv2.GC_PR_FGD
    result = np.zeros(item.image.shape[:2], bool)
    if (known == cv2.GC_BGD).any():
        cv2.setRNGSeed(_SEED)
        background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.grabCut(
            small, known, (0, 0, 0, 0), background, foreground, _ROUNDS, cv2.GC_INIT_WITH_MASK
        )  # fmt: skip
    found = np.isin(known, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    full = cv2.resize(found, part.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    result[y0:y1, x0:x1] = full > 0
    return result


def _inside(
    box: tuple[float, float, float, float], width: int, height: int
) -> tuple[int, int, int, int]:
    """The box in whole pixels, with one pixel of background left on each side that has room."""
    left, top, right, bottom = box
    x0, y0 = min(max(0, round(left)), width - 2), min(max(0, round(top)), height - 2)
    return x0, y0, max(x0 + 1, min(width, round(right))), max(y0 + 1, min(height, round(bottom)))
