"""Live video: frames as they come, of which nobody knows how many there will be."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tools.containers import container_type
from tools.errors import InvalidInput
from tools.media.demuxing import Readable, decoded, opened_as
from tools.media.limits import DEFAULT_LIMITS, MediaLimits
from tools.media.video import VideoFrame, check_frame_size, quarter_turns, upright_pixels

if TYPE_CHECKING:
    from av.video.frame import VideoFrame as AvFrame

_HEAD_BYTES = 4_096
"""Enough to tell what a stream is."""
_PACKET = 188
_DEMUXERS = {"video/mp2t": "mpegts", "video/mp4": "mov", "video/webm": "matroska"}
_MOTION_JPEG = frozenset(("mpjpeg", "mjpeg"))
"""What says nothing of its times: a picture is from when it comes."""
_EARLY_S = 1e-3


class LiveVideo:
    """A video that is still being sent; its frames can be gone through once.

    Attributes:
        duration_s: None, for nobody knows.
        width: of its frames in pixels, upright; 0 before the first of them.
    """

    duration_s = None

    def __init__(
        self, file: Readable, limits: MediaLimits = DEFAULT_LIMITS, *, name: str = "The stream"
    ) -> None:
        self._file = file
        self._limits = limits
        self._name = name
        self.width = 0

    def frames(
        self, per_second: float | None = None, *, max_side: int | None = None
    ) -> Iterator[VideoFrame]:
        """As `Video.frames`; times count from the first frame. Blocks until each has come.

        Raises InvalidInput where it is no stream that can be read, or a frame is too large.
        """
        wanted = 0.0
        for time_s, frame in self._timed():
            if per_second is None or time_s >= wanted - _EARLY_S:
                yield VideoFrame(time_s, upright_pixels(frame, max_side))
                if per_second is not None:
                    wanted = (int((time_s + _EARLY_S) * per_second) + 1) / per_second

    def _timed(self) -> Iterator[tuple[float, AvFrame]]:
        file = _Reread(self._file)
        demuxer = _demuxer(file.head, self._name)
        limits = self._limits
        # As little as possible is looked at before the first frame is given.
        quick = {"analyzeduration": "500000", "probesize": "200000"}
        first_s: float | None = None
        with opened_as(demuxer, file, limits, self._name, **quick) as container:
            stream = next(iter(container.streams.video), None)
            if stream is None or stream.codec_context is None:
                raise InvalidInput(f"{self._name} sends no pictures that can be decoded.")
            for packet in container.demux(stream):
                for frame in decoded(stream.decode, packet) or ():
                    check_frame_size(frame.width, frame.height, limits, self._name)
                    sideways = quarter_turns(frame) % 2 == 1
                    self.width = frame.height if sideways else frame.width
                    untimed = demuxer in _MOTION_JPEG or frame.time is None
                    now_s = time.monotonic() if untimed else float(frame.time or 0.0)
                    first_s = now_s if first_s is None else first_s
                    if now_s - first_s > limits.max_video_s:
                        return
                    yield max(0.0, now_s - first_s), frame
        if first_s is None:
            raise InvalidInput(f"{self._name} sent no picture that can be decoded.")


class _Reread:
    """A stream whose first bytes have been looked at."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self.head = b""
        while len(self.head) < _HEAD_BYTES and (piece := file.read(_HEAD_BYTES)):
            self.head += piece
        self._left = self.head

    def read(self, size: int, /) -> bytes:
        if self._left:
            given, self._left = self._left[:size], self._left[size:]
            return given
        return self._file.read(size)


def _demuxer(head: bytes, name: str) -> str:
    if not head:
        raise InvalidInput(f"{name} sent nothing.")
    if head.lstrip().startswith(b"--"):
        return "mpjpeg"
    if head.startswith(b"\xff\xd8\xff"):
        return "mjpeg"
    # Who comes in the middle of a transport stream may come in the middle of a packet.
    starts = (head[start:] for start in range(_PACKET))
    found = container_type(head) or next(filter(None, map(_transport, starts)), None)
    if found not in _DEMUXERS:
        what = "a playlist; give the stream's own address" if head[:7] == b"#EXTM3U" else "no video"
        raise InvalidInput(
            f"{name} sends {what}. Live video is taken as MPEG-TS, MJPEG, fragmented MP4 or WebM."
        )
    return _DEMUXERS[found]


def _transport(data: bytes) -> str | None:
    found = container_type(data)
    return found if found == "video/mp2t" else None
