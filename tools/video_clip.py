"""A clip of what was looked at in a video, with what was followed drawn in."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tools.analyze_video_words import clock
from tools.drawing import Mark, draw_caption, draw_marks
from tools.video_analysis import Analysis

if TYPE_CHECKING:
    import av

    from model_servers.images import Image

LONGEST_S = 120.0
"""A longer video is shown faster."""
MOST_BITS_PER_S = 1_000_000
_TICKS_PER_S = 1_000
_QUALITY = 28
_KEY_FRAME_EVERY = 10
"""Players jump to key frames alone, and there are but two pictures a second."""


class ClipFrame(NamedTuple):
    """A picture of the clip: when it is shown, what is marked in it, and the words at its foot."""

    time_s: float
    image: Image
    marks: Sequence[Mark]
    caption: str


def clip_frames(analysis: Analysis) -> Iterator[ClipFrame]:
    """Every look with its tracks, its time, and whether it is unusual."""
    marks: dict[float, list[Mark]] = defaultdict(list)
    for number, track in enumerate(analysis.tracks, start=1):
        name = f"{track.label} #{number}"
        for time_s, box in zip(track.times, track.boxes, strict=True):
            marks[time_s].append(Mark(box, name, name))
    for seen, image in analysis.pictured():
        time_s = seen.look.time_s
        reasons = next((m.reasons for m in analysis.unusual if m.start_s <= time_s <= m.end_s), ())
        caption = clock(time_s) + (f"  unusual: {', '.join(reasons)}" if reasons else "")
        yield ClipFrame(time_s, image, marks[time_s], caption)


def draw_clip(frames: Iterable[ClipFrame], end_s: float) -> bytes:
    """The clip as MP4 (H.264), as long as the video, but at most LONGEST_S; blocks.

    Args:
        frames: all of one size, in the order of time; they are drawn as they are taken.
        end_s: of the video; the last picture stays until then.

    Raises ValueError where there are no frames.
    """
    import av

    ticks_per_s = _TICKS_PER_S / max(1.0, end_s / LONGEST_S)
    written = io.BytesIO()
    with av.open(written, "w", format="mp4") as container:
        stream = container.add_stream(
            "libx264",
            options={
                "preset": "veryfast",
                "crf": str(_QUALITY),
                "maxrate": str(MOST_BITS_PER_S),
                "bufsize": str(MOST_BITS_PER_S),
                "g": str(_KEY_FRAME_EVERY),
            },
        )
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        stream.codec_context.time_base = Fraction(1, _TICKS_PER_S)
        drawn: Image | None = None
        ticks = 0
        for frame in frames:
            first = drawn is None
            drawn = _even(draw_caption(draw_marks(frame.image, frame.marks), frame.caption))
            if first:
                stream.height, stream.width = drawn.shape[:2]
            ticks = round(frame.time_s * ticks_per_s)
            container.mux(stream.encode(_encodable(drawn, ticks)))
        if drawn is None:
            raise ValueError("a clip has one frame at least")
        if round(end_s * ticks_per_s) > ticks:
            container.mux(stream.encode(_encodable(drawn, round(end_s * ticks_per_s))))
        container.mux(stream.encode(None))
    return written.getvalue()


def _encodable(image: Image, ticks: int) -> av.VideoFrame:
    import av

    frame = av.VideoFrame.from_ndarray(image, "rgb24")
    frame.pts = ticks
    frame.time_base = Fraction(1, _TICKS_PER_S)
    return frame


def _even(image: Image) -> Image:
    """With its last row and column twice where their number is odd: H.264 stores colour by twos."""
    height, width = image.shape[:2]
    return np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
