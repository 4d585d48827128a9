"""Example pictures by the ids of files: one's own are looked at, others' are not there."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import httpx
import numpy as np
import pytest
from PIL import Image

from model_servers.image_classifier import Glance
from orchestrator.service import Service
from tests.faults.small_service import body_of, client_of, small_service
from tools.classify_image import ClassifyImage

UNKNOWN = f"file-{0:032x}"


class Colours:
    """Sees nothing but how red, green and blue a picture is."""

    max_batch: ClassVar = 8

    def load(self) -> None: ...

    def predict(self, batch: Sequence[Any]) -> list[Glance]:
        return [Glance((("thing", 1.0),), self._unit(image.mean(axis=(0, 1)))) for image in batch]

    def unload(self) -> None: ...

    @staticmethod
    def _unit(colour: Any) -> Any:
        return (colour / np.linalg.norm(colour)).astype(np.float32)


def plain(*colour: int) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (32, 32), colour).save(written, "PNG")
    return written.getvalue()


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with small_service(
        tmp_path, tools=[ClassifyImage()], models={"image-classifier": Colours}
    ) as opened:
        yield opened


async def keyed(service: Service, name: str) -> httpx.AsyncClient:
    secret = await service.keys.create(name)
    return client_of(service, headers={"authorization": f"Bearer {secret}"})


async def upload(client: httpx.AsyncClient, data: bytes, name: str) -> str:
    file = {"file": (name, data)}
    sent = await client.post("/v1/files", data={"purpose": "vision"}, files=file)
    return str(sent.json()["id"])


async def test_only_whose_files_they_are_can_give_them_as_examples(service: Service) -> None:
    async with await keyed(service, "a") as owner, await keyed(service, "b") as other:
        red = await upload(owner, plain(200, 10, 10), "red.png")
        blue = await upload(owner, plain(10, 10, 200), "blue.png")
        seen = {client: await upload(client, plain(180, 30, 20), "seen.png")
                for client in (owner, other)}  # fmt: skip

        async def answer(client: httpx.AsyncClient, first: str) -> httpx.Response:
            examples = [{"image": first, "label": "red"}, {"image": blue, "label": "blue"}]
            arguments = {"image": seen[client], "examples": examples}
            return await client.post(
                "/v1/tools/classify_image/invoke", json={"arguments": arguments}
            )

        own = await answer(owner, red)
        assert own.status_code == 200, own.text
        assert own.json()["result"]["label"] == "red"
        hash_of_red = (await service.files.get(red, (await service.keys.list())[0].id)).artifact.id
        assert (await answer(owner, hash_of_red)).json()["result"]["label"] == "red"
        missing = await answer(other, UNKNOWN)
        for named in (red, hash_of_red):
            refused = await answer(other, named)
            assert refused.status_code == 404
            assert refused.json() == missing.json()

        # A plan finds no more than a call does.
        examples = [{"image": red, "label": "red"}, {"image": blue, "label": "blue"}]
        body = body_of(("classify_image", {"image": "input:seen.png", "examples": examples}))
        body["messages"][0]["content"] = [
            {"type": "text", "text": body["messages"][0]["content"]},
            {"type": "file", "file": {"file_id": seen[other]}},
        ]
        told = (await other.post("/v1/chat/completions", json=body)).json()
        (step,) = told["switchboard"]["steps"]
        assert (step["status"], step["error"]["code"]) == ("failed", "not_found")


async def test_an_example_that_is_no_picture_is_refused(service: Service) -> None:
    async with client_of(service) as client:
        note = await upload(client, b"a note", "note.txt")
        red = await upload(client, plain(200, 10, 10), "red.png")
        examples = [{"image": red, "label": "red"}, {"image": note, "label": "blue"}]
        body = {"arguments": {"image": red, "examples": examples}}
        answer = await client.post("/v1/tools/classify_image/invoke", json=body)
        assert answer.status_code == 400
        assert "note.txt is no picture" in answer.json()["error"]["message"]
