"""The vision model servers on their packaged weights."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import pytest
from numpy.testing import assert_allclose

from model_servers.coco_labels import COCO_LABELS
from model_servers.contracts import ItemError
from model_servers.image_classifier import DIMENSIONS
from model_servers.images import Image
from model_servers.object_mask import BoxInPicture
from model_servers.pool import ItemFailed, ModelPool
from model_servers.serving import build_pool
from model_servers.store import ModelStore
from orchestrator.settings import Settings
from tests.contract.vision_samples import page, panned, photo, street

pytestmark = pytest.mark.models


@pytest.fixture
async def pool() -> AsyncIterator[ModelPool]:
    store = ModelStore(Settings().cache_dir)
    pool = build_pool("embedded", store, memory_budget_mb=3_000, idle_s=600, threads=2)
    yield pool
    await pool.close()


@pytest.mark.parametrize(
    ("name", "classes"),
    [("cheetah", {"cheetah"}), ("lion", {"lion"}), ("palace", {"palace"}), ("flower", {"daisy"})],
)
async def test_photographs_are_named(pool: ModelPool, name: str, classes: set[str]) -> None:
    (glance,) = await pool.predict("image-classifier", [photo(name)])
    assert glance.classes[0][0] in classes
    assert_allclose(np.linalg.norm(glance.features), 1, rtol=1e-5)
    assert glance.features.shape == (DIMENSIONS,)


async def test_like_pictures_have_like_features(pool: ModelPool) -> None:
    lion = photo("lion")
    cheetah, one, other = await pool.predict(
        "image-classifier", [photo("cheetah"), lion, np.ascontiguousarray(lion[5:-5, ::-1])]
    )
    assert one.features @ other.features > 0.8
    assert one.features @ other.features > one.features @ cheetah.features + 0.2


async def test_an_object_is_found_where_it_is_drawn_and_moves_with_the_picture(
    pool: ModelPool,
) -> None:
    first, second = await pool.predict("object-detector", [street(), street(220, 150)])
    for found in (first, second):
        assert COCO_LABELS[int(found.classes[0])] == "stop sign"
        assert found.scores[0] > 0.8
        assert (np.diff(found.scores) <= 0).all()
    assert_allclose(first.edges[0], [215, 75, 425, 285], atol=12)
    assert_allclose(second.edges[0] - first.edges[0], [-100, -30, -100, -30], atol=6)


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (900, 3), (2, 2)])
async def test_pictures_of_any_shape_are_looked_at(pool: ModelPool, size: tuple[int, int]) -> None:
    image = np.full((*size, 3), 130, np.uint8)
    for model in ("image-classifier", "object-detector", "person-mask", "text-reader"):
        (found,) = await pool.predict(model, [image])
        assert not isinstance(found, ItemError)
    (mask,) = await pool.predict("object-mask", [BoxInPicture(image, (0, 0, size[1], size[0]))])
    assert mask.shape == size


async def test_what_is_no_picture_fails_by_itself(pool: ModelPool) -> None:
    images: list[Image] = [photo("lion"), np.zeros((0, 5, 3), np.uint8)]
    good, bad = await pool.predict("image-classifier", images, errors="return")
    assert good.classes[0][0] == "lion"
    assert isinstance(bad, ItemError)
    with pytest.raises(ItemFailed, match="empty"):
        await pool.predict("object-detector", images)


async def test_a_mask_lies_on_its_picture(pool: ModelPool) -> None:
    flower = photo("flower")  # what stands out is a mask to it, though it is nobody
    mask, mirrored = await pool.predict(
        "person-mask", [flower, np.ascontiguousarray(flower[:, ::-1])]
    )
    assert mask.shape == flower.shape[:2]
    assert mask.dtype == np.float32
    assert 0.05 < (mask > 0.5).mean() < 0.95
    other = mirrored[:, ::-1] > 0.5
    assert ((mask > 0.5) & other).sum() / ((mask > 0.5) | other).sum() > 0.7


async def test_a_thing_of_another_colour_is_parted_from_its_ground(pool: ModelPool) -> None:
    rows, columns = np.mgrid[:240, :320]
    disc = (rows - 120) ** 2 + (columns - 160) ** 2 < 70**2
    image = np.random.default_rng(6).integers(60, 90, (240, 320, 3), np.uint8)
    image[disc] = (200, 40, 40)
    (mask,) = await pool.predict("object-mask", [BoxInPicture(image, (85, 45, 235, 195))])
    assert (mask & disc).sum() / (mask | disc).sum() > 0.95


async def test_written_lines_are_read_exactly(pool: ModelPool) -> None:
    text = ["INVOICE 2026-0417", "Total: 1,249.50 EUR", "Due 14 December"]
    image = page([(40, 60 + 120 * n, line) for n, line in enumerate(text)])
    lines, none = await pool.predict("text-reader", [image, np.full((200, 200, 3), 255, np.uint8)])
    assert sorted(line.text for line in lines) == sorted(text)
    top = next(line for line in lines if line.text == text[0])
    assert 30 < top.corners[0, 0] < 50
    assert 50 < top.corners[0, 1] < 80
    assert none == []


async def test_every_cut_is_found_and_none_where_there_is_none(pool: ModelPool) -> None:
    small = (48, 27)
    parts = [panned(photo(name), 60, small) for name in ("lion", "palace", "flower")]
    frames = np.stack([frame for part in parts for frame in part])
    cuts, calm = await pool.predict("shot-cuts", [frames, frames[:50]])
    assert cuts.shape == (180,)
    assert np.flatnonzero(cuts > 0.5).tolist() == [59, 119]
    assert (calm < 0.5).all()
    with pytest.raises(ItemFailed, match="at least one"):
        await pool.predict("shot-cuts", [np.zeros((0, 27, 48, 3), np.uint8)])
