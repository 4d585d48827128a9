"""The vision tools, from files to files, on the packaged weights."""

from __future__ import annotations

import dataclasses
import io
import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from model_servers.contracts import DeadlineExceeded, ProfileError
from model_servers.serving import build_pool
from model_servers.store import ModelStore
from orchestrator.settings import Settings
from tests.contract.vision_samples import film, page, panned, photo, photo_file, scan, street
from tools.analyze_video import AnalyzeVideo
from tools.artifacts import Artifact, FileArtifactStore
from tools.classify_image import ClassifyImage, PictureExample
from tools.contracts import RunContext
from tools.describe_image import DescribeImage
from tools.detect_objects import DetectObjects
from tools.errors import InvalidInput, ToolError
from tools.media import Video, VideoFrame, open_video
from tools.pictures import encode
from tools.read_text import ReadText
from tools.segment_image import SegmentImage
from tools.video_analysis import analyze
from tools.video_plot import SIZE

pytestmark = pytest.mark.models


class Bench:
    """Tools with a store of files."""

    def __init__(self, ctx: RunContext) -> None:
        self.ctx = ctx

    def photo(self, name: str) -> Artifact:
        return self.file(photo_file(name).read_bytes(), photo_file(name).name)

    def file(self, data: bytes, name: str) -> Artifact:
        return self.ctx.artifacts.put(data, name=name, origin="user")

    def picture(self, pixels: Any, name: str = "page.png") -> Artifact:
        return self.file(encode(pixels, "png"), name)

    def pixels(self, file: Artifact) -> Any:
        with self.ctx.artifacts.open(file.id) as opened:
            return np.asarray(Image.open(io.BytesIO(opened.read())))

    async def run(self, tool: Any, **args: Any) -> tuple[Any, str]:
        """The tool's data, and what it says in English."""
        result = await tool(tool.Args(**args), self.ctx)
        for file in result.artifacts:
            assert self.ctx.artifacts.get(file.id).origin == "tool"
        return result.data, tool.render(result.data, "en")


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    store = ModelStore(Settings().cache_dir)
    pool = build_pool("embedded", store, memory_budget_mb=3_000, idle_s=600, threads=2)
    files = FileArtifactStore(tmp_path, max_file_bytes=50_000_000, quota_bytes=500_000_000)
    yield Bench(
        RunContext(
            models=pool,
            chat=None,  # type: ignore[arg-type]
            artifacts=files,
            knowledge=None,  # type: ignore[arg-type]
            deadline=time.monotonic() + 300,
        )
    )
    await pool.close()


async def test_a_picture_is_named_or_the_tool_abstains(bench: Bench) -> None:
    data, words = await bench.run(ClassifyImage(), image=bench.photo("cheetah"))
    assert (data.label, data.method) == ("cheetah", "imagenet")
    assert words.startswith("**cheetah** (")
    noise = np.random.default_rng(1).integers(0, 256, (300, 300, 3), np.uint8)
    data, words = await bench.run(ClassifyImage(), image=bench.picture(noise))
    assert data.abstained
    assert "can't tell" in words


async def test_own_labels_are_chosen_by_name_or_by_examples(bench: Bench) -> None:
    lion = bench.photo("lion")
    data, words = await bench.run(
        ClassifyImage(), image=lion, labels=["big cat", "building", "flower"]
    )
    assert (data.label, data.method) == ("big cat", "label names")
    assert "names alone" in words
    mirrored = bench.picture(np.ascontiguousarray(photo("lion")[:, ::-1]), "mirrored.png")
    examples = [
        PictureExample(image=mirrored.id, label="ours"),
        PictureExample(image=bench.photo("palace").id, label="other"),
        PictureExample(image=bench.photo("flower").id, label="other"),
    ]
    data, _ = await bench.run(ClassifyImage(), image=lion, examples=examples)
    assert (data.label, data.method) == ("ours", "example pictures")
    with pytest.raises(InvalidInput, match="no example picture for 'third'"):
        await bench.run(ClassifyImage(), image=lion, examples=examples, labels=["ours", "third"])


