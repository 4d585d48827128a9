"""Plots as inline SVG: pure functions from numbers to markup.

Colours and strokes come from the page's style, so that a plot follows light and dark. Nothing
here takes text from the data.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from evals.metrics import Bin

WIDTH, HEIGHT = 380, 270
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 12, 44
FULLEST = 0.8
"""How much of the height the tallest bar takes: above it are the notes."""
NOTE = 104
"""The widest note."""


def wilson(share: float, count: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share of `count` trials (E. B. Wilson, JASA 22, 1927)."""
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count**2)) / (1 + z * z / count)
    return max(0.0, centre - half), min(1.0, centre + half)


def quantile(values: Sequence[float], share: float) -> float:
    """Between the two nearest of the ordered values, linearly."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def as_seconds(seconds: float) -> str:
    """For people: 850 µs, 12 ms, 1.4 s, 93 s."""
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 1:
        return f"{seconds * 1e3:.3g} ms"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:,.0f} s"


def reliability_plot(bins: Sequence[Bin]) -> Markup:
    """Accuracy over confidence, with 95 % whiskers; a dot's area is its share of the samples."""
    total = sum(one.count for one in bins)
    parts = [_y_axis(), _x_label("confidence stated"), _line(_x(0), _y(0), _x(1), _y(1), "ideal")]
    parts += [
        _text(_x(share), HEIGHT - BOTTOM + 16, f"{share:g}", "tick", "middle")
        for share in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    points = [(_x(one.score), _y(one.accuracy)) for one in bins]
    parts.append(_path(points, "run"))
    for one, (x, y) in zip(bins, points, strict=True):
        low, high = wilson(one.accuracy, one.count)
        radius = 3 + 9 * math.sqrt(one.count / total)
        title = f"{one.count} samples: stated {one.score:.2f}, right {one.accuracy:.2f}"
        parts.append(_line(x, _y(low), x, _y(high), "whisker"))
        parts.append(
            Markup('<circle class="dot" cx="{}" cy="{}" r="{}"><title>{}</title></circle>').format(
                _n(x), _n(y), _n(radius), title
            )
        )
    return _svg("Reliability: the share of right predictions over the confidence stated", parts)


def latency_histogram(seconds: Sequence[float]) -> Markup:
    """How many samples took how long, on a logarithmic axis, with median and 95th percentile."""
    axis = _TimeAxis.over(seconds)
    count = max(8, min(28, round(2 * math.sqrt(len(seconds)))))
    heights = [0] * count
    for second in seconds:
        heights[min(int(axis.share(second) * count), count - 1)] += 1
    tallest = max(heights)
    step = (WIDTH - LEFT - RIGHT) / count
    parts = [*_grid(tallest), _x_label("seconds a sample, logarithmic"), *axis.ticks()]
    for place, height in enumerate(heights):
        if height:
            y = _y(height / tallest * FULLEST)
            parts.append(
                Markup('<rect class="bar" x="{}" y="{}" width="{}" height="{}" rx="1.5"/>').format(
                    _n(LEFT + place * step + 0.75), _n(y), _n(step - 1.5), _n(_y(0) - y)
                )
            )
    for name, share, row in (("median", 0.5, 0), ("95 %", 0.95, 1)):
        at = quantile(seconds, share)
        x = _x(axis.share(at))
        left = x > WIDTH - NOTE or (row == 0 and x > LEFT + NOTE)
        anchor, gap = ("end", -5) if left else ("start", 5)
        parts.append(_line(x, TOP, x, _y(0), "mark"))
        note = f"{name} {as_seconds(at)}"
        parts.append(_text(x + gap, TOP + 9 + 16 * row, note, "note", anchor))
    return _svg("Histogram of the seconds that a sample took", parts)


def latency_ecdf(seconds: Sequence[float], baseline: Sequence[float] = ()) -> Markup:
    """The share of samples that were answered within a time; the baseline's is dashed."""
    axis = _TimeAxis.over([*seconds, *baseline])
    parts = [_y_axis(), _x_label("answered within, logarithmic"), *axis.ticks()]
    for values, style in ((baseline, "baseline"), (seconds, "run")):
        if values:
            parts.append(_path(_steps(axis, values), style))
    return _svg("The share of samples that were answered within a time", parts)


def interval_strip(
    value: float, low: float | None, high: float | None, top: float, baseline: float | None = None
) -> Markup:
    """A figure as a dot with its interval on a line from 0 to `top`; the baseline is a tick."""
    width, height = 160, 16
    middle = height / 2

    def x(at: float) -> float:
        return 5 + (width - 10) * min(max(at / top, 0.0), 1.0)

    parts = [_line(5, middle, width - 5, middle, "rail")]
    if low is not None and high is not None:
        parts.append(_line(x(low), middle, x(high), middle, "reach"))
    if baseline is not None:
        parts.append(_line(x(baseline), 2, x(baseline), height - 2, "was"))
    parts.append(
        Markup('<circle class="dot" cx="{}" cy="{}" r="3.2"/>').format(_n(x(value)), middle)
    )
    return Markup(
        '<svg class="strip" viewBox="0 0 {0} {1}" width="{0}" height="{1}" aria-hidden="true">'
        "{2}</svg>"
    ).format(width, height, Markup("").join(parts))


@dataclass(frozen=True, slots=True)
class _TimeAxis:
    """A logarithmic axis between two times."""

    first: float
    last: float

    @classmethod
    def over(cls, seconds: Iterable[float]) -> _TimeAxis:
        """Over all times, with room at both ends; what took no time is at the first of them."""
        times = [max(second, 1e-6) for second in seconds]
        return cls(min(times) / 1.15, max(times) * 1.15)

    def share(self, seconds: float) -> float:
        return math.log(max(seconds, self.first) / self.first) / math.log(self.last / self.first)

    def ticks(self) -> list[Markup]:
        """At 1, 2 and 5 times the powers of ten, at powers alone where that would be too many."""
        powers = range(math.floor(math.log10(self.first)), math.ceil(math.log10(self.last)) + 1)
        for digits in ((1, 2, 5), (1, 3), (1,)):
            times = [digit * 10.0**power for power in powers for digit in digits]
            inside = [time for time in times if self.first <= time <= self.last]
            if len(inside) <= 6:
                break
        if not inside:
            inside = [math.sqrt(self.first * self.last)]
        return [
            mark
            for time in inside
            for mark in (
                _line(_x(self.share(time)), _y(0), _x(self.share(time)), _y(0) + 4, "axis"),
                _text(
                    _x(self.share(time)), HEIGHT - BOTTOM + 16, as_seconds(time), "tick", "middle"
                ),
            )
        ]


def _steps(axis: _TimeAxis, values: Sequence[float]) -> list[tuple[float, float]]:
    """The corners of the cumulative share, at no more places than the plot can show."""
    ordered = sorted(values)
    stride = max(1, len(ordered) // 400)
    ranks = [*range(stride, len(ordered), stride), len(ordered)]
    corners = [(_x(0), _y(0))]
    for rank in ranks:
        x = _x(axis.share(ordered[rank - 1]))
        corners += [(x, corners[-1][1]), (x, _y(rank / len(ordered)))]
    return [*corners, (_x(1), _y(1))]


def _x(share: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * share


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * share


def _y_axis() -> Markup:
    return Markup("").join(
        part
        for share in (0.0, 0.25, 0.5, 0.75, 1.0)
        for part in (
            _line(LEFT, _y(share), WIDTH - RIGHT, _y(share), "axis" if share == 0 else "grid"),
            _text(LEFT - 8, _y(share) + 4, f"{share:.0%}", "tick", "end"),
        )
    )


def _grid(tallest: int) -> list[Markup]:
    """Lines at round counts, up to the tallest bar, which leaves room for notes."""
    rough = max(tallest / 4, 1)
    power = 10 ** math.floor(math.log10(rough))
    step = int(next(digit for digit in (1, 2, 5, 10) if digit * power >= rough) * power)
    return [
        part
        for count in range(0, tallest + 1, step)
        for part in (
            _line(
                LEFT,
                _y(count / tallest * FULLEST),
                WIDTH - RIGHT,
                _y(count / tallest * FULLEST),
                "grid" if count else "axis",
            ),
            _text(LEFT - 8, _y(count / tallest * FULLEST) + 4, f"{count:,}", "tick", "end"),
        )
    ]


def _svg(title: str, parts: Iterable[Markup]) -> Markup:
    return Markup(
        '<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    ).format(WIDTH, HEIGHT, title, Markup("").join(parts))


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> Markup:
    return Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
        style, _n(x1), _n(y1), _n(x2), _n(y2)
    )


def _path(points: Sequence[tuple[float, float]], style: str) -> Markup:
    steps = "L".join(f"{_n(x)} {_n(y)}" for x, y in points)
    return Markup('<path class="{}" d="M{}"/>').format(style, steps)


def _text(x: float, y: float, text: str, style: str, anchor: str) -> Markup:
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        style, _n(x), _n(y), anchor, text
    )


def _x_label(text: str) -> Markup:
    return _text(_x(0.5), HEIGHT - 6, text, "name", "middle")


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
