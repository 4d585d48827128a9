"""How much one file may become when it is decoded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """Bounds of one file; each is checked before the memory or the time is spent.

    Attributes:
        max_pixels, max_side: of a picture: width times height, and the longer of them.
        max_frames: of an animated GIF, of which only the first is looked at.
        max_scans: of a progressive JPEG, each of which goes over the whole picture.
        max_audio_s: of a sound, in seconds of what is decoded.
        max_video_s, max_video_frames: of a video, in seconds, and frames in all.
        max_video_pixels: of each of a video's frames.
        max_pages: of a document that is looked at as pictures.
        max_page_pixels: of the picture of a page, which is drawn smaller to fit; its sides are
            held to `max_side` too.
    """

    max_pixels: int = 25_000_000
    max_side: int = 30_000
    max_frames: int = 1_000
    max_scans: int = 100
    max_audio_s: float = 7_200.0
    max_video_s: float = 3_600.0
    max_video_frames: int = 60 * 3_600
    max_video_pixels: int = 4_096 * 2_304
    max_pages: int = 200
    max_page_pixels: int = 8_000_000


DEFAULT_LIMITS = MediaLimits()
