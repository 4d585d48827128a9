"""Prints pages: texts as pictures, the same on every machine."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.datasets import DatasetError
from evals.ways import file_argument

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

_FILES = {
    "sans": "DejaVuSans.ttf",
    "serif": "DejaVuSerif.ttf",
    "mono": "DejaVuSansMono.ttf",
    "bold": "DejaVuSans-Bold.ttf",
    "book": "STIXGeneral.ttf",
}
"""Of the fonts that matplotlib carries; "plain" is Pillow's own."""
_MARGIN, _LEADING = 1.5, 1.5
"""Around the text and from line to line, in heights of the letters."""
_PAPER, _INK = 244, 24
_SEED = 5


async def printed_page(page: Any) -> dict[str, str]:
    """A page of `printed_pages` as a file that is sent to a tool. Raises as `printed` does."""
    return file_argument("page.png", await asyncio.to_thread(printed, page))


def printed(page: Mapping[str, Any]) -> bytes:
    """A PNG of the page: dark letters on light grey, as large as the text and its margin.

    Args:
        page: as `printed_pages` gives it: text, font, size_px, turned_deg, noise.

    Raises DatasetError where there is no such font.
    """
    import numpy as np
    from PIL import Image, ImageDraw

    size, lines = int(page["size_px"]), str(page["text"]).split("\n")
    font, margin, step = _font(page["font"], size), round(_MARGIN * size), round(_LEADING * size)
    width = round(max(font.getlength(line) for line in lines)) + 2 * margin
    image = Image.new("L", (width, step * len(lines) + 2 * margin), _PAPER)
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        draw.text((margin, margin + step * number), line, fill=_INK, font=font)
    turned = image.rotate(
        float(page["turned_deg"]), Image.Resampling.BICUBIC, expand=True, fillcolor=_PAPER
    )
    pixels = np.asarray(turned, np.float32)
    noise = np.random.default_rng(_SEED).normal(0.0, float(page["noise"]), pixels.shape)
    kept = io.BytesIO()
    Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8)).save(kept, "PNG")
    return kept.getvalue()


def _font(name: str, size: int) -> FreeTypeFont:
    from PIL import ImageFont

    if name == "plain":
        font = ImageFont.load_default(size)
        assert isinstance(font, ImageFont.FreeTypeFont)
        return font
    if name not in _FILES:
        raise DatasetError(f"There is no font {name!r}; there are: plain, {', '.join(_FILES)}.")
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(folder / _FILES[name], size)
