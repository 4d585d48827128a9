"""Videos as pictures with their times."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.media.limits import DEFAULT_LIMITS, MediaLimits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """One picture of a video.

    Attributes:
        time_s: when it is shown, in seconds from the start.
        image: (height, width, 3) RGB uint8, upright.
    """

    time_s: float
    image: NDArray[np.uint8]


class Video:
    """A video that is open.

    Attributes:
        width, height: of its frames in pixels, upright.
        fps: frames a second, where the header tells.
        duration_s: seconds, where the header tells.
        has_sound: whether `decode_audio` finds sound in the same bytes.
        damaged: how many packets could not be decoded so far; they are left out.
    """

    width: int
    height: int
    fps: float | None
    duration_s: float | None
    has_sound: bool
    damaged: int

    def frames(
        self, per_second: float | None = None, *, max_side: int | None = None
    ) -> Iterator[VideoFrame]:
        """Its frames from the start, in the order of their times; decoded as they are taken.

        Args:
            per_second: frames wanted for each second, at even times; None gives every frame.
            max_side: the longer side of the pictures in pixels; larger ones are scaled down.

        Raises:
            InvalidInput: nothing in it can be decoded, a frame is larger than the limits, or it
                goes on for longer than they allow.
        """
        raise NotImplementedError


@contextmanager
def open_video(
    data: bytes, limits: MediaLimits = DEFAULT_LIMITS, *, name: str = "The video"
) -> Iterator[Video]:
    """The video, to be read within the `with`.

    Raises InvalidInput where it is damaged, has no pictures, or is larger or longer than allowed.
    """
    raise NotImplementedError
    yield Any
