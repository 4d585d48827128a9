"""What happens in a video, and when, drawn as lanes below one another, without a script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from orchestrator.page.markup import text
from tools.analyze_video import Shot, UnusualMoment, VideoTrack

MOST_LANES = 24
"""Of things that come and go; the first of them are drawn."""
_TICKS = 5


class _Facts(BaseModel):
    """What is drawn of a video's analysis; times in seconds."""

    duration_s: float
    shots: Sequence[Shot] | None
    tracks: Sequence[VideoTrack]
    unusual: Sequence[UnusualMoment]


def timeline(result: Mapping[str, Any]) -> str:
    """Ready HTML for a result of `analyze_video`.

    Empty for one of no length, and for one that was kept by a version that told other things: its
    fields are shown as data all the same.
    """
    try:
        facts = _Facts.model_validate(result)
    except ValidationError:
        return ""
    if facts.duration_s <= 0:
        return ""
    whole = facts.duration_s
    lanes = []
    if facts.shots:
        bars = (
            _bar(shot.start_s, shot.end_s, whole, "shot", f"Shot {number}")
            for number, shot in enumerate(facts.shots, start=1)
        )
        lanes.append(_lane("Shots", bars))
    for track in facts.tracks[:MOST_LANES]:
        name = f"{track.label} #{track.number}"
        lanes.append(_lane(name, [_bar(track.entry_s, track.exit_s, whole, "seen", name)]))
    if facts.unusual:
        bars = (
            _bar(moment.start_s, moment.end_s, whole, "unusual", ", ".join(moment.reasons))
            for moment in facts.unusual
        )
        lanes.append(_lane("Unusual", bars))
    left_out = len(facts.tracks) - MOST_LANES
    more = f"<p>and {left_out} more that came and went</p>" if left_out > 0 else ""
    label = f"Timeline of {clock(whole)}"
    return (
        f'<section class="timeline" aria-label="{label}">{"".join(lanes)}{_axis(whole)}</section>'
        f"{more}"
    )


def clock(seconds: float) -> str:
    """A time in a video: "0:07", "12:30", "1:02:03"."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _lane(name: str, bars: Iterable[str], kind: str = "lane") -> str:
    drawn = "".join(bars)
    return (
        f'<div class="{kind}"><span class="lane-name">{text(name)}</span>'
        f'<span class="bars">{drawn}</span></div>'
    )


def _bar(start_s: float, end_s: float, whole_s: float, kind: str, what: str) -> str:
    """From start to end; one without a length is as wide as the style's least."""
    left = min(max(start_s / whole_s, 0.0), 1.0)
    width = min(max(end_s / whole_s, left), 1.0) - left
    when = f"{clock(start_s)}–{clock(end_s)}"
    return (
        f'<span class="bar {kind}" style="left:{left:.2%};width:{width:.2%}"'
        f' title="{text(what)}, {when}"></span>'
    )


def _axis(whole_s: float) -> str:
    times = (whole_s * tick / _TICKS for tick in range(_TICKS))
    ticks = (
        f'<span class="tick" style="left:{time / whole_s:.2%}">{clock(time)}</span>'
        for time in times
    )
    return _lane("", ticks, "lane axis")
