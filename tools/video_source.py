"""Where the frames of a video come from: its file, or the address where it is live."""

from __future__ import annotations

import asyncio
import concurrent.futures
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tools.artifacts import Artifact
from tools.contracts import RunContext
from tools.errors import InvalidInput
from tools.media import LiveVideo, Video, open_video
from tools.pictures import read_bytes

WATCHED_SHARE = 0.6
"""Of the time that a request has left, for which a live video is watched: then it is drawn."""
MAX_WATCHED_S = 600.0
MAX_LIVE_BYTES = 512 * 1024 * 1024


@asynccontextmanager
async def video_source(video: Artifact, ctx: RunContext) -> AsyncIterator[Video | LiveVideo]:
    """The video, to be gone through within the block.

    A live one ends by itself, or after a share of the request's time, or a number of bytes; what
    was seen by then is what there is.

    Raises InvalidInput, NotFound, DeadlineExceeded.
    """
    if not video.is_live:
        content = await asyncio.to_thread(read_bytes, video, ctx)
        with open_video(content, name=video.name) as opened:
            yield opened
        return
    url = video.provenance.url if video.provenance else None
    if ctx.web is None or url is None:
        raise InvalidInput("Live video can't be fetched here; attach a recording of it.")
    watched_s = min(MAX_WATCHED_S, WATCHED_SHARE * ctx.remaining_s())
    async with ctx.web.stream(url) as pieces:
        reader = ThreadReader(pieces, until=time.monotonic() + watched_s, most=MAX_LIVE_BYTES)
        try:
            yield LiveVideo(reader, name=video.name)
        finally:
            await reader.stop()


class ThreadReader:
    """Has a thread read what the event loop receives.

    Args:
        pieces: what is received.
        until: when it ends, on the clock of `time.monotonic()`.
        most: how many bytes are read in all.
    """

    def __init__(self, pieces: AsyncIterator[bytes], *, until: float, most: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._pieces = pieces
        self._until = until
        self._left = most
        self._held = b""
        self._over = False
        self._receiving: asyncio.Task[bytes] | None = None

    def read(self, size: int, /) -> bytes:
        """At most so many bytes, as soon as there are any; b"" at the end. Not in the loop."""
        while not self._held and not self._over:
            coming = asyncio.run_coroutine_threadsafe(self._next(), self._loop)
            try:
                self._held = coming.result()
            except concurrent.futures.CancelledError:
                self._over = True
            self._over = self._over or not self._held
        given, self._held = self._held[:size], self._held[size:]
        return given

    async def stop(self) -> None:
        """End it, for a thread that waits, too."""
        self._left = 0
        if self._receiving is not None:
            self._receiving.cancel()
            await asyncio.wait((self._receiving,))

    async def _next(self) -> bytes:
        """The next piece; b"" where there is none any more, or no more is to be read."""
        left_s = self._until - time.monotonic()
        if left_s <= 0 or self._left <= 0:
            return b""
        self._receiving = asyncio.ensure_future(self._received())
        try:
            async with asyncio.timeout(left_s):
                piece = await self._receiving
        except TimeoutError:
            return b""
        finally:
            self._receiving = None
        self._left -= len(piece)
        return piece

    async def _received(self) -> bytes:
        return await anext(self._pieces, b"")
