"""What MP4, Matroska and Ogg files hold: sound alone, or pictures too; and files within files."""

from __future__ import annotations

import re
import struct

_STILL = {
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1"), "image/heic"),
    **dict.fromkeys((b"avif", b"avis"), "image/avif"),
}
"""Brands of the MP4 family that are pictures."""
_HANDLER = re.compile(rb"hdlr.{8}(vide|soun)", re.DOTALL)
"""A track's kind in the MP4 family: box type, version and flags, a reserved word, the kind."""
_TRACKS = b"\x16\x54\xae\x6b"
_VIDEO_TRACK = b"\x83\x81\x01"
"""Matroska: the element TrackType, of one byte, 1 for pictures."""
_MAX_TRACKS_BYTES = 64 * 1024
_OGG_PICTURES = (b"\x80theora", b"BBCD\x00", b"\x01video")
_OGG_START_BYTES = 4096
_TRANSPORT_PACKET = 188


def container_type(data: bytes) -> str | None:
    """The media type of a container, "audio/…" where it holds no pictures; None for other files."""
    if data[:2] == b"\x00\x00" and data[4:8] == b"ftyp":
        return _mp4_type(data)
    if data.startswith(b"\x1a\x45\xdf\xa3"):
        family = "video" if _has_video_track(data) else "audio"
        return f"{family}/{'webm' if b'webm' in data[:64] else 'x-matroska'}"
    if data.startswith(b"OggS"):
        pictures = any(mark in data[:_OGG_START_BYTES] for mark in _OGG_PICTURES)
        return "video/ogg" if pictures else "audio/ogg"
    packets = data[: 3 * _TRANSPORT_PACKET]
    if packets[::_TRANSPORT_PACKET] == b"GGG" and b"\x00" in packets:
        return "video/mp2t"
    return None


def _mp4_type(data: bytes) -> str:
    brand = data[8:12]
    if brand in _STILL:
        return _STILL[brand]
    kinds = set(_HANDLER.findall(data))
    # Without any track it is broken: its decoder says how.
    family = "audio" if kinds == {b"soun"} or (not kinds and brand == b"M4A ") else "video"
    return f"{family}/{'quicktime' if brand == b'qt  ' else 'mp4'}"


def _has_video_track(data: bytes) -> bool:
    start = data.find(_TRACKS) + len(_TRACKS)
    if start < len(_TRACKS) or start >= len(data):
        return True  # broken: its decoder says how
    # The size that follows says in its first byte, by its leading zeros, how many bytes it has.
    size_bytes = 9 - data[start].bit_length()
    size = int.from_bytes(data[start : start + size_bytes]) & ((1 << 7 * size_bytes) - 1)
    start += size_bytes
    return _VIDEO_TRACK in data[start : start + min(size, _MAX_TRACKS_BYTES)]


_ARCHIVE_END = b"PK\x05\x06"
_ARCHIVE_END_BYTES = 22
_ARCHIVE_PART = b"PK\x01\x02"
_MAX_COMMENT = 65_535
_PDF_HEADER_WITHIN = 1024


def second_file(data: bytes) -> str | None:
    """What a picture, sound or video also is when it is read in another way; None for nothing.

    Archives are read from their end and PDFs from within their first kilobyte, so that the bytes
    of one file can be two: what looks like a photo to one program is an archive to the next.
    """
    if b"%PDF-" in data[:_PDF_HEADER_WITHIN]:
        return "a PDF"
    end = data.rfind(_ARCHIVE_END, -_ARCHIVE_END_BYTES - _MAX_COMMENT)
    if end < 0 or len(data) < end + _ARCHIVE_END_BYTES:
        return None
    parts, contents_bytes = struct.unpack_from("<HI", data, end + 10)
    contents = end - contents_bytes
    listed = contents >= 0 and data[contents : contents + 4] == _ARCHIVE_PART
    return "an archive" if listed and parts else None
