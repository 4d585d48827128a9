"""What is being done in a video, shot by shot; where the profile has a network that tells actions
apart."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from tools.contracts import RunContext

if TYPE_CHECKING:
    from model_servers.images import Image
    from tools.video_analysis import Analysis

MODEL = "video-actions"
MIN_SCORE = 0.2
"""Of 400 actions; one that is less likely is not told."""
_MOST_SHOTS = 16
"""That are looked at, longest first."""


class ShotAction(BaseModel):
    """What a shot shows being done: its likeliest action in English, with its probability."""

    model_config = ConfigDict(frozen=True)

    start_s: float
    end_s: float
    label: str
    score: float


async def shot_actions(analysis: Analysis, ctx: RunContext) -> list[ShotAction] | None:
    """The actions that are likely enough, in the order of time; None where the profile has no
    network for them. Raises ModelError, DeadlineExceeded."""
    if MODEL not in ctx.models:
        return None
    shots = _longest(analysis)
    clips = [_clip(analysis, start_s, end_s) for start_s, end_s in shots]
    seen = [(shot, clip) for shot, clip in zip(shots, clips, strict=True) if clip]
    if not seen:
        return []
    found = await ctx.models.predict(MODEL, [clip for _, clip in seen], deadline=ctx.deadline)
    return [
        ShotAction(
            start_s=round(start_s, 2), end_s=round(end_s, 2), label=label, score=round(score, 4)
        )
        for ((start_s, end_s), _), ((label, score), *_) in zip(seen, found, strict=True)
        if score >= MIN_SCORE
    ]


def _longest(analysis: Analysis) -> Sequence[tuple[float, float]]:
    ends = [*(analysis.starts or [0.0]), analysis.end_s]
    return sorted(sorted(pairwise(ends), key=lambda shot: shot[0] - shot[1])[:_MOST_SHOTS])


def _clip(analysis: Analysis, start_s: float, end_s: float) -> list[Image]:
    return [image for seen, image in analysis.pictured() if start_s <= seen.look.time_s <= end_s]
