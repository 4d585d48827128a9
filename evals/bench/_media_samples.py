"""What the media tools are measured on: a picture, a page and a video, drawn."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

TARGET = "stop sign"
LINES = (
    "Delivery note 4712",
    "Blue rain jacket, size M",
    "Please return the parcel within thirty days.",
    "Thank you for shopping with us.",
)
FILM_S = 16
FILM_FPS = 25
FILM_WIDTH, FILM_HEIGHT = 640, 480


def drawn_street(shift: int = 0) -> bytes:
    """A PNG of a stop sign between sky and grass, 1280 × 960, so many pixels left of the middle."""
    return _png(_street(640 - shift))


def _street(middle: int) -> Picture:
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (1280, 960), (150, 190, 230))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 760, 1280, 960), fill=(90, 140, 70))
    draw.rectangle((middle - 14, 360, middle + 14, 920), fill=(120, 120, 120))
    for radius, colour in ((220, "white"), (207, (190, 25, 35))):
        draw.regular_polygon((middle, 360, radius), 8, rotation=22.5, fill=colour)
    font = ImageFont.load_default(136)
    draw.text((middle, 360), "STOP", fill="white", font=font, anchor="mm", stroke_width=6)
    return image


def drawn_page() -> bytes:
    """A PNG of a white page with LINES on it, 1000 × 600."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (1000, 600), "white")
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(LINES):
        draw.text((60, 60 + 120 * number), line, fill="black", font=ImageFont.load_default(34))
    return _png(image)


def drawn_film() -> bytes:
    """An MP4 of FILM_S seconds, 640 × 480: a camera that moves along the street, and a page from
    half of it on."""
    import av
    import numpy as np
    from PIL import Image

    street = _street(640)
    page = Image.open(io.BytesIO(drawn_page())).resize((FILM_WIDTH, FILM_HEIGHT))
    frames = FILM_S * FILM_FPS
    written = io.BytesIO()
    with av.open(written, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FILM_FPS)
        stream.width, stream.height = FILM_WIDTH, FILM_HEIGHT
        stream.pix_fmt = "yuv420p"
        for number in range(frames):
            left = 200 * number // frames
            window = (left, 0, left + 1080, 810)
            seen = (
                street.crop(window).resize((FILM_WIDTH, FILM_HEIGHT))
                if number < frames // 2
                else page
            )
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(seen), "rgb24")))
        container.mux(stream.encode())
    return written.getvalue()


def _png(image: Picture) -> bytes:
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()
