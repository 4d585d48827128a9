"""Pictures as arrays."""

from __future__ import annotations

import io
import re
import struct
from typing import TYPE_CHECKING, Any

from tools.errors import InvalidInput
from tools.file_types import detect_file_type
from tools.media.limits import DEFAULT_LIMITS, MediaLimits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image as Picture

_FORMATS = {
    "image/png": "PNG",
    "image/apng": "PNG",
    "image/jpeg": "JPEG",
    "image/webp": "WEBP",
    "image/gif": "GIF",
    "image/bmp": "BMP",
    "image/tiff": "TIFF",
}
_STRIP_PIXELS = 1_000_000
_ORIENTATION = 0x0112
_GIF_FRAME = b"\x21\xf9\x04"
"""What stands before each frame that is shown for a while."""
_SIDEWAYS = frozenset((5, 6, 7, 8))
"""EXIF orientations that swap width and height."""


def decode_image(
    data: bytes, limits: MediaLimits = DEFAULT_LIMITS, *, name: str = "The picture"
) -> NDArray[np.uint8]:
    """The picture as (height, width, 3) RGB, upright: turned as its EXIF orientation says.

    PNG, JPEG, WebP, GIF, BMP and TIFF; of several frames or pages, the first. What is transparent
    is white.

    Args:
        data: the file's bytes.
        limits: what it may become; read from the header before anything is decoded.
        name: the file's name, for errors.

    Raises:
        InvalidInput: it is no picture, damaged, cut off, or larger than the limits.
    """
    try:
        image = _opened(data, limits, name)
        image.load()
        return _upright_pixels(image, name)
    except InvalidInput:
        raise
    except MemoryError:
        raise InvalidInput(f"{name} takes too much memory; make it smaller.") from None
    except Exception as error:  # decoders raise whatever they like on bad bytes
        raise _damaged(name, error) from None


def image_size(
    data: bytes, limits: MediaLimits = DEFAULT_LIMITS, *, name: str = "The picture"
) -> tuple[int, int]:
    """(height, width) in pixels of the upright picture, from its header, within the limits.

    Raises InvalidInput as `decode_image` does; it sees that a file is cut off, but not what is
    damaged in the middle.
    """
    try:
        image = _opened(data, limits, name)
        if _is_cut_off(data):
            raise InvalidInput(f"{name} is cut off: its end is missing. Send all of it.")
        width, height = image.size
        return (width, height) if _orientation(image) in _SIDEWAYS else (height, width)
    except InvalidInput:
        raise
    except Exception as error:
        raise _damaged(name, error) from None


def _damaged(name: str, error: Exception) -> InvalidInput:
    return InvalidInput(
        f"{name} can't be read: it is damaged or cut off ({type(error).__name__}). "
        "Save it again as PNG or JPEG."
    )


def _opened(data: bytes, limits: MediaLimits, name: str) -> Picture:
    """The picture with its header read and its bounds checked. Raises what the decoder raises."""
    from PIL import Image

    media_type = detect_file_type(data, name).media_type
    if media_type not in _FORMATS:
        raise InvalidInput(
            f"{name} is no picture that can be read; attach PNG, JPEG, WebP, GIF, BMP or TIFF."
        )
    if media_type == "image/webp":
        _check_size(*_webp_size(data), limits, name)  # its decoder takes room for it at once
    if media_type == "image/gif" and (frames := data.count(_GIF_FRAME)) > limits.max_frames:
        raise InvalidInput(
            f"{name} is an animation of {frames:,} frames; at most {limits.max_frames:,} are "
            "taken. Attach one picture of it, or save it as a video."
        )
    Image.init()
    # Not `Image.open`: it tries other formats, and warns of large pictures by a bound of its own.
    open_format: Any = Image.OPEN[_FORMATS[media_type]][0]
    image: Picture = open_format(io.BytesIO(data), "")
    _check_size(*image.size, limits, name)
    if media_type == "image/jpeg" and _scans(data, limits.max_scans)[0] > limits.max_scans:
        raise InvalidInput(
            f"{name} is drawn in more than {limits.max_scans} passes; save it again as JPEG."
        )
    return image


def _check_size(width: int, height: int, limits: MediaLimits, name: str) -> None:
    if width * height > limits.max_pixels or max(width, height) > limits.max_side:
        raise InvalidInput(
            f"{name} has {width:,} × {height:,} pixels; at most "
            f"{limits.max_pixels / 1_000_000:g} million are taken, and {limits.max_side:,} on a "
            "side. Make it smaller."
        )


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height in the header of a WebP file. Raises struct.error where it is cut off."""
    chunk = data[12:16]
    if chunk == b"VP8X":
        low_width, high_width, low_height, high_height = struct.unpack_from("<HBHB", data, 24)
        return 1 + low_width + (high_width << 16), 1 + low_height + (high_height << 16)
    if chunk == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""In a JPEG's scans: neither a byte 0xFF that stands for itself, nor a restart."""
_SCAN, _END = b"\xff\xda", b"\xff\xd9"


def _scans(data: bytes, limit: int) -> tuple[int, bool]:
    """How many scans a JPEG has, counted up to one more than the limit; and whether it ends."""
    count, place = 0, 2
    while count <= limit and (found := _MARKER.search(data, place)) is not None:
        if found[0] == _END:
            return count, True
        count += found[0] == _SCAN
        place = found.end() + int.from_bytes(data[found.end() : found.end() + 2])
    return count, False


def _is_cut_off(data: bytes) -> bool:
    if data.startswith(b"\x89PNG"):
        return data.rfind(b"IEND") < 0
    if data.startswith(b"\xff\xd8"):
        return not _scans(data, DEFAULT_LIMITS.max_scans)[1]
    if data.startswith(b"RIFF"):
        return len(data) < 8 + int.from_bytes(data[4:8], "little")
    return False


def _orientation(image: Picture) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged notes about a picture don't make it unreadable
        return 1


def _upright_pixels(image: Picture, name: str) -> NDArray[np.uint8]:
    """The loaded picture, converted strip by strip: never held a third time."""
    import numpy as np

    width, height = image.size
    turned = _orientation(image)
    upright = np.empty(
        (width, height, 3) if turned in _SIDEWAYS else (height, width, 3), dtype=np.uint8
    )
    stored = _as_stored(upright, turned)
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        stored[top:bottom] = _rgb(image.crop((0, top, width, bottom)), name)
    return upright


def _as_stored(upright: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """A view of the upright pixels in the order in which the file has them."""
    import numpy as np

    turned = upright.transpose(1, 0, 2)
    views = {
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: turned,
        6: np.rot90(upright),
        7: turned[::-1, ::-1],
        8: np.rot90(upright, -1),
    }
    return views.get(orientation, upright)


def _rgb(strip: Picture, name: str) -> NDArray[np.uint8]:
    import numpy as np
    from PIL import Image

    if strip.mode.startswith("I;16"):
        grey = (np.asarray(strip) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if strip.mode in {"I", "F"}:
        raise InvalidInput(f"{name} holds measured values and no colours; save it as 8-bit PNG.")
    if strip.has_transparency_data:
        strip = strip.convert("RGBA")
        white = Image.new("RGBA", strip.size, "white")
        strip = Image.alpha_composite(white, strip)
    # Converting what is RGB already would copy it once more.
    return np.asarray(strip if strip.mode == "RGB" else strip.convert("RGB"))