async def test_objects_are_counted_drawn_and_what_is_unknown_is_said(bench: Bench) -> None:
    pixels = street()
    sign = bench.picture(pixels, "street.png")
    data, words = await bench.run(DetectObjects(), image=sign)
    assert data.counts == {"stop sign": 1}
    assert words == "There is 1 stop sign in the picture."
    left, top, _, bottom = data.boxes[0].box
    drawn = bench.pixels(data.picture).astype(int)
    assert drawn.shape == pixels.shape
    middle = slice(round(0.6 * top + 0.4 * bottom), round(0.4 * top + 0.6 * bottom))
    assert np.abs(drawn[middle, round(left)] - pixels[middle, round(left)]).mean() > 30
    data, words = await bench.run(
        DetectObjects(), image=sign, question="How many dogs and forklifts are there?"
    )
    assert data.counts == {"dog": 0}
    assert data.unknown == ["forklifts"]
    assert data.picture is None
    assert "“forklifts”" in words


async def test_a_thing_is_cut_out(bench: Bench) -> None:
    sign = bench.picture(street(), "street.png")
    data, words = await bench.run(SegmentImage(), image=sign, target="stop sign")
    (mask,) = data.masks
    assert data.approximate
    assert "approximate" in words
    alpha = bench.pixels(mask.mask)[..., 3]
    assert alpha.shape == (data.height, data.width)
    assert (alpha >= 128).sum() == mask.area
    cutout = bench.pixels(data.cutout)
    assert cutout.shape[2] == 4
    assert (cutout[..., 3] == 0).any()
    assert (cutout[..., 3] == 255).any()
    with pytest.raises(ToolError, match="No dog was found"):
        await bench.run(SegmentImage(), image=sign, target="dog")
    with pytest.raises(ToolError, match="'forklift' can't be cut out"):
        await bench.run(SegmentImage(), image=sign, target="forklift")


async def test_a_page_is_read_column_by_column(bench: Bench) -> None:
    left = [(40, 60 + 70 * n, f"Left line {n}") for n in range(5)]
    right = [(560, 92 + 70 * n, f"Right line {n}") for n in range(5)]
    image = page([*right, *left])
    data, words = await bench.run(ReadText(), image=bench.picture(image))
    wanted = [text for _, _, text in (*left, *right)]
    assert data.text.splitlines() == wanted
    assert words == data.text
    assert [line.text for line in data.lines] == wanted
    assert data.picture is not None


async def test_a_scan_is_read_page_by_page(bench: Bench) -> None:
    pages = [page([(60, 80, f"This is page {n}")]) for n in (1, 2)]
    data, _ = await bench.run(ReadText(), document=bench.file(scan(pages), "scan.pdf"))
    assert data.text == "This is page 1\n\nThis is page 2"
    assert data.pages == 2
    assert [line.page for line in data.lines] == [1, 2]


async def test_nothing_written_and_nothing_given(bench: Bench) -> None:
    blank = bench.picture(np.full((200, 300, 3), 255, np.uint8))
    data, words = await bench.run(ReadText(), image=blank)
    assert data.text == ""
    assert "no text" in words
    with pytest.raises(InvalidInput, match="attach a picture"):
        await bench.run(ReadText())


async def test_a_description_is_assembled_and_says_so(bench: Bench) -> None:
    data, words = await bench.run(
        DescribeImage(), image=bench.photo("lion"), question="What is in this picture?"
    )
    assert data.assembled
    assert data.label == "lion"
    assert "lion" in words
    assert "Assembled" in words
    with pytest.raises(ProfileError, match="SWITCHBOARD_VLM_BASE_URL"):
        await bench.run(DescribeImage(), image=bench.photo("lion"), question="Is it hungry?")


