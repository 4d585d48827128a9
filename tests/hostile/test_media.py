"""Media that was made to cost much, and addresses that lead inside: refused for what they are.

What is bounded is the peak of the service's memory, and of its processes', above what it held.
"""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from tests.hostile.documents import scan
from tests.hostile.guarded import Guarded
from tests.hostile.test_costly_requests import CHAT, UPLOAD, ask
from tests.hostile.test_tricks import listening
from tests.media_files import gif_of, long_opus, picture, png_of, sound, tone, video, wav

MAX_SECONDS = 2.0
MAX_GROWTH_MB = 100.0
_TRIES = 3
FORM = {"purpose": "user_data"}


@pytest.fixture(scope="module", autouse=True)
def warm(guarded: Guarded) -> None:
    """Libraries are loaded by the first file of their kind."""
    for name, data in (("a.png", picture()), ("a.wav", wav(tone(0.1))), ("a.mp4", video(frames=2))):
        response, _ = guarded.send("POST", UPLOAD, data=FORM, files={"file": (name, data)})
        assert response.status_code == 200, response.text


def refused(guarded: Guarded, path: str, **request: Any) -> str:
    """The message of the error; the best of three tries counts, for the machine may be busy."""
    costs = []
    for _ in range(_TRIES):
        response, cost = guarded.send("POST", path, **request)
        assert 400 <= response.status_code < 500, response.text
        if cost.seconds < MAX_SECONDS and cost.growth_mb <= MAX_GROWTH_MB:
            error = response.json()["error"]
            assert error["code"] in {"invalid_input", "invalid_request"}
            return str(error["message"])
        costs.append(cost)
    raise AssertionError(costs)


def broken_index() -> bytes:
    data = video(frames=20)
    offsets = data.index(b"stco") + 12
    return data[:offsets] + b"\xff\xff\xff\xff" + data[offsets + 4 :]


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("run.sh", "echo hello")
    return buffer.getvalue()


SVG = (
    b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
    b'<svg xmlns="http://www.w3.org/2000/svg"><text>&x;</text></svg>'
)

FILES: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "a PNG of 50,000 × 50,000": ("a.png", lambda: png_of(50_000, 50_000), "50,000 × 50,000"),
    "a PNG that is cut off": ("a.png", lambda: picture(400, 400)[:200], "cut off"),
    "a JPEG that is cut off": ("a.jpg", lambda: picture(form="JPEG")[:-50], "cut off"),
    "a file without bytes": ("a.png", lambda: b"", "empty"),
    "a picture with a document's name": ("a.pdf", picture, "isn't what its name says"),
    "a picture and an archive in one": ("a.png", lambda: picture() + zipped(), "two files in one"),
    "a drawing that reads files": ("a.svg", lambda: SVG, "SVG"),
    "a drawing without a name": ("a", lambda: SVG, "SVG"),
    "hours of sound in 25 MB": ("a.opus", lambda: long_opus(16, 26), "120 minutes"),
    "a WAV of one hertz": ("a.wav", lambda: wav(tone(2), rate=1), "1 Hz"),
    "a WAV of no length": ("a.wav", lambda: wav(tone(0)), "empty or damaged"),
    "a sound that is cut off": ("a.m4a", lambda: sound("ipod", "aac", 4.0)[:18_000], "cut off"),
    "a sound of which the head is left": ("a.mp3", lambda: sound("mp3", "libmp3lame")[:60], "cut"),
    "a video that is cut off": ("a.mp4", lambda: video()[:900], "cut off"),
    "a video with a broken index": ("a.mp4", broken_index, "no picture that can be decoded"),
    "a video without pictures": ("a.avi", lambda: sound("avi", "pcm_s16le"), "sound alone"),
    "a GIF of 10,000 frames": ("a.gif", lambda: gif_of(10_000), "10,000 frames"),
    "a scanned PDF of 5,000 pages": ("a.pdf", lambda: scan(5_000), "5,000 pages"),
    "a scanned PDF that is cut off": ("a.pdf", lambda: scan(3)[:700], "damaged"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_is_refused(guarded: Guarded, name: str) -> None:
    called, made, word = FILES[name]
    data = made()
    assert word in refused(guarded, UPLOAD, data=FORM, files={"file": (called, data)})
    encoded = base64.b64encode(data).decode()
    if len(encoded) < 20_000_000:
        part = {"type": "file", "file": {"filename": called, "file_data": encoded}}
        assert word in refused(guarded, CHAT, json=ask([part]))


@pytest.mark.parametrize(
    ("declared", "made", "holds"),
    [
        ("image/png", lambda: wav(tone(1)), "an audio file"),
        ("audio/wav", picture, "an image file"),
        ("video/mp4", picture, "an image file"),
        ("image/png", zipped, "an archive"),
    ],
)
def test_a_wrong_media_type_is_refused(
    guarded: Guarded, declared: str, made: Callable[[], bytes], holds: str
) -> None:
    url = f"data:{declared};base64,{base64.b64encode(made()).decode()}"
    kind = declared.split("/", maxsplit=1)[0]
    if kind == "audio":
        part = {"type": "input_audio", "input_audio": {"data": url.split(",")[1], "format": "wav"}}
    elif kind == "image":
        part = {"type": "image_url", "image_url": {"url": url}}
    else:
        part = {"type": "file", "file": {"filename": "a.mp4", "file_data": url}}
    message = refused(guarded, CHAT, json=ask([part]))
    assert "isn't what its name says" in message
    assert holds in message


@pytest.mark.parametrize(
    "url",
    [
        *("file:///etc/passwd", "gopher://{at}/_x", "http://{at}/a.png", "http://127.1:{port}/"),
        *("http://2130706433:{port}/", "http://0x7f000001:{port}/", "http://0177.0.0.1:{port}/"),
        *("http://[::1]:{port}/", "http://[::ffff:127.0.0.1]:{port}/", "http://0:{port}/"),
        *("http://[64:ff9b::127.0.0.1]:{port}/", "http://[2002:7f00:1::]:{port}/"),
        *("http://169.254.169.254/", "http://[fe80::1]/", "http://localhost:{port}/"),
    ],
)
def test_an_address_inside_is_not_connected_to(guarded: Guarded, url: str) -> None:
    with listening() as (here, heard):
        at = here.removeprefix("http://")
        given = url.format(at=at, port=at.rpartition(":")[2])
        for part in (
            {"type": "image_url", "image_url": {"url": given}},
            {"type": "file", "file": {"file_url": given}},
        ):
            message = refused(guarded, CHAT, json=ask([part]))
            assert "public internet" in message or "no web address" in message, message
        assert heard == []
