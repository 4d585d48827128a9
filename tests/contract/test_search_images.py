"""Which of ours is this? On the packaged weights, by every way in."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image, ImageEnhance
from typer.testing import CliRunner

from orchestrator.cli import app
from orchestrator.server import service_app
from orchestrator.settings import Settings, get_settings
from tests.contract.vision_samples import page, photo, street
from tests.e2e.chat_page import served
from tools.pictures import encode

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures in a folder."""
    folder = tmp_path_factory.mktemp("ours")
    (folder / "signs").mkdir()
    (folder / "signs" / "stop sign.png").write_bytes(encode(street(), "png"))
    (folder / "palace.jpg").write_bytes(encode(photo("palace"), "jpeg"))
    (folder / "flower.jpg").write_bytes(encode(photo("flower"), "jpeg"))
    (folder / "notes.txt").write_text("no picture")
    return folder


def seen_otherwise(name: str) -> bytes:
    """A photograph's middle, darker and smaller."""
    picture = Image.fromarray(photo(name))
    width, height = picture.size
    middle = picture.crop((width // 8, height // 8, width * 7 // 8, height * 7 // 8))
    dark = ImageEnhance.Brightness(middle.resize((width // 2, height // 2))).enhance(0.7)
    return encode(np.asarray(dark, dtype=np.uint8), "jpeg")


def another() -> bytes:
    return encode(page([(60, 80, "Nothing of ours looks like this page")]), "png")


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    with (
        served(service_app(settings, page=False)) as address,
        httpx.Client(base_url=address, timeout=300) as client,
    ):
        yield client


def search(http: httpx.Client, picture: bytes, **arguments: object) -> httpx.Response:
    image = {"filename": "new.jpg", "file_data": base64.b64encode(picture).decode()}
    return http.post(
        "/v1/tools/search_images/invoke", json={"arguments": {"image": image, **arguments}}
    )


def test_over_http_by_the_tool_and_by_a_sentence(http: httpx.Client, ours: Path) -> None:
    refused = search(http, seen_otherwise("flower"))
    assert refused.status_code == 422
    assert "kb add --images" in refused.json()["error"]["message"]
    for file in sorted(ours.rglob("*.*g")):
        added = http.post("/v1/kb/images", files={"file": (file.name, file.read_bytes())})
        assert added.status_code == 200, added.text
    assert len(http.get("/v1/kb/images").json()["data"]) == 3

    call = search(http, seen_otherwise("flower")).json()
    (match,) = call["result"]["matches"]
    assert match["title"] == "flower"
    (artifact,) = call["artifacts"]
    shown = Image.open(io.BytesIO(http.get(artifact["url"]).content))
    assert max(shown.size) == 512
    none = search(http, another()).json()["result"]
    assert (none["matches"], none["text"]) == ([], "None of ours looks like this.")
    assert 0 < none["nearest"] < 0.6
    assert len(search(http, another(), min_score=0).json()["result"]["matches"]) == 3

    url = "data:image/jpeg;base64," + base64.b64encode(seen_otherwise("palace")).decode()
    for request, says in (
        ("Which of our products is this?", "It looks like **palace**"),
        ("Welches unserer Produkte ist das?", "Es sieht aus wie **palace**"),
    ):
        content = [
            {"type": "text", "text": request},
            {"type": "image_url", "image_url": {"url": url}},
        ]
        reply = http.post(
            "/v1/chat/completions",
            json={
                "model": "switchboard",
                "messages": [{"role": "user", "content": content}],
                "switchboard": {"store": False},
            },
        ).json()
        assert says in reply["choices"][0]["message"]["content"]
        (step,) = reply["switchboard"]["steps"]
        assert step["tool"] == "search_images"


def test_on_the_command_line(tmp_path: Path, ours: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_HOME", str(tmp_path / "home"))
    get_settings.cache_clear()
    photo_file = tmp_path / "new.jpg"
    photo_file.write_bytes(seen_otherwise("flower"))

    def run(*args: str) -> str:
        result = CliRunner().invoke(app, list(args), prog_name="switchboard")
        assert result.exit_code == 0, result.output
        return result.stdout

    try:
        assert run("kb", "add", "--images", str(ours)) == "3 added\n"
        assert "signs/stop sign.png" in run("kb", "list", "--images")
        assert "flower" in run("ask", "Which of ours is this?", "--file", str(photo_file))
        run("kb", "remove", "--images", "flower.jpg")
        call = json.loads(run("tools", "run", "search_images", "--file", str(photo_file), "--json"))
        assert call["result"]["matches"] == []
    finally:
        get_settings.cache_clear()
