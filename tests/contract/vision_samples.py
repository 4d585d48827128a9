"""Pictures and a video for the vision tests: photographs that come with locked dependencies, and
pages and clips that are drawn here."""

from __future__ import annotations

import io
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from model_servers.images import Image as Pixels
from tools.media import decode_image

_PHOTOS = {
    "cheetah": ("gradio", "media_assets/images/cheetah.jpg"),
    "lion": ("gradio", "media_assets/images/lion.jpg"),
    "palace": ("sklearn", "datasets/images/china.jpg"),
    "flower": ("sklearn", "datasets/images/flower.jpg"),
}


def photo_file(name: str) -> Path:
    package, file = _PHOTOS[name]
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / file


def photo(name: str) -> Pixels:
    return decode_image(photo_file(name).read_bytes())


def page(lines: Sequence[tuple[int, int, str]], size: tuple[int, int] = (1000, 600)) -> Pixels:
    """A white page of width and height with text at x and y."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for x, y, text in lines:
        draw.text((x, y), text, fill="black", font=ImageFont.load_default(34))
    return np.asarray(image)


def scan(pages: Sequence[Pixels]) -> bytes:
    """A PDF that holds pictures of pages, as a scanner makes it."""
    images = [Image.fromarray(pixels) for pixels in pages]
    written = io.BytesIO()
    images[0].save(written, "PDF", save_all=True, append_images=images[1:])
    return written.getvalue()


def panned(image: Pixels, frames: int, size: tuple[int, int] = (320, 240)) -> list[Pixels]:
    """A camera that moves slowly over a picture."""
    width, height = size
    large = np.asarray(Image.fromarray(image).resize((width + 80, height + 80)))
    steps = [round(60 * number / frames) for number in range(frames)]
    return [large[step : step + height, step : step + width] for step in steps]


def film(frames: Sequence[Pixels], fps: int = 25) -> bytes:
    """An MP4 of these pictures."""
    import av

    written = io.BytesIO()
    with av.open(written, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        container.mux(stream.encode())
    return written.getvalue()


def street(x: int = 320, y: int = 180, radius: int = 110) -> Pixels:
    """A drawn stop sign in front of sky and grass, 640 × 480, its middle at x and y."""
    image = Image.new("RGB", (640, 480), (150, 190, 230))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 380, 640, 480), fill=(90, 140, 70))
    draw.rectangle((x - 7, y, x + 7, 460), fill=(120, 120, 120))
    for size, colour in ((radius, "white"), (radius * 0.94, (190, 25, 35))):
        draw.regular_polygon((x, y, size), 8, rotation=22.5, fill=colour)
    font = ImageFont.load_default(radius * 0.62)
    draw.text((x, y), "STOP", fill="white", font=font, anchor="mm", stroke_width=3)
    return np.asarray(image)
