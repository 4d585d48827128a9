"""Goes through a video once: small frames for its shots, larger ones at even times to look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from model_servers.images import resize
from model_servers.transnet import HEIGHT, WIDTH
from tools.media import VideoFrame

if TYPE_CHECKING:
    from model_servers.images import Image

LOOKS_PER_S = 2.0
MOST_LOOKS = 240
"""In all; a longer video is looked at less often."""
SHOT_FRAMES_PER_S = 12.0
MOST_SHOT_FRAMES = 3_600
LEAST_SHOT_FRAMES_PER_S = 5.0
"""With fewer, every frame looks like a new shot."""
SIDE = 640
_GREY_SIZE = 64, 36


class FrameSource(Protocol):
    """Where frames come from, in the order of time: an open `Video`, or a stream.

    `duration_s` is None where nobody knows: a stream is live, and its frames come when they come.
    """

    @property
    def duration_s(self) -> float | None: ...

    def frames(
        self, per_second: float | None = None, *, max_side: int | None = None
    ) -> Iterator[VideoFrame]:
        """As `Video.frames`."""
        ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a video is looked at: `looks_per_s`, and frames a second for its shots, None where
    it is too long for that."""

    looks_per_s: float
    shot_frames_per_s: float | None


@dataclass(slots=True)
class Look:
    """A frame to look at, its time in seconds, and what it is like as a whole.

    `motion` is the mean difference to the look before in levels of grey, NaN for the first one.
    `image` is None once it was let go, for the memory it takes.
    """

    time_s: float
    image: Image | None
    brightness: float
    motion: float


def choose_pace(duration_s: float | None) -> Pace:
    """How often to look at a video of this length; one of unknown length is taken for short."""
    if not duration_s:
        return Pace(LOOKS_PER_S, SHOT_FRAMES_PER_S)
    shots = min(SHOT_FRAMES_PER_S, MOST_SHOT_FRAMES / duration_s)
    return Pace(
        min(LOOKS_PER_S, MOST_LOOKS / duration_s),
        shots if shots >= LEAST_SHOT_FRAMES_PER_S else None,
    )


class VideoLooks:
    """The looks of a video, one after the other; `small` and `small_times` grow meanwhile."""

    def __init__(self, video: FrameSource, pace: Pace) -> None:
        self._video = video
        self._pace = pace
        self.small: list[NDArray[np.uint8]] = []
        self.small_times: list[float] = []
        self.end_s = 0.0

    def __iter__(self) -> Iterator[Look]:
        """Blocks while it decodes. Raises InvalidInput as `Video.frames` does."""
        rate = max(self._pace.looks_per_s, self._pace.shot_frames_per_s or 0.0)
        due = 0.0
        before: NDArray[np.float32] | None = None
        for frame in self._video.frames(rate, max_side=SIDE):
            self.end_s = frame.time_s
            if self._pace.shot_frames_per_s is not None:
                self.small.append(resize(frame.image, WIDTH, HEIGHT))
                self.small_times.append(frame.time_s)
            if frame.time_s + 1e-3 < due:
                continue
            due = frame.time_s + 1 / self._pace.looks_per_s
            grey = resize(frame.image, *_GREY_SIZE).mean(axis=2, dtype=np.float32)
            motion = float("nan") if before is None else float(np.abs(grey - before).mean())
            before = grey
            yield Look(frame.time_s, frame.image, float(grey.mean()), motion)


def shot_starts(times: list[float], cuts: NDArray[np.float32], threshold: float) -> list[float]:
    """When each shot begins, in seconds: 0, and the frame after each one that ends a shot.

    Args:
        times: of the frames.
        cuts: for each the probability that a shot ends there.
        threshold: from which on it does; of neighbours above it, only the likeliest.
    """
    starts = [0.0]
    above = cuts >= threshold
    place = 0
    while place < len(cuts):
        if not above[place]:
            place += 1
            continue
        stop = place
        while stop < len(cuts) and above[stop]:
            stop += 1
        last = place + int(cuts[place:stop].argmax())
        if last + 1 < len(times):
            starts.append(times[last + 1])
        place = stop
    return starts
