"""Live video from an address: watched while it is sent, by the guarded client."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import ipaddress
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import av
import numpy as np
import pytest
from PIL import Image

from tests.unit.test_video_live import CAME_S, LENGTH_S, Pipe, film, watching
from tools.artifacts import LIVE, live_video, refuse_live
from tools.contracts import ToolEvent
from tools.errors import InvalidInput
from tools.media import LiveVideo
from tools.video_analysis import analyze
from tools.video_source import ThreadReader, video_source
from tools.web import WebFetcher

LOOPBACK = (ipaddress.ip_network("127.0.0.1/32"),)


def coded(form: str, codec: str, **options: str) -> bytes:
    """Two seconds of grey that gets lighter, of ten frames a second."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=form, options=options) as container:
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(20):
            image = np.full((48, 64, 3), 40 + 5 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def motion_jpeg(*, parts: bool) -> bytes:
    """The same as pictures one after the other, in parts of their own as cameras send them."""
    sent = b""
    for number in range(20):
        written = io.BytesIO()
        Image.new("RGB", (64, 48), (40 + 5 * number,) * 3).save(written, "JPEG")
        head = b"--next\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
        picture = written.getvalue()
        sent += head % len(picture) + picture + b"\r\n" if parts else picture
    return sent


@pytest.mark.parametrize(
    "content",
    [
        coded("mpegts", "libx264"),
        coded("mpegts", "libx264")[100:],
        coded("mp4", "libx264", movflags="frag_keyframe+empty_moov"),
        coded("webm", "libvpx"),
        motion_jpeg(parts=True),
        motion_jpeg(parts=False),
    ],
    ids=["MPEG-TS", "MPEG-TS from within a packet", "fragmented MP4", "WebM", "camera", "JPEGs"],
)
def test_what_can_be_sent_live_is_read_as_it_comes(content: bytes) -> None:
    video = LiveVideo(Pipe(content))
    frames = list(video.frames())
    assert video.duration_s is None
    assert video.width == 64
    assert len(frames) >= 18
    times = [frame.time_s for frame in frames]
    assert times[0] == 0.0
    assert times == sorted(times)
    levels = [int(frame.image[20, 20, 0]) for frame in frames]
    assert levels[-1] > levels[0] + 70


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "sent nothing"),
        (b"#EXTM3U\n#EXT-X-VERSION:3\n", "playlist"),
        (b"<html>busy</html>", "sends no video"),
        (coded("mpegts", "libx264")[:700], "no picture|damaged"),
    ],
)
def test_what_is_no_live_video_is_told(content: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        list(LiveVideo(Pipe(content), name="camera").frames())


class Camera:
    """Sends a part of a film, and the rest when it may."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.go_on = asyncio.Event()
        self.finished = False
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            half = len(self._content) // 2
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\n")
            writer.write(self._content[:half])
            await writer.drain()
            await self.go_on.wait()
            self.finished = True
            writer.write(self._content[half:])
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def camera(content: bytes) -> AsyncIterator[Camera]:
    made = Camera(content)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made
        made.go_on.set()


async def test_what_happens_is_told_while_the_address_still_sends() -> None:
    loop = asyncio.get_running_loop()
    told: list[tuple[str, bool]] = []
    async with camera(film("mpegts")) as sending:

        def tell(event: ToolEvent) -> None:
            told.append((event.what, sending.finished))
            loop.call_soon_threadsafe(sending.go_on.set)

        ctx = dataclasses.replace(watching(tell), web=WebFetcher(allowed=LOOPBACK))
        artifact = live_video(f"http://127.0.0.1:{sending.port}/live", "yard")
        async with video_source(artifact, ctx) as video:
            analysis = await analyze(video, [], ctx)
        assert sending.finished
    assert told[0] == ("person #1", False)
    assert analysis.end_s == pytest.approx(LENGTH_S, abs=0.5)
    assert [(track.label, track.times[0]) for track in analysis.tracks] == [("person", CAME_S)]


async def test_a_stream_without_an_end_is_read_for_its_time() -> None:
    async def never() -> AsyncIterator[bytes]:
        yield b"first"
        await asyncio.Event().wait()

    reader = ThreadReader(never(), until=time.monotonic() + 0.2, most=1_000)
    pieces = [await asyncio.to_thread(reader.read, 30) for _ in range(3)]
    assert b"".join(pieces) in (b"first", b"")
    await reader.stop()


async def test_who_stops_watching_leaves_nothing_behind() -> None:
    waits = asyncio.Event()

    async def never() -> AsyncIterator[bytes]:
        yield b"first"
        waits.set()
        await asyncio.Event().wait()

    reader = ThreadReader(never(), until=time.monotonic() + 60, most=1_000)
    assert await asyncio.to_thread(reader.read, 3) == b"fir"
    assert await asyncio.to_thread(reader.read, 30) == b"st"
    waiting = asyncio.create_task(asyncio.to_thread(reader.read, 30))
    await waits.wait()
    await reader.stop()
    assert await waiting == b""
    assert await asyncio.to_thread(reader.read, 30) == b""


async def test_no_more_is_read_than_is_allowed() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 10

    reader = ThreadReader(endless(), until=time.monotonic() + 60, most=25)
    pieces = [await asyncio.to_thread(reader.read, 100) for _ in range(5)]
    assert b"".join(pieces) == b"x" * 30


async def test_a_private_address_is_not_connected_to() -> None:
    async with camera(b"") as sending:
        ctx = dataclasses.replace(watching(lambda event: None), web=WebFetcher())
        artifact = live_video(f"http://127.0.0.1:{sending.port}/live", "yard")
        with pytest.raises(InvalidInput, match="public internet"):
            async with video_source(artifact, ctx):
                pass


def test_a_live_video_has_an_address_and_no_bytes() -> None:
    artifact = live_video("http://camera.example/live?key=1", "yard/live")
    assert (artifact.kind, artifact.media_type, artifact.size) == ("video", LIVE, 0)
    assert artifact.name == "live"
    with pytest.raises(InvalidInput, match="only be watched"):
        refuse_live(artifact)
