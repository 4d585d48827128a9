"""Questions about a picture, put to a model that sees behind an OpenAI-compatible endpoint."""

from __future__ import annotations

import base64
import io
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model_servers.chat import LiteLLMChat
from model_servers.chat_endpoint import FixedEndpoint
from model_servers.contracts import ModelUnavailable
from tests.fake_openai import error, fake_openai, stream
from tools.artifacts import FileArtifactStore
from tools.contracts import RunContext
from tools.describe_image import DescribeImage, DescribeImageArgs, DescribeImageResult
from tools.picture_chat import MAX_SIDE
from tools.pictures import encode

RED = np.full((300, 2_000, 3), (200, 20, 20), np.uint8)


async def test_a_model_that_sees_gets_the_picture_and_the_question(tmp_path: Path) -> None:
    async with fake_openai() as fake:
        fake.answers = [stream("It looks ", "hungry.")]
        data = await _describe(fake.url, tmp_path, question="Is it hungry?", language="de")
    assert (data.text, data.assembled) == ("It looks hungry.", False)
    assert DescribeImage().render(data, "en") == "It looks hungry."
    system, user = fake.requests[0]["messages"]
    assert "German" in system["content"]
    asked, picture = user["content"]
    assert asked == {"type": "text", "text": "Is it hungry?"}
    head, _, content = picture["image_url"]["url"].partition(",")
    assert head == "data:image/jpeg;base64"
    sent = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))
    assert max(sent.shape) == MAX_SIDE
    assert abs(sent.mean(axis=(0, 1)) - RED[0, 0]).max() < 5


async def test_without_a_question_it_is_described(tmp_path: Path) -> None:
    async with fake_openai() as fake:
        fake.answers = [stream("A red wall.")]
        data = await _describe(fake.url, tmp_path)
    assert data.subject == "A red wall."
    assert "Describe" in fake.requests[0]["messages"][1]["content"][0]["text"]


async def test_a_model_that_fails_is_told_and_nothing_is_assembled_instead(tmp_path: Path) -> None:
    async with fake_openai() as fake:
        fake.answers = [error(503)] * 4
        with pytest.raises(ModelUnavailable):
            await _describe(fake.url, tmp_path)


async def _describe(url: str, folder: Path, **args: str) -> DescribeImageResult:
    files = FileArtifactStore(folder, max_file_bytes=10**7, quota_bytes=10**8)
    ctx = RunContext(
        models=None,  # type: ignore[arg-type]
        chat=None,  # type: ignore[arg-type]
        artifacts=files,
        knowledge=None,  # type: ignore[arg-type]
        vision=LiteLLMChat(FixedEndpoint(url, model="sees")),
        deadline=time.monotonic() + 60,
    )
    image = files.put(encode(RED, "png"), name="red.png", origin="user")
    data = (await DescribeImage()(DescribeImageArgs(image=image, **args), ctx)).data
    assert isinstance(data, DescribeImageResult)
    return data