async def test_a_video_has_shots_things_and_an_unusual_moment(bench: Bench) -> None:
    frames = [*panned(street(), 150), *panned(photo("lion"), 150)]
    # A flash of light for a second, fading in and out, so that it is no cut.
    for number in range(200, 235):
        light = 110 * np.sin((number - 200) / 35 * np.pi)
        frames[number] = np.clip(frames[number] + light, 0, 255).astype(np.uint8)
    video = bench.file(film(frames), "clip.mp4")
    told: list[float] = []
    bench.ctx = RunContext(
        models=bench.ctx.models, chat=bench.ctx.chat, artifacts=bench.ctx.artifacts,
        knowledge=bench.ctx.knowledge, deadline=bench.ctx.deadline, progress=told.append,
    )  # fmt: skip
    data, words = await bench.run(AnalyzeVideo(), video=video)
    assert data.shots is not None
    assert [round(shot.start_s) for shot in data.shots] == [0, 6]
    sign = next(track for track in data.tracks if track.label == "stop sign")
    assert sign.entry_s < 1
    assert 5 < sign.exit_s < 6
    assert data.most["stop sign"] == 1
    assert any("brightness" in moment.reasons and 7.5 < moment.start_s < 9.5
               for moment in data.unusual)  # fmt: skip
    assert "2 shots" in words
    assert [event.time_s for event in data.events] == sorted(e.time_s for e in data.events)
    assert len(data.key_frames) >= 2
    with bench.ctx.artifacts.open(data.timeline.id) as opened:
        timeline = json.load(opened)
    assert timeline["duration_s"] == data.duration_s
    assert len(timeline["events"]) == len(data.events)
    assert told == sorted(told)
    assert told[-1] == 1
    assert (data.clip.kind, data.clip.media_type) == ("video", "video/mp4")
    with bench.ctx.artifacts.open(data.clip.id) as opened, open_video(opened.read()) as clip:
        shown = list(clip.frames())
    assert shown[-1].time_s == pytest.approx(12, abs=0.6)
    assert data.plot.kind == "image"
    assert bench.pixels(data.plot).shape[1::-1] == SIZE


class _Live:
    """A file's frames as they would come from a camera: nobody knows for how long."""

    duration_s = None

    def __init__(self, video: Video) -> None:
        self._video = video
        self.over = False

    def frames(
        self, per_second: float | None = None, *, max_side: int | None = None
    ) -> Iterator[VideoFrame]:
        yield from self._video.frames(per_second, max_side=max_side)
        self.over = True


async def test_a_live_stream_tells_on_the_way_what_the_whole_shows(bench: Bench) -> None:
    content = film([*panned(street(), 150), *panned(photo("lion"), 250)])
    told: list[tuple[str, str, bool]] = []
    with open_video(content) as video:
        stream = _Live(video)
        ctx = dataclasses.replace(
            bench.ctx, tell=lambda event: told.append((event.kind, event.what, stream.over))
        )
        live = await analyze(stream, [], ctx)
        whole = await analyze(video, [], bench.ctx)
    assert live.starts == whole.starts
    assert [(t.label, t.times) for t in live.tracks] == [(t.label, t.times) for t in whole.tracks]
    on_the_way = {(kind, what.split(" #")[0]) for kind, what, over in told if not over}
    assert {("shot", "shot 1"), ("shot", "shot 2"), ("entry", "stop sign")} <= on_the_way
    assert ("exit", "stop sign") in on_the_way


async def test_only_what_was_asked_for_is_followed(bench: Bench) -> None:
    video = bench.file(film(panned(street(), 40)), "clip.mp4")
    data, words = await bench.run(
        AnalyzeVideo(), video=video, question="How many dogs and forklifts are in the clip?"
    )
    assert data.tracks == []
    assert data.unknown == ["forklifts"]
    assert "“forklifts”" in words


async def test_a_deadline_ends_the_work(bench: Bench) -> None:
    late = RunContext(
        models=bench.ctx.models, chat=bench.ctx.chat, artifacts=bench.ctx.artifacts,
        knowledge=bench.ctx.knowledge, deadline=time.monotonic() - 1,
    )  # fmt: skip
    video = bench.file(film(panned(photo("lion"), 10)), "clip.mp4")
    tool = AnalyzeVideo()
    with pytest.raises(DeadlineExceeded):
        await tool(tool.Args(video=video), late)


@pytest.mark.parametrize("tool", [ClassifyImage(), DetectObjects(), SegmentImage(), ReadText()])
async def test_a_damaged_picture_is_refused_with_a_useful_word(bench: Bench, tool: Any) -> None:
    whole = photo_file("lion").read_bytes()
    cut = bench.file(whole[: len(whole) // 3], "lion.jpg")
    with pytest.raises(InvalidInput, match=r"lion\.jpg"):
        await bench.run(tool, image=cut)
