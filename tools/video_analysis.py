"""What happens in a video: shots, who and what comes and goes, and what is unusual."""

from __future__ import annotations

import asyncio
import bisect
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from model_servers.image_classifier import Glance
from tools.contracts import RunContext
from tools.detect_objects import MIN_SCORE, FoundObject, count_labels, found_objects
from tools.tracks import Track, Tracker
from tools.unusual import FEWEST_LOOKS, Moment, Signals, unusual_moments
from tools.video_looks import (
    MOST_LOOKS,
    FrameSource,
    Look,
    Pace,
    VideoLooks,
    choose_pace,
    shot_starts,
)
from tools.video_telling import VideoTelling

if TYPE_CHECKING:
    from model_servers.images import Image

CUT_THRESHOLD = 0.5
_TOGETHER = 4
"""Looks that the models get at a time."""
_SHOT_STEP = 100
"""Frames of a live stream that are searched for cuts at a time."""
_SHOT_CONTEXT = 25
"""Frames before and after those that are searched, which the network knows them by."""
_SETTLED_S = 0.5
"""A cut this long before the last frame that was searched is not moved by the next ones."""
_RECENT_LOOKS = 120
"""What is usual in a live stream is told from the last of its looks."""
_OF_LOOKING = 0.8
"""The share of the work that looking is, for the progress that is told."""


@dataclass(slots=True)
class Seen:
    """A look with what was seen: things, and the picture's features as a whole."""

    look: Look
    things: list[FoundObject]
    glance: Glance


@dataclass(slots=True)
class Analysis:
    """A video's shots (their starts, None where it is too long to find them), looks, tracks and
    unusual moments; times in seconds."""

    pace: Pace
    end_s: float
    starts: list[float] | None
    seen: list[Seen]
    tracks: list[Track] = field(default_factory=list)
    unusual: list[Moment] = field(default_factory=list)

    def pictured(self) -> list[tuple[Seen, Image]]:
        """The looks whose pictures are still there: all of them but in a long live stream."""
        return [(seen, seen.look.image) for seen in self.seen if seen.look.image is not None]

    def most(self) -> dict[str, int]:
        """The most of each label that were seen at once, most first."""
        most: dict[str, int] = {}
        for seen in self.seen:
            for label, count in count_labels(seen.things).items():
                most[label] = max(most.get(label, 0), count)
        return dict(sorted(most.items(), key=lambda item: -item[1]))


async def analyze(video: FrameSource, labels: Sequence[str], ctx: RunContext) -> Analysis:
    """Goes through the video once, from one frame to the next; tells `ctx` what happens.

    Where the video's length isn't known, it is taken for live: each look is worked on when it
    comes, and cuts and unusual moments are told a few seconds after them. Otherwise these two are
    told at the end, when they are known of the whole.

    Args:
        labels: the kinds of things to follow; all where there are none.

    Raises InvalidInput, ModelError, DeadlineExceeded.
    """
    live = not video.duration_s
    pace = choose_pace(video.duration_s)
    looks = VideoLooks(video, pace)
    running = iter(looks)
    cuts = _Cuts(looks)
    telling = VideoTelling(ctx.tell, 1 / pace.looks_per_s)
    seen: list[Seen] = []
    stride = 1
    while batch := await asyncio.to_thread(_next, running, 1 if live else _TOGETHER):
        ctx.remaining_s()
        new = await _see(batch, labels, ctx)
        seen += new
        for one in new:
            telling.look(one.look.time_s, one.things)
        if live:
            stride = _let_go(seen, stride)
            await _tell_recent(seen, cuts, telling, ctx)
        if video.duration_s:
            ctx.progress(_OF_LOOKING * min(1.0, looks.end_s / video.duration_s))
    telling.end()
    starts = await cuts.all(ctx)
    telling.shots(starts or ())
    analysis = Analysis(pace, looks.end_s, starts, seen)
    analysis.tracks, analysis.unusual = await asyncio.to_thread(
        over_time, seen, starts, 1 / pace.looks_per_s
    )
    telling.moments(analysis.unusual)
    return analysis


def _next(running: Iterator[Look], most: int) -> list[Look]:
    """The next looks, `most` at most; fewer at the end, and none after it."""
    return list(itertools.islice(running, most))


def _let_go(seen: Sequence[Seen], stride: int) -> int:
    """Lets pictures go so that MOST_LOOKS are left at most, evenly; every how many-th is kept."""
    while len(seen) > stride * MOST_LOOKS:
        stride *= 2
    for place, one in enumerate(seen):
        if place % stride:
            one.look.image = None
    return stride


