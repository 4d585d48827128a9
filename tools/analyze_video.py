"""The tool `analyze_video`: what happens in a video, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from tools.analyze_video_words import EXAMPLES, TITLES, summary
from tools.artifacts import Artifact
from tools.contracts import Kind, RunContext, Tool, ToolArgs, ToolData, ToolResult
from tools.detect_objects import count_labels, mark_of, wanted_objects
from tools.drawing import draw_marks
from tools.pictures import VideoSlot, derived_name, encode, keep_picture
from tools.unusual import Reason
from tools.video_actions import ShotAction, shot_actions
from tools.video_analysis import Analysis, Seen, analyze
from tools.video_clip import ClipFrame, clip_frames, draw_clip
from tools.video_plot import draw_plot
from tools.video_source import video_source

if TYPE_CHECKING:
    from model_servers.images import Image

MOST_KEY_FRAMES = 8


class Shot(BaseModel):
    """From one cut to the next, in seconds."""

    model_config = ConfigDict(frozen=True)

    start_s: float
    end_s: float


class VideoTrack(BaseModel):
    """One thing from when it came to when it went, in seconds.

    Boxes are left, top, right and bottom in pixels of the video; `score` is the mean.
    """

    model_config = ConfigDict(frozen=True)

    number: int
    label: str
    entry_s: float
    exit_s: float
    score: float
    first_box: tuple[float, float, float, float]
    last_box: tuple[float, float, float, float]


class CountsAtTime(BaseModel):
    """How many of each label were seen at a time."""

    model_config = ConfigDict(frozen=True)

    time_s: float
    counts: dict[str, int]


class UnusualMoment(BaseModel):
    """When the video is unlike the rest of itself, how far (in deviations), and in what."""

    model_config = ConfigDict(frozen=True)

    start_s: float
    end_s: float
    score: float
    reasons: list[Reason]


class VideoEvent(BaseModel):
    """One row of the timeline."""

    model_config = ConfigDict(frozen=True)

    time_s: float
    kind: Literal["shot", "entry", "exit", "unusual"]
    what: str


class KeyFrame(BaseModel):
    """A picture of the video with the things in it marked."""

    model_config = ConfigDict(frozen=True)

    time_s: float
    picture: Artifact


class AnalyzeVideoArgs(ToolArgs):
    video: VideoSlot
    question: str | None = Field(
        default=None,
        max_length=2_000,
        description="What was asked; the kinds of things to follow are read from it.",
    )


class AnalyzeVideoResult(ToolData):
    """`shots` is None where the video is too long to find its cuts, `actions` where the profile
    can't tell any. `most` is how many of each label were seen at once; `unknown` what was asked
    for and can't be recognised. `timeline` is a JSON file of all of it but the pictures. `clip`
    shows what was looked at with the tracks drawn in, `plot` the counts over time with the unusual
    moments marked."""

    text: str
    events: list[VideoEvent]
    duration_s: float
    looks_per_s: float
    shots: list[Shot] | None
    tracks: list[VideoTrack]
    counts: list[CountsAtTime]
    most: dict[str, int]
    unusual: list[UnusualMoment]
    unknown: list[str]
    key_frames: list[KeyFrame]
    key_frame: Artifact | None
    actions: list[ShotAction] | None
    timeline: Artifact
    clip: Artifact | None
    plot: Artifact


class AnalyzeVideo(Tool):
    """See `description`."""

    name = "analyze_video"
    description = (
        "Watches a video: finds its shots, follows the people and things that come and go, counts "
        "them over time, and finds moments where something unusual happens. Use it for timelines, "
        "for key frames, and for questions about what is to be seen in a video and when."
    )
    examples = EXAMPLES
    Args = AnalyzeVideoArgs
    Result = AnalyzeVideoResult
    outputs: ClassVar[Mapping[str, Kind]] = {
        "text": "text",
        "events": "table",
        "key_frame": "image",
        "clip": "video",
        "plot": "image",
    }
    prose = True
    titles = TITLES

    async def __call__(self, args: AnalyzeVideoArgs, ctx: RunContext) -> ToolResult:
        """Raises InvalidInput, ModelError, DeadlineExceeded."""
        wanted = wanted_objects(None, args.question)
        async with video_source(args.video, ctx) as video:
            analysis = await analyze(video, wanted.known, ctx)
            pictured = analysis.pictured()
            scale = video.width / pictured[0][1].shape[1] if pictured else 1.0
            duration_s = max(video.duration_s or 0.0, analysis.end_s)
        frames = await _key_frames(analysis, args.video, ctx)
        facts = facts_of(analysis, duration_s, scale)
        facts["actions"] = await shot_actions(analysis, ctx)
        timeline = await _keep(timeline_of(facts), args.video, "timeline.json", ctx)
        clip = await _clip(analysis, args.video, ctx) if analysis.seen else None
        drawn = await asyncio.to_thread(plot_of, analysis, duration_s)
        plot = await _keep(drawn, args.video, "counts.png", ctx)
        ctx.progress(1.0)
        data = AnalyzeVideoResult(
            text=_summary(facts, wanted.unknown, "en"),
            unknown=list(wanted.unknown),
            key_frames=frames,
            key_frame=frames[0].picture if frames else None,
            timeline=timeline,
            clip=clip,
            plot=plot,
            **facts,
        )
        files = (timeline, *([clip] if clip else []), plot, *(frame.picture for frame in frames))
        return ToolResult(data, files)

    def render(self, data: Any, language: str) -> str:
        assert isinstance(data, AnalyzeVideoResult)
        return _summary(dict(data), data.unknown, language)


def facts_of(analysis: Analysis, duration_s: float, scale: float) -> dict[str, Any]:
    """The fields of the result that are no files.

    Args:
        scale: pixels of the video for each of the pictures that were looked at.
    """
    shots = _shots(analysis.starts, duration_s)
    tracks = [
        VideoTrack(
            number=number,
            label=track.label,
            entry_s=round(track.times[0], 2),
            exit_s=round(track.times[-1], 2),
            score=round(sum(track.scores) / len(track.scores), 4),
            first_box=_scaled(track.boxes[0], scale),
            last_box=_scaled(track.boxes[-1], scale),
        )
        for number, track in enumerate(analysis.tracks, start=1)
    ]
    unusual = [
        UnusualMoment(
            start_s=round(moment.start_s, 2),
            end_s=round(moment.end_s, 2),
            score=round(moment.score, 2),
            reasons=list(moment.reasons),
        )
        for moment in analysis.unusual
    ]
    counts = [
        CountsAtTime(time_s=round(seen.look.time_s, 2), counts=count_labels(seen.things))
        for seen in analysis.seen
    ]
    return {
        "duration_s": round(duration_s, 2),
        "looks_per_s": round(analysis.pace.looks_per_s, 3),
        "shots": shots,
        "tracks": tracks,
        "counts": counts,
        "most": analysis.most(),
        "unusual": unusual,
        "events": _events(shots, tracks, unusual),
    }


def _shots(starts: Sequence[float] | None, duration_s: float) -> list[Shot] | None:
    if starts is None:
        return None
    ends = [*starts[1:], max(duration_s, starts[-1])]
    return [
        Shot(start_s=round(start, 2), end_s=round(end, 2))
        for start, end in zip(starts, ends, strict=True)
    ]


def _events(
    shots: Sequence[Shot] | None, tracks: Sequence[VideoTrack], unusual: Sequence[UnusualMoment]
) -> list[VideoEvent]:
    """All that begins or ends, in the order of time."""
    events = [
        VideoEvent(time_s=shot.start_s, kind="shot", what=f"shot {number}")
        for number, shot in enumerate(shots or (), start=1)
    ]
    for track in tracks:
        what = f"{track.label} #{track.number}"
        events.append(VideoEvent(time_s=track.entry_s, kind="entry", what=what))
        events.append(VideoEvent(time_s=track.exit_s, kind="exit", what=what))
    events += [
        VideoEvent(time_s=moment.start_s, kind="unusual", what=", ".join(moment.reasons))
        for moment in unusual
    ]
    return sorted(events, key=lambda event: event.time_s)


def _scaled(
    box: tuple[float, float, float, float], scale: float
) -> tuple[float, float, float, float]:
    left, top, right, bottom = (round(edge * scale, 1) for edge in box)
    return left, top, right, bottom


def _summary(facts: Mapping[str, Any], unknown: Sequence[str], language: str) -> str:
    entries: dict[str, int] = {}
    for track in facts["tracks"]:
        entries[track.label] = entries.get(track.label, 0) + 1
    return summary(
        duration_s=facts["duration_s"],
        shots=None if facts["shots"] is None else len(facts["shots"]),
        entries=entries,
        most=facts["most"],
        actions=[(a.start_s, a.label, a.score) for a in facts["actions"] or ()],
        unusual=[(m.start_s, m.end_s, m.reasons) for m in facts["unusual"]],
        unknown=unknown,
        language=language,
    )


async def _key_frames(analysis: Analysis, video: Artifact, ctx: RunContext) -> list[KeyFrame]:
    frames = []
    for seen, image in key_looks(analysis):
        drawn = await asyncio.to_thread(draw_marks, image, [mark_of(one) for one in seen.things])
        time_s = seen.look.time_s
        name = derived_name(video, f"{time_s:.1f}s", "jpeg")
        picture = await keep_picture(drawn, name, ctx)
        frames.append(KeyFrame(time_s=round(time_s, 2), picture=picture))
    return frames


def key_looks(analysis: Analysis) -> list[tuple[Seen, Image]]:
    """Unusual moments first, then the middle of each shot, longest first; in the order of time."""
    chosen: dict[float, tuple[Seen, Image]] = {}
    pictured = analysis.pictured()
    ends = [*(analysis.starts or [0.0]), analysis.end_s]
    shots = sorted(pairwise(ends), key=lambda shot: shot[0] - shot[1])
    wanted = [(m.start_s + m.end_s) / 2 for m in sorted(analysis.unusual, key=lambda m: -m.score)]
    wanted += [(start + end) / 2 for start, end in shots]
    for time_s in wanted:
        if pictured and len(chosen) < MOST_KEY_FRAMES:
            nearest = min(pictured, key=lambda one: abs(one[0].look.time_s - time_s))
            chosen[nearest[0].look.time_s] = nearest
    return [chosen[time_s] for time_s in sorted(chosen)]


class _Timeline(BaseModel):
    """What the timeline's file holds."""

    duration_s: float
    looks_per_s: float
    shots: list[Shot] | None
    tracks: list[VideoTrack]
    counts: list[CountsAtTime]
    most: dict[str, int]
    unusual: list[UnusualMoment]
    actions: list[ShotAction] | None
    events: list[VideoEvent]


