"""Files over HTTP: links that work without a key, ranges, what is said of them, and their end."""

from __future__ import annotations

import os
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from orchestrator.file_links import FileLinks
from tests.contract.api_fake import FakeService, client_of, fake_service
from tools.artifacts import Provenance

WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(range(200))


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[FakeService]:
    async with fake_service(tmp_path, host="0.0.0.0") as service:
        yield service


@pytest.fixture
async def http(service: FakeService) -> AsyncIterator[httpx.AsyncClient]:
    secret = await service.keys.create("laptop")
    headers = {"authorization": f"Bearer {secret}"}
    async with client_of(service, base_url="http://files.example", headers=headers) as client:
        yield client


@pytest.fixture
async def stranger(service: FakeService) -> AsyncIterator[httpx.AsyncClient]:
    """Has no key."""
    async with client_of(service, base_url="http://files.example") as client:
        yield client


async def link_of(service: FakeService, http: httpx.AsyncClient, data: bytes, name: str) -> str:
    kept = service.artifacts.put(data, name=name, origin="tool")
    about = (await http.get(f"/v1/files/{kept.id}")).json()
    return str(about["url"])


async def test_a_link_serves_the_file_to_who_has_no_key(
    service: FakeService, http: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    url = await link_of(service, http, WAV, "voice.wav")
    assert url.startswith("http://files.example/files/")
    got = await stranger.get(url)
    assert got.status_code == 200
    assert got.content == WAV
    assert got.headers["content-type"] == "audio/x-wav"
    assert got.headers["content-disposition"] == "attachment; filename*=UTF-8''voice.wav"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-security-policy"].startswith("sandbox")
    assert (await stranger.get(url.partition("?")[0])).status_code == 400
    assert (await stranger.get("/v1/files")).status_code == 401


async def test_a_player_gets_the_part_it_asks_for(
    service: FakeService, http: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    url = await link_of(service, http, WAV, "voice.wav")
    part = await stranger.get(url, headers={"range": "bytes=10-19"})
    assert part.status_code == 206
    assert part.content == WAV[10:20]
    assert part.headers["content-range"] == f"bytes 10-19/{len(WAV)}"
    assert (await stranger.get(url, headers={"range": "bytes=-5"})).content == WAV[-5:]
    beyond = await stranger.get(url, headers={"range": "bytes=900-"})
    assert beyond.status_code == 416


async def test_a_link_that_was_changed_is_refused(
    service: FakeService, http: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    url = await link_of(service, http, WAV, "voice.wav")
    other = service.artifacts.put(b"a secret of others", name="secret.txt", origin="user")
    for changed in (
        re.sub(r"[0-9a-f]{64}", other.id, url, count=1),
        re.sub(r"expires=\d+", "expires=99999999999", url),
        re.sub(r"signature=.{4}", "signature=0000", url),
        re.sub(r"signature=.*", "signature=" + "é" * 64, url),
    ):
        assert changed != url
        refused = await stranger.get(changed)
        assert refused.status_code == 403, changed
        assert refused.json()["error"]["code"] == "permission_denied"


async def test_a_link_ends(
    service: FakeService, http: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    url = await link_of(service, http, WAV, "voice.wav")
    service.links = FileLinks(b"key", 3_600, clock=lambda: time.time() + 2 * 3_600 + 1)
    ended = await stranger.get(url)
    assert ended.status_code == 403
    assert "ended" in ended.json()["error"]["message"]


def test_links_made_soon_after_each_other_are_the_same() -> None:
    now = 1_000_000.0
    links = FileLinks(b"key", 600, clock=lambda: now)
    first = links.link("a" * 64)
    expires = int(re.findall(r"expires=(\d+)", first)[0])
    assert now + 600 <= expires <= now + 600 + 3_600
    now += 1
    assert links.link("a" * 64) == first
    assert FileLinks(b"other", 600, clock=lambda: now).link("a" * 64) != first


async def test_a_tools_answer_says_where_its_files_are(
    http: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    sent = {"filename": "a.md", "file_data": "IyBUaXRsZQ=="}
    body: dict[str, Any] = {"arguments": {"document": sent, "unit": "kg"}}
    answer = (await http.post("/v1/tools/weigh_document/invoke", json=body)).json()
    (file,) = answer["artifacts"]
    assert (await stranger.get(file["url"])).content == b"# Title"


async def test_old_files_expire_and_uploads_stay(service: FakeService) -> None:
    old = service.artifacts.put(b"came with a request", name="old.txt", origin="user")
    new = service.artifacts.put(b"came just now", name="new.txt", origin="user")
    uploaded = service.artifacts.put(b"was uploaded", name="mine.txt", origin="user")
    await service.files.add("local", uploaded, "user_data")
    for aged in (old, uploaded):
        facts = next(service.artifacts.path(aged.id).parent.glob(f"{aged.id}.json"))
        os.utime(facts, (time.time() - 100, time.time() - 100))
    assert await service.files.expire(50) == 1
    assert service.artifacts.get(new.id) == new
    assert service.artifacts.get(uploaded.id) == uploaded
    assert not [*service.artifacts.path(new.id).parents[1].glob(f"*/{old.id}*")]
    # Putting it again makes it new.
    os.utime(service.artifacts.path(new.id).with_suffix(".json"), (0, 0))
    service.artifacts.put(b"came just now", name="new.txt", origin="user")
    assert await service.files.expire(50) == 0


async def test_what_made_a_file_is_known(service: FakeService, http: httpx.AsyncClient) -> None:
    made = Provenance(tool="synthesize_speech", step="s3")
    kept = service.artifacts.put(WAV, name="voice.wav", origin="tool", provenance=made)
    about = (await http.get(f"/v1/files/{kept.id}")).json()
    assert about["provenance"] == {"tool": "synthesize_speech", "step": "s3", "url": None}
