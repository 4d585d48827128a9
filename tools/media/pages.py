"""The pages of a PDF as pictures."""

from __future__ import annotations

import contextlib
import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tools.errors import InvalidInput
from tools.file_types import PDF, detect_file_type
from tools.media.limits import DEFAULT_LIMITS, MediaLimits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PAGE_TIMEOUT_S = 20.0
OPENING_TIMEOUT_S = 10.0


def decode_pages(
    data: bytes,
    limits: MediaLimits = DEFAULT_LIMITS,
    *,
    dpi: float = 200.0,
    name: str = "The document",
    page_timeout_s: float = PAGE_TIMEOUT_S,
) -> Iterator[NDArray[np.uint8]]:
    """The pages of a PDF in their order, each (height, width, 3) RGB; drawn as they are taken.

    They are drawn in a process of their own, so that a hostile or broken file can neither hold up
    nor take down the service.

    Args:
        data: the PDF's bytes.
        limits: pages in all, and pixels of each page's picture.
        dpi: dots an inch; a page that would have more pixels than allowed is drawn smaller.
        name: the file's name, for errors.
        page_timeout_s: for each page.

    Raises:
        InvalidInput: before the first page where it is no PDF, damaged, protected, or has too many
            pages; later where a page can't be drawn, or takes too long.
    """
    import numpy as np

    if detect_file_type(data, name).media_type != PDF:
        raise InvalidInput(f"{name} is no PDF; attach a PDF, or a picture.")
    drawing = (limits.max_page_pixels, limits.max_side, dpi)
    with _worker(data, name, limits.max_pages, *drawing) as process:
        assert process.stdout is not None
        for _ in range(_told(process, name, page_timeout_s)["pages"]):
            facts = _told(process, name, page_timeout_s)
            shape = (facts["height"], facts["width"], 3)
            pixels = process.stdout.read(math.prod(shape))
            if len(pixels) != math.prod(shape):
                raise _broken(name)
            yield np.frombuffer(pixels, dtype=np.uint8).reshape(shape).copy()


def check_pages(data: bytes, max_pages: int, *, name: str = "The document") -> None:
    """Whether a PDF opens and has no more pages than that; nothing is drawn.

    Raises InvalidInput.
    """
    with _worker(data, name, max_pages) as process:
        _told(process, name, OPENING_TIMEOUT_S)


@contextmanager
def _worker(
    data: bytes, name: str, max_pages: int, *drawing: float
) -> Iterator[subprocess.Popen[bytes]]:
    command = [
        sys.executable,
        # Whatever lies in the current folder must not be imported.
        *("-P", "-m", "tools.media.page_worker"),
        *(name, str(max_pages), *map(str, drawing)),
    ]
    with subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHON_DOTENV_DISABLED": "1", "OMP_NUM_THREADS": "1"},
    ) as process:
        try:
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError):  # what it says last tells why
                process.stdin.write(data)
                process.stdin.close()
            yield process
        finally:
            process.kill()


def _told(process: subprocess.Popen[bytes], name: str, timeout_s: float) -> dict[str, Any]:
    """The next line that the worker says. Raises InvalidInput."""
    assert process.stdout is not None
    late = threading.Event()

    def stop() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(timeout_s, stop)
    timer.start()
    try:
        line = process.stdout.readline(4096)
    finally:
        timer.cancel()
    if late.is_set():
        raise InvalidInput(f"{name}, or a page of it, takes longer than {timeout_s:g} s to open.")
    try:
        said: dict[str, Any] = json.loads(line)
    except ValueError:
        raise _broken(name) from None
    if "error" in said:
        raise InvalidInput(said["error"])
    return said


def _broken(name: str) -> InvalidInput:
    return InvalidInput(
        f"{name} can't be drawn: it is damaged, or takes too much memory. Save it again."
    )
