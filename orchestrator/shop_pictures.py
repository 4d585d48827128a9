"""The pictures that a catalogue names: files beside it, made small as they are read."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.shop_rows import BadRow
from tools.errors import InvalidInput
from tools.media import decode_image

if TYPE_CHECKING:
    from model_servers.images import Image

MAX_BYTES = 25_000_000
SHOWN_SIDE = 512
"""The longer side in pixels of the copy that is kept."""


def read_picture(folder: Path, name: str) -> Image:
    """The picture of that name in the catalogue's folder, or below it, at most 512 pixels wide and
    high. Raises BadRow: nothing is fetched, and nothing outside the folder is read.
    """
    from model_servers.images import resize

    if "://" in name:
        raise BadRow("the picture is an address; put the file beside the catalogue")
    try:
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise BadRow("the picture lies outside the catalogue's folder")
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise BadRow("the picture is no file")
        if about.st_size > MAX_BYTES:
            raise BadRow(f"the picture has more than {MAX_BYTES // 1_000_000} MB")
        data = path.read_bytes()
    except (OSError, ValueError):
        raise BadRow("the picture is not there, or can't be read") from None
    try:
        image = decode_image(data)
    except InvalidInput as error:
        raise BadRow(f"the picture can't be decoded ({error.message.rstrip('.')})") from None
    height, width = image.shape[:2]
    scale = SHOWN_SIDE / max(height, width)
    if scale >= 1:
        return image
    return resize(image, max(1, round(width * scale)), max(1, round(height * scale)))
