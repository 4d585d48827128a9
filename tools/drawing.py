"""Draws what was found onto a picture: boxes, masks and labels that can be read at any size."""

from __future__ import annotations

import colorsys
import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

    from model_servers.images import Image

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""
Colour = tuple[int, int, int]

SMALLEST_SIDE = 640
"""The longer side that a drawing has at least: a smaller picture is drawn larger."""
LARGEST_SIDE = 2_000
_MASK_SHARE = 0.45
_DIMMED = 0.55


class Mark(NamedTuple):
    """A box to draw. Marks of one `group` have one colour; no label is drawn for ""."""

    box: Box
    label: str
    group: str


def draw_marks(image: Image, marks: Sequence[Mark], *, beside: bool = False) -> Image:
    """The picture with a box and a label for each mark.

    The first marks get the best places for their labels. A label stands where it hides no other
    one, as far as there is room.

    Args:
        beside: labels stand to the left of their boxes, as for lines of text, which one above a
            line would hide.
    """
    from PIL import Image as Pillow
    from PIL import ImageDraw

    scale = drawing_scale(image)
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    picture = Pillow.fromarray(image).resize((width, height), Pillow.Resampling.LANCZOS)
    draw = ImageDraw.Draw(picture)
    line = max(2, round(max(width, height) / 320))
    font = label_font(width, height)
    boxes = [_scaled(mark.box, scale, width, height) for mark in marks]
    # Large boxes first, so that they do not cross out small ones.
    for place in sorted(range(len(marks)), key=lambda i: -_area(boxes[i])):
        draw.rectangle(boxes[place], outline=group_colour(marks[place].group), width=line)
    taken: list[Box] = []
    for mark, box in zip(marks, boxes, strict=True):
        if mark.label:
            taken.append(_label(draw, mark, box, font, taken, beside=beside))
    return np.asarray(picture, dtype=np.uint8)


def draw_masks(image: Image, masks: Sequence[NDArray[np.bool_]], marks: Sequence[Mark]) -> Image:
    """The picture with each mask in its mark's colour, the rest dimmed, and the marks' boxes."""
    shown = image.astype(np.float32)
    inside = np.zeros(image.shape[:2], bool)
    for mask in masks:
        inside |= mask
    shown[~inside] *= _DIMMED
    for mask, mark in zip(masks, marks, strict=True):
        colour = np.array(group_colour(mark.group), np.float32)
        shown[mask] = shown[mask] * (1 - _MASK_SHARE) + colour * _MASK_SHARE
    return draw_marks(shown.astype(np.uint8), marks)


def draw_caption(image: Image, words: str) -> Image:
    """The picture with words at its foot, light on a dark ground, over its left corner."""
    from PIL import Image as Pillow
    from PIL import ImageDraw

    height, width = image.shape[:2]
    picture = Pillow.fromarray(image)
    draw = ImageDraw.Draw(picture)
    font = label_font(width, height)
    space = max(2, round(font.size / 4))
    across = draw.textlength(words, font) + 2 * space
    draw.rectangle((0, height - font.size - 2 * space, across, height), fill=(0, 0, 0))
    draw.text((space, height - space), words, (255, 255, 255), font, anchor="ld")
    return np.asarray(picture, dtype=np.uint8)


def drawing_scale(image: Image) -> float:
    """How much larger or smaller than the picture its drawing is."""
    side = int(max(image.shape[:2]))
    return min(max(side, SMALLEST_SIDE), LARGEST_SIDE) / side


def group_colour(group: str) -> Colour:
    """A bright colour that is always the same for the same word."""
    turn = int.from_bytes(hashlib.sha256(group.encode()).digest()[:4]) / 2**32
    red, green, blue = colorsys.hsv_to_rgb(turn, 0.85, 1.0)
    return round(red * 255), round(green * 255), round(blue * 255)


def label_font(width: int, height: int) -> FreeTypeFont:
    """A font whose letters are readable when the whole drawing is shown on a screen."""
    from PIL import ImageFont

    font = ImageFont.load_default(max(14.0, max(width, height) / 42))
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


def _scaled(box: Box, scale: float, width: int, height: int) -> Box:
    left, top, right, bottom = (edge * scale for edge in box)
    left, top = min(max(left, 0), width - 2), min(max(top, 0), height - 2)
    return left, top, max(left + 1, min(right, width - 1)), max(top + 1, min(bottom, height - 1))


def _area(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def _label(
    draw: ImageDraw,
    mark: Mark,
    box: Box,
    font: FreeTypeFont,
    taken: Sequence[Box],
    *,
    beside: bool,
) -> Box:
    """Draws the label, and returns what it covers."""
    space = max(2, round(font.size / 7))
    x0, y0, x1, y1 = draw.textbbox((0, 0), mark.label, font=font)
    width, height = x1 - x0 + 2 * space, y1 - y0 + 2 * space
    place = label_place(box, (width, height), taken, draw.im.size, beside=beside)
    colour = group_colour(mark.group)
    draw.rectangle(place, fill=colour)
    # The weights of red, green and blue in how bright a colour seems (ITU-R BT.601).
    bright = sum(part * share for part, share in zip(colour, (0.299, 0.587, 0.114), strict=True))
    ink = (0, 0, 0) if bright > 128 else (255, 255, 255)
    draw.text((place[0] + space - x0, place[1] + space - y0), mark.label, fill=ink, font=font)
    return place


def label_place(
    box: Box,
    label: tuple[float, float],
    taken: Sequence[Box],
    size: tuple[int, int],
    *,
    beside: bool = False,
) -> Box:
    """Where a label goes: above its box, else inside, below, or beside what is in the way.

    Args:
        box: what it belongs to.
        label: its width and height.
        taken: where other labels are.
        size: the picture's width and height; the label stays inside where it fits.
        beside: to the left of the box, whatever is there.
    """
    width, height = label
    left, top, right, bottom = box
    starts = [
        (left, top - height), (left, top), (right - width, top - height), (left, bottom),
        (left, bottom - height), (right - width, bottom - height),
    ]  # fmt: skip
    if beside:
        starts = [(left - width, (top + bottom - height) / 2)]
    else:  # then further and further down the box
        starts += [(left, top + step * height) for step in range(1, 12)]
    places = []
    for x, y in starts:
        x0 = min(max(x, 0.0), max(0.0, size[0] - width))
        y0 = min(max(y, 0.0), max(0.0, size[1] - height))
        places.append((x0, y0, x0 + width, y0 + height))
    return min(places, key=lambda place: sum(_shared(place, other) for other in taken))


def _shared(first: Box, second: Box) -> float:
    """The area that two boxes share."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(0.0, width) * max(0.0, height)