def timeline_of(facts: Mapping[str, Any]) -> bytes:
    """The timeline's file, JSON."""
    return _Timeline(**facts).model_dump_json(indent=1).encode()


async def _clip(analysis: Analysis, video: Artifact, ctx: RunContext) -> Artifact:
    def frames() -> Iterator[ClipFrame]:
        for frame in clip_frames(analysis):
            ctx.remaining_s()
            yield frame

    content = await asyncio.to_thread(draw_clip, frames(), analysis.end_s)
    return await _keep(content, video, "annotated.mp4", ctx)


def plot_of(analysis: Analysis, duration_s: float) -> bytes:
    """The counts over time as a PNG; blocks."""
    times = [seen.look.time_s for seen in analysis.seen]
    counts = [count_labels(seen.things) for seen in analysis.seen]
    cuts = (analysis.starts or [])[1:]
    return encode(draw_plot(times, counts, analysis.unusual, cuts, duration_s), "png")


async def _keep(content: bytes, video: Artifact, addition: str, ctx: RunContext) -> Artifact:
    """Keep a file made from the video: "walk.mp4" and "counts.png" give "walk-counts.png"."""
    name = f"{PurePosixPath(video.name).stem or 'video'}-{addition}"
    return await asyncio.to_thread(ctx.artifacts.put, content, name=name, origin="tool")
