"""Pictures of our own in both vector stores, by features that are simple enough to foresee."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from model_servers.images import Image as Pixels
from tools.errors import InvalidInput, NotFound, ToolError
from tools.knowledge.base import KnowledgeBase
from tools.knowledge.edge import EdgeStore
from tools.knowledge.pictures import SHOWN_SIDE, PictureBase
from tools.knowledge.qdrant import QdrantStore, memory_client
from tools.knowledge.vectors import LOOK_SIZE, PICTURES

RED, ORANGE, BLUE = (230, 20, 20), (230, 130, 20), (20, 20, 230)


class MeanColours:
    """Looks at a picture's mean colour alone, and counts how often."""

    def __init__(self) -> None:
        self.looks = 0

    async def __call__(
        self, images: Sequence[Pixels], *, deadline: float | None
    ) -> NDArray[np.float32]:
        self.looks += len(images)
        rows = np.zeros((len(images), LOOK_SIZE), np.float32)
        rows[:, :3] = [image.mean(axis=(0, 1)) for image in images]
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows


def plain(colour: tuple[int, int, int], size: tuple[int, int] = (64, 48)) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, colour).save(written, "PNG")
    return written.getvalue()


def pixels(colour: tuple[int, int, int]) -> Pixels:
    return np.full((30, 40, 3), colour, np.uint8)


@pytest.fixture
def looks() -> MeanColours:
    return MeanColours()


@pytest.fixture(params=["edge", "qdrant"])
async def pictures(
    request: pytest.FixtureRequest, tmp_path: Path, looks: MeanColours
) -> AsyncIterator[PictureBase]:
    edge = request.param == "edge"
    store = EdgeStore(tmp_path / "v", PICTURES) if edge else QdrantStore(memory_client, PICTURES)
    pictures = PictureBase(store, looks)
    yield pictures
    await pictures.close()


async def test_the_likest_comes_first_with_its_cosine(pictures: PictureBase) -> None:
    for name, colour in (("a/red.png", RED), ("orange.png", ORANGE), ("blue.png", BLUE)):
        await pictures.add(name, plain(colour))
    await pictures.add("other.png", plain(RED), collection="elsewhere")
    found = await pictures.search(pixels(RED), limit=3)
    assert [match.picture.title for match in found] == ["red", "orange", "blue"]
    assert found[0].score == pytest.approx(1, abs=1e-3)
    assert found[2].score == pytest.approx(
        float(np.dot(RED, BLUE) / np.linalg.norm(RED) / np.linalg.norm(BLUE)), abs=1e-3
    )
    assert len(await pictures.search(pixels(RED), limit=1)) == 1
    assert [each.name for each in await pictures.list()] == [
        "a/red.png", "blue.png", "orange.png", "other.png",
    ]  # fmt: skip


async def test_what_is_known_is_left_alone_and_a_new_version_takes_its_place(
    pictures: PictureBase, looks: MeanColours
) -> None:
    first = await pictures.add("mug.png", plain(RED))
    assert await pictures.add("mug.png", plain(RED)) == first
    assert looks.looks == 1
    second = await pictures.add("mug.png", plain(BLUE, (2_000, 1_000)))
    assert (second.id, second.width, second.height) == (first.id, 2_000, 1_000)
    (match,) = await pictures.search(pixels(BLUE))
    assert match.score == pytest.approx(1, abs=1e-3)
    (copy,) = await pictures.shown([second])
    shown = Image.open(io.BytesIO(copy))
    assert shown.size == (SHOWN_SIDE, SHOWN_SIDE // 2)
    assert np.abs(np.asarray(shown).mean(axis=(0, 1)) - BLUE).max() < 3


async def test_what_is_removed_is_not_found(pictures: PictureBase, looks: MeanColours) -> None:
    mug = await pictures.add("mug.png", plain(RED))
    await pictures.add("plate.png", plain(BLUE))
    assert await pictures.remove("mug.png") == mug
    assert [match.picture.name for match in await pictures.search(pixels(RED))] == ["plate.png"]
    with pytest.raises(NotFound, match=r"mug\.png was removed"):
        await pictures.shown([mug])
    with pytest.raises(NotFound, match=r"no picture 'mug\.png'"):
        await pictures.remove(mug.name)
    (plate,) = await pictures.list()
    assert await pictures.remove(plate.id) == plate
    before = looks.looks
    assert await pictures.search(pixels(RED)) == []
    assert looks.looks == before, "nothing is looked at where there is nothing to compare with"


async def test_what_is_no_picture_or_has_no_name_is_refused(pictures: PictureBase) -> None:
    with pytest.raises(InvalidInput, match=r"note\.png .* holds plain text"):
        await pictures.add("note.png", b"hello, I am a text")
    with pytest.raises(InvalidInput, match="A picture's name"):
        await pictures.add("two\nlines.png", plain(RED))
    assert await pictures.list() == []


async def test_a_knowledge_base_of_text_alone_says_so(tmp_path: Path) -> None:
    async def never(texts: Sequence[str], **_: object) -> NDArray[np.float32]:
        raise AssertionError(texts)

    with pytest.raises(ToolError, match="holds text alone"):
        _ = KnowledgeBase(EdgeStore(tmp_path / "v"), never).pictures
