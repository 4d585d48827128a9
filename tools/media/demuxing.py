"""Opens containers of sound and video, by what their bytes say and never by trying."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from tools.errors import InvalidInput
from tools.file_types import detect_file_type
from tools.media.limits import MediaLimits

if TYPE_CHECKING:
    from av.container import InputContainer

_Frame = TypeVar("_Frame")


class Readable(Protocol):
    """Bytes from the first to the last; b"" is their end."""

    def read(self, size: int, /) -> bytes: ...


_DEMUXERS = {
    "audio/x-wav": "wav",
    "audio/mpeg": "mp3",
    "audio/x-flac": "flac",
    "audio/aac": "aac",
    "audio/amr": "amr",
    "audio/x-aiff": "aiff",
    "video/mp2t": "mpegts",
    "video/mpeg": "mpeg",
    "video/x-msvideo": "avi",
    "video/x-flv": "flv",
    "video/x-ms-wmv": "asf",
    **dict.fromkeys(("audio/ogg", "video/ogg"), "ogg"),
    **dict.fromkeys(("audio/mp4", "video/mp4"), "mov"),
    **dict.fromkeys(("audio/quicktime", "video/quicktime"), "mov"),
    **dict.fromkeys(("audio/webm", "video/webm"), "matroska"),
    **dict.fromkeys(("audio/x-matroska", "video/x-matroska"), "matroska"),
}
_MPEG_PROGRAM = b"\x00\x00\x01\xba"
"""What an MPEG file begins with where it has more than bare pictures."""


@contextmanager
def opened(data: bytes, limits: MediaLimits, name: str) -> Iterator[InputContainer]:
    """The container, closed at the end.

    Raises InvalidInput where the bytes are neither sound nor video, or its header is damaged; also
    for what ffmpeg raises within.
    """
    demuxer = _DEMUXERS.get(detect_file_type(data, name).media_type)
    if demuxer is None:
        raise InvalidInput(
            f"{name} is neither sound nor video that can be read; attach MP3, WAV, FLAC, Ogg, M4A, "
            "MP4, WebM, MKV, MOV or AVI."
        )
    if demuxer == "mpeg" and not data.startswith(_MPEG_PROGRAM):
        demuxer = "mpegvideo"
    with opened_as(demuxer, io.BytesIO(data), limits, name) as container:
        yield container


@contextmanager
def opened_as(
    demuxer: str, file: Readable, limits: MediaLimits, name: str, **more: str
) -> Iterator[InputContainer]:
    """The container that a file holds, by one of ffmpeg's demuxers, closed at the end.

    Args:
        more: options of the demuxer.

    Raises InvalidInput where it is damaged; also for what ffmpeg raises within.
    """
    import av
    import av.error

    options = {
        **more,
        # Nothing that a file refers to is opened.
        "protocol_whitelist": "none",
        "format_whitelist": demuxer,
        # Holds in the decoders, where a frame may be larger than the header says.
        "max_pixels": str(limits.max_video_pixels),
    }
    try:
        with av.open(file, "r", format=demuxer, options=options) as container:
            for stream in (*container.streams.video, *container.streams.audio):
                if stream.codec_context is not None:
                    stream.codec_context.options = {"max_pixels": options["max_pixels"]}
            yield container
    except (av.error.FFmpegError, ValueError, OverflowError, MemoryError) as error:
        raise InvalidInput(
            f"{name} can't be read: it is damaged, cut off or not finished "
            f"({type(error).__name__}). Save or record it again."
        ) from None


def decoded(decode: Callable[[Any], list[_Frame]], packet: Any) -> list[_Frame] | None:
    """The frames that a stream's `decode` makes of a packet; None where it is damaged."""
    import av.error

    try:
        return decode(packet)
    except (av.error.FFmpegError, ValueError):
        return None
