"""What happens in a video: shots, who and what comes and goes, and what is unusual."""

from __future__ import annotations

import asyncio
import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from model_servers.image_classifier import Glance
from tools.contracts import RunContext
from tools.detect_objects import MIN_SCORE, FoundObject, count_labels, found_objects
from tools.media import Video
from tools.tracks import Track, Tracker
from tools.unusual import FEWEST_LOOKS, Moment, Signals, unusual_moments
from tools.video_looks import Look, Pace, VideoLooks, choose_pace, shot_starts

CUT_THRESHOLD = 0.5
_TOGETHER = 4
"""Looks that the models get at a time."""
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

    def most(self) -> dict[str, int]:
        """The most of each label that were seen at once, most first."""
        most: dict[str, int] = {}
        for seen in self.seen:
            for label, count in count_labels(seen.things).items():
                most[label] = max(most.get(label, 0), count)
        return dict(sorted(most.items(), key=lambda item: -item[1]))


async def analyze(video: Video, labels: Sequence[str], ctx: RunContext) -> Analysis:
    """Goes through the video once.

    Args:
        labels: the kinds of things to follow; all where there are none.

    Raises InvalidInput, ModelError, DeadlineExceeded.
    """
    pace = choose_pace(video.duration_s)
    looks = VideoLooks(video, pace)
    running = iter(looks)
    seen: list[Seen] = []
    while batch := await asyncio.to_thread(_next, running):
        ctx.remaining_s()
        seen += await _see(batch, labels, ctx)
        if video.duration_s:
            ctx.progress(_OF_LOOKING * min(1.0, looks.end_s / video.duration_s))
    starts = await _starts(looks, ctx)
    analysis = Analysis(pace, looks.end_s, starts, seen)
    analysis.tracks, analysis.unusual = await asyncio.to_thread(_over_time, seen, starts)
    return analysis


def _next(running: Any) -> list[Look]:
    """The next few looks; fewer at the end, and none after it."""
    batch = []
    for look in running:
        batch.append(look)
        if len(batch) == _TOGETHER:
            break
    return batch


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


async def _starts(looks: VideoLooks, ctx: RunContext) -> list[float] | None:
    if not looks.small:
        return None
    frames = np.stack(looks.small)
    (cuts,) = await ctx.models.predict("shot-cuts", [frames], deadline=ctx.deadline)
    return shot_starts(looks.small_times, cuts, CUT_THRESHOLD)


def _over_time(
    seen: Sequence[Seen], starts: Sequence[float] | None
) -> tuple[list[Track], list[Moment]]:
    """Tracks, which end with a shot, and unusual moments."""
    tracker = Tracker()
    times = [one.look.time_s for one in seen]
    shots = [bisect.bisect_right(starts or [0.0], time_s + 1e-3) for time_s in times]
    new = [place > 0 and shots[place] != shots[place - 1] for place in range(len(seen))]
    for one, cut in zip(seen, new, strict=True):
        tracker.look(one.look.time_s, one.things, cut=cut)
    return tracker.tracks(), unusual_moments(times, _signals(seen, shots, new))


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
