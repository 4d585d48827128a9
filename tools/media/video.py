"""Videos as pictures with their times."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.errors import InvalidInput
from tools.media.demuxing import decoded, opened
from tools.media.limits import DEFAULT_LIMITS, MediaLimits

if TYPE_CHECKING:
    import numpy as np
    from av.container import InputContainer
    from av.video.frame import VideoFrame as AvFrame
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

_MICROSECONDS = 1_000_000
_EARLY_S = 1e-3
"""A frame that comes this much before a wanted time is the one for it: times are rounded."""
_FPS = 25.0
"""Where neither the frames nor the header tell their times."""


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
    """A video that is open; `open_video` makes it.

    Attributes:
        width, height: of its frames in pixels, upright.
        fps: frames a second, where the header tells.
        duration_s: seconds, where the header tells.
        has_sound: whether there is sound for `decode_audio` in the same bytes.
        damaged: how many packets could not be decoded in the last run over the frames; they are
            left out.
    """

    def __init__(self, data: bytes, limits: MediaLimits, name: str, closing: ExitStack) -> None:
        self._data = data
        self._limits = limits
        self._name = name
        self._closing = closing
        self.damaged = 0
        with opened(data, limits, name) as container:
            stream = self._pictures(container)
            self.fps = float(stream.average_rate) if stream.average_rate else None
            self.duration_s = (
                None if container.duration is None else container.duration / _MICROSECONDS
            )
            self.has_sound = bool(container.streams.audio)
            if (self.duration_s or 0.0) > limits.max_video_s:
                raise self._too_long()
            # How it is turned stands with its frames, and whether there is any is worth knowing.
            first = next(self._decoded(container, stream), None)
            if first is None:
                raise InvalidInput(
                    f"{name} holds no picture that can be decoded: it is damaged or cut off. "
                    "Save or record it again."
                )
            sideways = quarter_turns(first) % 2 == 1
            self.width, self.height = (
                (first.height, first.width) if sideways else (first.width, first.height)
            )

    def frames(
        self, per_second: float | None = None, *, max_side: int | None = None
    ) -> Iterator[VideoFrame]:
        """Its frames from the start, in the order of their times; decoded as they are taken.

        Args:
            per_second: frames wanted for each second, at even times; None gives every frame.
            max_side: the longer side of the pictures in pixels; larger ones are scaled down.

        Raises:
            InvalidInput: a frame is larger than the limits, or it goes on for longer.
        """
        running = self._frames(per_second, max_side)
        self._closing.callback(running.close)
        return running

    def _frames(
        self, per_second: float | None, max_side: int | None
    ) -> Generator[VideoFrame, None, None]:
        self.damaged = 0
        step = None if per_second is None else 1.0 / per_second
        wanted = 0.0
        with opened(self._data, self._limits, self._name) as container:
            for time_s, frame in self._timed(container, self._pictures(container)):
                if step is None or time_s >= wanted - _EARLY_S:
                    yield VideoFrame(time_s, upright_pixels(frame, max_side))
                    if step is not None:
                        wanted = (int((time_s + _EARLY_S) / step) + 1) * step

    def _timed(
        self, container: InputContainer, stream: VideoStream
    ) -> Iterator[tuple[float, AvFrame]]:
        start = float((stream.start_time or 0) * (stream.time_base or 0))
        for number, frame in enumerate(self._decoded(container, stream)):
            time_s = number / (self.fps or _FPS) if frame.time is None else frame.time - start
            if time_s > self._limits.max_video_s or number >= self._limits.max_video_frames:
                raise self._too_long()
            yield max(time_s, 0.0), frame

    def _pictures(self, container: InputContainer) -> VideoStream:
        stream = next(iter(container.streams.video), None)
        if stream is None:
            raise InvalidInput(f"{self._name} has no pictures in it: it is sound alone.")
        if stream.codec_context is None:
            raise InvalidInput(
                f"{self._name} has pictures in a format that can't be decoded; save it as MP4."
            )
        self._check_size(stream.codec_context.width, stream.codec_context.height)
        return stream

    def _decoded(self, container: InputContainer, stream: VideoStream) -> Iterator[AvFrame]:
        for packet in container.demux(stream):
            frames = decoded(stream.decode, packet)
            if frames is None:
                self.damaged += 1
            for frame in frames or ():
                self._check_size(frame.width, frame.height)
                yield frame

    def _check_size(self, width: int, height: int) -> None:
        check_frame_size(width, height, self._limits, self._name)

    def _too_long(self) -> InvalidInput:
        return InvalidInput(
            f"{self._name} goes on for more than {self._limits.max_video_s / 60:g} minutes, or "
            f"{self._limits.max_video_frames:,} frames, the most that is taken. Split it."
        )


@contextmanager
def open_video(
    data: bytes, limits: MediaLimits = DEFAULT_LIMITS, *, name: str = "The video"
) -> Iterator[Video]:
    """The video, to be read within the `with`; its first frame has been decoded by then.

    Raises InvalidInput where it is damaged, has no pictures, or is larger or longer than allowed.
    """
    with ExitStack() as closing:
        yield Video(data, limits, name, closing)


def check_frame_size(width: int, height: int, limits: MediaLimits, name: str) -> None:
    """Raises InvalidInput where a frame is larger than the limits."""
    if width * height > limits.max_video_pixels:
        raise InvalidInput(
            f"{name} has frames of {width:,} × {height:,} pixels; at most "
            f"{limits.max_video_pixels / 1_000_000:.1f} million are taken. Save it smaller."
        )


def quarter_turns(frame: AvFrame) -> int:
    """Quarter turns, against the clock, that make the frame upright."""
    return round(frame.rotation / 90) % 4


def upright_pixels(frame: AvFrame, max_side: int | None) -> NDArray[np.uint8]:
    """A frame as RGB, upright, and no larger than `max_side` pixels."""
    import numpy as np

    width, height = frame.width, frame.height
    scale = 1.0 if max_side is None else min(1.0, max_side / max(width, height))
    stored = frame.to_ndarray(
        format="rgb24", width=max(1, round(width * scale)), height=max(1, round(height * scale))
    )
    return np.ascontiguousarray(np.rot90(stored, quarter_turns(frame)))
