"""Draws how many of each thing a video shows over time, with what is unusual marked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tools.analyze_video_words import clock
from tools.unusual import Moment

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

    from model_servers.images import Image
    from tools.drawing import Colour

SIZE = 1280, 560
"""Width and height in pixels."""
AREA = 80, 120, 1250, 480
"""Where the lines are: left, top, right, bottom."""
# Told apart by the colour-blind too (Okabe and Ito 2008).
LINES: tuple[Colour, ...] = (
    (0, 114, 178), (230, 159, 0), (0, 158, 115), (213, 94, 0), (204, 121, 167), (86, 180, 233),
)  # fmt: skip
UNUSUAL: Colour = (255, 205, 205)
_WARNING: Colour = (170, 20, 20)
_INK: Colour = (30, 30, 30)
_GRID: Colour = (222, 222, 222)
_CUT: Colour = (120, 120, 120)
_PAPER: Colour = (255, 255, 255)
_FONT_PX = 20
_ROW_PX = 28
_LINE_PX = 4
_STEPS_S = (0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800)
_MOST_TICKS = 10


@dataclass(frozen=True, slots=True)
class _Axes:
    """From seconds and numbers to pixels."""

    whole_s: float
    top: int

    def x(self, time_s: float) -> float:
        left, _, right, _ = AREA
        return left + (right - left) * min(max(time_s / self.whole_s, 0.0), 1.0)

    def y(self, count: float) -> float:
        _, top, _, bottom = AREA
        return bottom - (bottom - top) * count / self.top


def draw_plot(
    times: Sequence[float],
    counts: Sequence[Mapping[str, int]],
    unusual: Sequence[Moment],
    cuts: Sequence[float],
    duration_s: float,
) -> Image:
    """The plot, a picture of SIZE: (height, width, 3) RGB uint8.

    The labels most of which were seen at once get a line each, as far as there are colours.

    Args:
        times: of the looks, in seconds, in order.
        counts: of each label, for each look.
        cuts: when a new shot begins; thin lines.
    """
    from PIL import Image as Pillow
    from PIL import ImageDraw, ImageFont

    most: dict[str, int] = {}
    for seen in counts:
        for label, count in seen.items():
            most[label] = max(most.get(label, 0), count)
    shown = sorted(most, key=lambda label: (-most[label], label))[: len(LINES)]
    axes = _Axes(max(duration_s, *times, 1e-3), max(1, *most.values()) if most else 1)
    font = ImageFont.load_default(_FONT_PX)
    assert isinstance(font, ImageFont.FreeTypeFont)
    picture = Pillow.new("RGB", SIZE, _PAPER)
    draw = ImageDraw.Draw(picture)
    for moment in unusual:
        # A moment of one look has no length, and is to be seen all the same.
        start, end = axes.x(moment.start_s) - 3, axes.x(moment.end_s) + 3
        draw.rectangle((start, AREA[1], end, AREA[3]), fill=UNUSUAL)
    _draw_axes(draw, axes, font)
    for cut in cuts:
        for y in range(AREA[1], AREA[3], 12):
            draw.line((axes.x(cut), y, axes.x(cut), y + 5), fill=_CUT, width=2)
    for place, label in reversed(list(enumerate(shown))):
        values = [seen.get(label, 0) for seen in counts]
        _draw_steps(draw, axes, times, values, place)
    _draw_reasons(draw, axes, unusual, font)
    entries = [
        (LINES[place], f"{label} (at most {most[label]})") for place, label in enumerate(shown)
    ]
    if unusual:
        entries.append((UNUSUAL, "unusual"))
    if cuts:
        entries.append((_CUT, "cut"))
    _draw_legend(draw, entries, font)
    if not shown:
        words = "Nothing that can be recognised was seen."
        draw.text((SIZE[0] / 2, (AREA[1] + AREA[3]) / 2), words, _INK, font, anchor="mm")
    return np.asarray(picture, dtype=np.uint8)


def _draw_axes(draw: ImageDraw, axes: _Axes, font: FreeTypeFont) -> None:
    left, top, right, bottom = AREA
    for count in range(0, axes.top + 1, math.ceil(axes.top / 5)):
        draw.line((left, axes.y(count), right, axes.y(count)), fill=_GRID, width=1)
        draw.text((left - 10, axes.y(count)), str(count), _INK, font, anchor="rm")
    step = tick_step(axes.whole_s)
    for number in range(int(axes.whole_s / step) + 1):
        time_s = number * step
        words = clock(time_s) if step < 1 else clock(time_s).removesuffix(".0")
        draw.line((axes.x(time_s), bottom, axes.x(time_s), bottom + 8), fill=_INK, width=2)
        draw.text((axes.x(time_s), bottom + 14), words, _INK, font, anchor="ma")
    draw.line((left, top, left, bottom, right, bottom), fill=_INK, width=2)
    draw.text((right, SIZE[1] - 10), "time (min:s)", _INK, font, anchor="rd")
    draw.text((left, SIZE[1] - 10), "things seen at once", _INK, font, anchor="ld")


def tick_step(whole_s: float) -> float:
    """Seconds between two times on the axis: a round number, so that there are few of them."""
    return next(
        (step for step in _STEPS_S if whole_s / step <= _MOST_TICKS),
        3_600 * math.ceil(whole_s / 3_600 / _MOST_TICKS),
    )


def _draw_steps(
    draw: ImageDraw, axes: _Axes, times: Sequence[float], values: Sequence[int], place: int
) -> None:
    """A line that holds each count until the next look. Equal counts lie side by side."""
    raised = place * _LINE_PX
    points: list[tuple[float, float]] = []
    for time_s, until_s, count in zip(times, (*times[1:], axes.whole_s), values, strict=True):
        y = axes.y(count) - raised
        points += [(axes.x(time_s), y), (axes.x(until_s), y)]
    draw.line(points, fill=LINES[place], width=_LINE_PX)


def _draw_reasons(
    draw: ImageDraw, axes: _Axes, unusual: Sequence[Moment], font: FreeTypeFont
) -> None:
    """What is unusual, above each moment: the most unusual first, as far as there is room."""
    taken: list[tuple[float, float]] = []
    for moment in sorted(unusual, key=lambda moment: -moment.score):
        words = ", ".join(moment.reasons)
        half = draw.textlength(words, font) / 2
        middle = (axes.x(moment.start_s) + axes.x(moment.end_s)) / 2
        middle = min(max(middle, half + 4), SIZE[0] - half - 4)
        if all(middle + half + 8 < start or end + 8 < middle - half for start, end in taken):
            taken.append((middle - half, middle + half))
            draw.text((middle, AREA[1] - 6), words, _WARNING, font, anchor="md")


def _draw_legend(
    draw: ImageDraw, entries: Sequence[tuple[Colour, str]], font: FreeTypeFont
) -> None:
    x, y = float(AREA[0]), 12
    for colour, words in entries:
        width = 30 + draw.textlength(words, font) + 24
        if x + width > SIZE[0]:
            x, y = float(AREA[0]), y + _ROW_PX
        draw.rectangle((x, y + 4, x + 20, y + 18), fill=colour, outline=_INK)
        draw.text((x + 30, y + 11), words, _INK, font, anchor="lm")
        x += width