async def _tell_recent(
    seen: Sequence[Seen], cuts: _Cuts, telling: VideoTelling, ctx: RunContext
) -> None:
    """Tell the cuts of a live stream, and what is unusual up to where they are known: a cut that
    isn't known yet looks unusual."""
    if not await cuts.search(ctx):
        return
    starts = cuts.starts()
    telling.shots([start for start in starts if start < cuts.known_s - _SETTLED_S])
    recent = [one for one in seen[-_RECENT_LOOKS:] if one.look.time_s <= cuts.known_s]
    times, shots, new = _places(recent, starts)
    signals = await asyncio.to_thread(_signals, recent, shots, new)
    telling.moments(unusual_moments(times, signals))


class _Cuts:
    """Finds where shots end, as far as the frames have come. Frames searched are let go."""

    def __init__(self, looks: VideoLooks) -> None:
        self._looks = looks
        self._cuts = np.zeros(0, np.float32)
        self._dropped = 0

    @property
    def known_s(self) -> float:
        """Until when the cuts are known, in seconds."""
        return self._looks.small_times[len(self._cuts) - 1] if len(self._cuts) else 0.0

    def starts(self) -> list[float]:
        """When each shot begins that is known."""
        return shot_starts(self._looks.small_times, self._cuts, CUT_THRESHOLD)

    async def all(self, ctx: RunContext) -> list[float] | None:
        """When each shot begins, once all frames have come; None where none were kept."""
        if not self._looks.small_times:
            return None
        await self._search(len(self._looks.small_times), ctx)
        return self.starts()

    async def search(self, ctx: RunContext) -> bool:
        """Whether enough frames had come to search more of them."""
        ready = len(self._looks.small_times) - _SHOT_CONTEXT - len(self._cuts)
        if ready < _SHOT_STEP:
            return False
        await self._search(len(self._cuts) + ready // _SHOT_STEP * _SHOT_STEP, ctx)
        return True

    async def _search(self, until: int, ctx: RunContext) -> None:
        known = len(self._cuts)
        if until == known:
            return
        first = max(0, known - _SHOT_CONTEXT)
        del self._looks.small[: first - self._dropped]
        self._dropped = first
        frames = np.stack(self._looks.small[: until + _SHOT_CONTEXT - first])
        (found,) = await ctx.models.predict("shot-cuts", [frames], deadline=ctx.deadline)
        self._cuts = np.concatenate([self._cuts, found[known - first : until - first]])


async def _see(looks: Sequence[Look], labels: Sequence[str], ctx: RunContext) -> list[Seen]:
    images = [look.image for look in looks]
    boxes, glances = await asyncio.gather(
        ctx.models.predict("object-detector", images, deadline=ctx.deadline),
        ctx.models.predict("image-classifier", images, deadline=ctx.deadline),
    )
    return [
        Seen(look, found_objects(found, MIN_SCORE, labels), glance)
        for look, found, glance in zip(looks, boxes, glances, strict=True)
    ]


def over_time(
    seen: Sequence[Seen], starts: Sequence[float] | None, step_s: float
) -> tuple[list[Track], list[Moment]]:
    """Tracks, which end with a shot, and unusual moments."""
    tracker = Tracker(step_s)
    times, shots, new = _places(seen, starts)
    for one, cut in zip(seen, new, strict=True):
        tracker.look(one.look.time_s, one.things, cut=cut)
    return tracker.tracks(), unusual_moments(times, _signals(seen, shots, new))


def _places(
    seen: Sequence[Seen], starts: Sequence[float] | None
) -> tuple[list[float], list[int], list[bool]]:
    """For each look its time, the number of its shot, and whether that is a new one."""
    times = [one.look.time_s for one in seen]
    shots = [bisect.bisect_right(starts or [0.0], time_s + 1e-3) for time_s in times]
    new = [place > 0 and shots[place] != shots[place - 1] for place in range(len(seen))]
    return times, shots, new


def _signals(seen: Sequence[Seen], shots: Sequence[int], new: Sequence[bool]) -> Signals:
    """What each look is like in numbers.

    Light and appearance are compared with the look's own shot, where that is long enough to know
    what is usual in it. A cut moves everything, and means nothing.
    """
    if not seen:
        return {}
    features = np.stack([one.glance.features for one in seen]).astype(np.float64)
    levels = np.array([one.look.brightness for one in seen])
    brightness = levels.copy()
    appearance = np.zeros(len(seen))
    for shot in set(shots):
        own = np.equal(shots, shot)
        known = own if own.sum() >= FEWEST_LOOKS else np.ones(len(seen), bool)
        brightness[own] -= np.median(levels[known])
        usual = np.median(features[known], axis=0)
        appearance[own] = 1 - features[own] @ (usual / max(float(np.linalg.norm(usual)), 1e-9))
    motion = [float("nan") if cut else one.look.motion for one, cut in zip(seen, new, strict=True)]
    return {
        "motion": np.array(motion),
        "brightness": brightness,
        "count": np.array([float(len(one.things)) for one in seen]),
        "appearance": appearance,
    }
