"""Pictures, sound and files in a message: as data URLs, by id, and from the web."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.api_fake import FakeService, client_of, fake_service
from tests.media_files import picture, png_of, sound, tone, video, wav
from tests.unit.test_web import LOOPBACK, answer, resolver, site
from tools.artifacts import Artifact
from tools.web import WebFetcher

CHAT = "/v1/chat/completions"


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[FakeService]:
    async with fake_service(tmp_path) as service:
        yield service


@pytest.fixture
async def http(service: FakeService) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(service) as client:
        yield client


def data_url(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def ask(*parts: dict[str, Any]) -> dict[str, Any]:
    content = [{"type": "text", "text": "Look at this"}, *parts]
    return {"model": "switchboard", "messages": [{"role": "user", "content": content}]}


def image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def audio(data: str, form: str = "wav") -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": {"data": data, "format": form}}


def file(**given: Any) -> dict[str, Any]:
    return {"type": "file", "file": given}


async def attached(
    http: httpx.AsyncClient, service: FakeService, *parts: dict[str, Any]
) -> tuple[Artifact, ...]:
    response = await http.post(CHAT, json=ask(*parts))
    assert response.status_code == 200, response.text
    return service.turns[-1].attachments


async def refused(http: httpx.AsyncClient, part: dict[str, Any]) -> dict[str, Any]:
    response = await http.post(CHAT, json=ask(part))
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert error["param"].startswith("messages[0].content[1].")
    return dict(error)


async def test_each_part_becomes_an_attachment_of_its_kind(
    http: httpx.AsyncClient, service: FakeService
) -> None:
    voice = base64.b64encode(wav(tone(0.2))).decode()
    clip = data_url(video("webm", "libvpx", frames=5), "video/webm")
    found = await attached(
        http,
        service,
        image(data_url(picture(), "image/png")),
        audio(voice),
        audio(data_url(sound("mp3", "libmp3lame", 0.2), "audio/mpeg"), "mp3"),
        file(filename="clip.webm", file_data=clip),
    )
    assert [(each.kind, each.name, each.media_type, each.origin) for each in found] == [
        ("image", "image.png", "image/png", "user"),
        ("audio", "audio.wav", "audio/x-wav", "user"),
        ("audio", "audio.mp3", "audio/mpeg", "user"),
        ("video", "clip.webm", "video/webm", "user"),
    ]
    with service.artifacts.open(found[0].id) as kept:
        assert kept.read() == picture()


async def test_a_picture_of_another_format_than_it_is_said_to_be_is_taken_for_what_it_is(
    http: httpx.AsyncClient, service: FakeService
) -> None:
    (found,) = await attached(http, service, image(data_url(picture(), "image/jpeg")))
    assert found.media_type == "image/png"


async def test_a_stored_file_is_named_by_its_id(
    http: httpx.AsyncClient, service: FakeService
) -> None:
    form = {"purpose": "vision"}
    sent = await http.post("/v1/files", data=form, files={"file": ("cat.png", picture())})
    uploaded = sent.json()["id"]
    found = await attached(http, service, image(uploaded), file(file_id=uploaded))
    assert [each.name for each in found] == ["cat.png", "cat.png"]


async def test_a_file_is_fetched_from_the_web(
    http: httpx.AsyncClient, service: FakeService
) -> None:
    service.web = WebFetcher(allowed=LOOPBACK, resolver=resolver("127.0.0.1"))
    pages = {"/cats/tom.png?token=t": answer(body=picture()), "/": answer(body=picture())}
    async with site(pages) as served:
        at = f"http://photos.example:{served.port}"
        found = await attached(
            http,
            service,
            image(f"{at}/cats/tom.png?token=t"),
            file(file_url=f"{at}/", filename="cat.png"),
        )
    assert [(each.name, each.kind, each.origin) for each in found] == [
        ("tom.png", "image", "web"),
        ("cat.png", "image", "web"),
    ]
    assert found[0].provenance is not None
    assert found[0].provenance.url == f"{at}/cats/tom.png"


async def test_a_name_that_turns_private_is_not_connected_to(
    http: httpx.AsyncClient, service: FakeService
) -> None:
    async with site({"/a.png": answer(body=picture())}) as served:
        at = f"http://turning.example:{served.port}/a.png"

        async def resolved(host: str, port: int) -> list[Any]:
            return [ipaddress.ip_address("127.0.0.1")]

        service.web = WebFetcher(resolver=resolved)
        error = await refused(http, image(at))
    assert "public internet" in error["message"]
    assert error["param"] == "messages[0].content[1].image_url.url"
    assert served.connections == 0


@pytest.mark.parametrize(
    ("part", "word"),
    [
        (image("file:///etc/passwd"), "no web address"),
        (image("gopher://127.0.0.1/"), "no web address"),
        (image("http://2130706433/"), "public internet"),
        (file(file_url="http://[64:ff9b::7f00:1]/"), "public internet"),
        (image(data_url(png_of(50_000, 50_000), "image/png")), "50,000 × 50,000"),
        (image(data_url(picture()[:100], "image/png")), "cut off"),
        (image("data:image/png;base64,"), "empty"),
        (image(data_url(b"%PDF-1.7 hello", "image/png")), "holds a PDF"),
        (image(data_url(b"<svg/>", "image/svg+xml")), "SVG"),
        (file(file_data=data_url(picture(), "application/pdf")), "isn't what its name says"),
        (audio(base64.b64encode(wav(tone(0.1), rate=1)).decode()), "sample rate of 1 Hz"),
        (audio(base64.b64encode(picture()).decode()), "isn't what its name says"),
        (file(file_data=data_url(video()[:900], "video/mp4")), "cut off"),
        (file(file_data="aGk=", file_url="https://x.example/"), "send one of"),
        (file(filename="a.txt"), "send one of"),
    ],
)
async def test_a_bad_part_is_refused(
    http: httpx.AsyncClient, service: FakeService, part: dict[str, Any], word: str
) -> None:
    error = await refused(http, part)
    assert word in error["message"]
    assert not service.turns


async def test_a_part_brings_what_its_type_says(http: httpx.AsyncClient) -> None:
    sent = await http.post(
        "/v1/files", data={"purpose": "vision"}, files={"file": ("a.txt", b"words")}
    )
    error = await refused(http, image(sent.json()["id"]))
    assert "of kind document, and image is taken" in error["message"]


async def test_a_bad_upload_is_refused(http: httpx.AsyncClient) -> None:
    form = {"purpose": "vision"}
    for name, data in (("a.png", picture()[:100]), ("a.wav", wav(tone(0.1), rate=1)), ("a", b"")):
        response = await http.post("/v1/files", data=form, files={"file": (name, data)})
        assert response.status_code == 400, name
        assert response.json()["error"]["code"] == "invalid_input"


async def test_a_live_video_is_attached_by_its_address(
    service: FakeService, http: httpx.AsyncClient
) -> None:
    service.web = WebFetcher(resolver=resolver("93.184.216.34"))
    url = "http://cameras.example/yard.ts?key=1"
    (found,) = await attached(http, service, file(file_url=url, live=True))
    assert (found.kind, found.name, found.is_live) == ("video", "yard.ts", True)
    assert found.provenance is not None
    assert found.provenance.url == url
    assert "url" not in service.links.added(found, "http://files.example")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"file_url": "rtsp://cameras.example/yard"}, "rtsp:// is no web address"),
        ({"file_url": "http://127.0.0.1/yard.ts"}, "public internet"),
        ({"file_url": "http://inside.example/yard.ts"}, "public internet"),
        ({"file_data": "aGVsbG8="}, "only what is at a file_url"),
    ],
)
async def test_a_live_video_from_elsewhere_is_refused(
    service: FakeService, http: httpx.AsyncClient, given: dict[str, str], message: str
) -> None:
    service.web = WebFetcher(resolver=resolver("127.0.0.1"))
    response = await http.post(CHAT, json=ask(file(**given, live=True)))
    assert response.status_code == 400
    assert message in response.json()["error"]["message"]
    assert service.turns == []
