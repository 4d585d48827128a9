"""A stream that is watched while it runs: a made file, read from one frame to the next."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator, Sequence
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from model_servers.boxes import Boxes, no_boxes
from model_servers.image_classifier import Glance
from tools.contracts import RunContext, ToolEvent
from tools.media import VideoFrame, open_video
from tools.video_analysis import analyze
from tools.video_looks import MOST_LOOKS

from .small_tools import context

FPS = 12
LENGTH_S = 36
CAME_S, WENT_S, CUT_S, FLASH_S = 4, 8, 12, 20


def film(form: str) -> bytes:
    """A red square comes and goes, then there is a cut, and then a second of light."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=form) as container:
        stream = container.add_stream("libx264", rate=FPS, options={"tune": "zerolatency"})
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for number in range(LENGTH_S * FPS):
            time_s = number / FPS
            level = 60 if time_s < CUT_S else 130
            # It fades in and out, so that it is no cut.
            level += round(110 * max(0.0, np.sin((time_s - FLASH_S) * np.pi / 2))) * (
                FLASH_S <= time_s < FLASH_S + 2
            )
            image = np.full((96, 160, 3), level, np.uint8)
            if CAME_S <= time_s < WENT_S:
                left = 20 + round(8 * (time_s - CAME_S))
                image[30:70, left : left + 40] = (230, 10, 10)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(stream.encode(None))
    return buffer.getvalue()


class Pipe:
    """Bytes that can be read once, and nothing else."""

    def __init__(self, content: bytes) -> None:
        self._left = io.BytesIO(content)

    def read(self, size: int) -> bytes:
        return self._left.read(size)


class Replay:
    """A file as if it were live: `now_s` is the time of the last frame that came."""

    duration_s = None

    def __init__(self, content: bytes) -> None:
        self._pipe = Pipe(content)
        self.now_s = 0.0
        self.over = False

    def frames(
        self, per_second: float | None = None, *, max_side: int | None = None
    ) -> Iterator[VideoFrame]:
        with av.open(self._pipe, "r", format="mpegts") as container:
            for number, frame in enumerate(container.decode(video=0)):
                self.now_s = number / FPS
                yield VideoFrame(self.now_s, frame.to_ndarray(format="rgb24").astype(np.uint8))
        self.over = True


class Eyes:
    """Stands for the networks: red is a person, and a jump in the light is a cut."""

    async def predict(self, name: str, inputs: Sequence[Any], *, deadline: float) -> list[Any]:
        see = {"object-detector": self._things, "image-classifier": self._glance,
               "shot-cuts": self._cuts}[name]  # fmt: skip
        return [see(one) for one in inputs]

    def _things(self, image: NDArray[np.uint8]) -> Boxes:
        rows, columns = np.nonzero((image[..., 0] > 180) & (image[..., 1] < 60))
        if not len(rows):
            return no_boxes()
        edges = [[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]]
        return Boxes(np.array(edges, np.float32), np.ones(1, np.float32), np.zeros(1, np.int64))

    def _glance(self, image: NDArray[np.uint8]) -> Glance:
        return Glance((), np.eye(1, 8, dtype=np.float32)[0])

    def _cuts(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        levels = np.median(frames.reshape(len(frames), -1), axis=1).astype(np.float32)
        return np.append(np.abs(np.diff(levels)) > 50, False).astype(np.float32)


def watching(tell: Any) -> RunContext:
    return dataclasses.replace(context(), models=Eyes(), tell=tell)  # type: ignore[arg-type]


async def test_what_happens_in_a_stream_is_told_while_it_runs() -> None:
    stream = Replay(film("mpegts"))
    told: list[tuple[ToolEvent, float]] = []

    def tell(event: ToolEvent) -> None:
        assert not stream.over
        told.append((event, stream.now_s))

    analysis = await analyze(stream, [], watching(tell))
    assert stream.over
    lines: dict[tuple[str, str], tuple[float, float]] = {
        (event.kind, event.what): (event.time_s, now_s) for event, now_s in told
    }
    expected: dict[tuple[str, str], tuple[float, float]] = {
        ("entry", "person #1"): (CAME_S, 1.0),
        ("count", "1 × person"): (CAME_S + 0.5, 0.5),
        ("exit", "person #1"): (WENT_S - 0.5, 2.5),
        ("count", "nothing"): (WENT_S + 1.5, 0.5),
        ("shot", "shot 1"): (0, 11.0),
        ("shot", "shot 2"): (CUT_S, 11.0),
        ("unusual", "motion, brightness"): (FLASH_S + 0.5, 11.0),
    }  # what: when it is, and how long after that it is told at most
    assert set(lines) == set(expected)
    for what, (time_s, late_s) in expected.items():
        assert lines[what][0] == pytest.approx(time_s, abs=0.6), what
        assert lines[what][1] <= lines[what][0] + late_s, what
    # What is told by pieces is what the whole shows.
    assert analysis.starts == pytest.approx([0, CUT_S], abs=0.1)
    assert [(t.label, t.times[0]) for t in analysis.tracks] == [("person", CAME_S)]
    assert [m.start_s for m in analysis.unusual] == [lines["unusual", "motion, brightness"][0]]


async def test_a_file_tells_who_comes_and_goes_on_the_way_and_its_shots_at_the_end() -> None:
    told: list[tuple[str, float]] = []
    reached = 0.0

    def progress(fraction: float) -> None:
        nonlocal reached
        reached = fraction

    ctx = watching(lambda event: told.append((event.kind, reached)))
    with open_video(film("mp4")) as video:
        analysis = await analyze(video, [], dataclasses.replace(ctx, progress=progress))
    assert [kind for kind, _ in told] == [
        "entry", "count", "exit", "count", "shot", "shot", "unusual"
    ]  # fmt: skip
    assert all(at < 0.4 for _, at in told[:4])
    assert len(analysis.starts or ()) == 2


class Endless:
    """A stream of grey, of twice as many looks as there may be pictures of."""

    duration_s = None

    def frames(
        self, per_second: float | None = None, *, max_side: int | None = None
    ) -> Iterator[VideoFrame]:
        for number in range(4 * MOST_LOOKS):
            yield VideoFrame(number / 4, np.full((9, 16, 3), 90, np.uint8))


async def test_a_long_stream_keeps_every_look_and_few_pictures() -> None:
    analysis = await analyze(Endless(), [], watching(lambda event: None))
    assert len(analysis.seen) == 2 * MOST_LOOKS
    pictured = [seen.look.time_s for seen, _ in analysis.pictured()]
    assert len(pictured) == MOST_LOOKS
    assert set(np.diff(pictured)) == {1.0}
