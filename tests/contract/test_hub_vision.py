"""The gpu profile's vision classes, on tiny models made here with random weights."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from model_servers.catalog import load_catalog
from model_servers.contracts import DeadlineExceeded, ItemError, WeightsError
from model_servers.pool import ItemFailed, ModelPool
from model_servers.rt_detr import RtDetr
from model_servers.segformer import SegFormer
from model_servers.serving import factories, versions
from model_servers.siglip import PictureAndLabels, SigLip
from model_servers.store import ModelStore
from model_servers.videomae import VideoMae
from tests.contract import hub_vision
from tests.contract.hub_vision import ACTIONS, KINDS, picture

LABELS = ("cat", "dog", "house")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {}
    for name in ("rt_detr", "siglip", "segformer", "videomae"):
        made[name] = tmp_path_factory.mktemp(name)
        getattr(hub_vision, name)(made[name])
    return made


@pytest.fixture
async def pool(folders: dict[str, Path]) -> AsyncIterator[ModelPool]:
    pool = ModelPool(
        {
            "object-detector": lambda: RtDetr(folders["rt_detr"], device="cpu"),
            "image-labels": lambda: SigLip(folders["siglip"], device="cpu"),
            "scene": lambda: SegFormer(folders["segformer"], device="cpu"),
            "video-actions": lambda: VideoMae(folders["videomae"], device="cpu"),
        },
        memory_budget_mb=5_000,
        idle_s=600,
        threads=1,
    )
    yield pool
    await pool.close()


def plain(kind: str, folder: Path) -> Any:
    import transformers

    return getattr(transformers, kind).from_pretrained(folder).eval()


def as_input(image: np.ndarray, side: int, mean: float, deviation: float) -> Any:
    """A picture as the networks take it, made by other means than theirs."""
    import torch
    from PIL import Image

    small = np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR))
    values = (small.astype(np.float32) / 255 - mean) / deviation
    return torch.from_numpy(values.transpose(2, 0, 1)[None].copy())


async def test_boxes_are_in_pixels_of_each_picture(
    pool: ModelPool, folders: dict[str, Path]
) -> None:
    import torch

    images = [picture(60, 100), picture(210, 90, 1)]
    found = await pool.predict("object-detector", images)
    model = plain("RTDetrV2ForObjectDetection", folders["rt_detr"])
    for image, boxes in zip(images, found, strict=True):
        height, width = image.shape[:2]
        assert len(boxes.scores) == 20
        assert boxes.edges.shape == (20, 4)
        assert (np.diff(boxes.scores) <= 0).all()
        assert 0 <= boxes.classes.min() <= boxes.classes.max() < 80
        assert (boxes.edges >= 0).all()
        assert (boxes.edges <= [width, height, width, height]).all()
        with torch.no_grad():
            out = model(pixel_values=as_input(image, 64, 0, 1))
        scores = out.logits[0].sigmoid().numpy()
        query, kind = np.unravel_index(scores.argmax(), scores.shape)
        x, y, w, h = out.pred_boxes[0, query].numpy()
        edges = np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2]) * ([width, height] * 2)
        assert boxes.classes[0] == kind
        assert_allclose(boxes.scores[0], scores.max(), atol=2e-3)
        assert_allclose(boxes.edges[0], np.clip(edges, 0, [width, height] * 2), atol=0.5)


async def test_a_detector_of_other_kinds_is_refused(tmp_path: Path) -> None:
    hub_vision.rt_detr(tmp_path, kinds=7)
    with pytest.raises(WeightsError, match="7 kinds"):
        RtDetr(tmp_path, device="cpu").load()


@pytest.mark.parametrize("missing", ["model.safetensors", "preprocessor_config.json"])
async def test_a_folder_that_lacks_a_file_is_told(tmp_path: Path, missing: str) -> None:
    hub_vision.segformer(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(WeightsError, match="pull them again"):
        SegFormer(tmp_path, device="cpu").load()


async def test_labels_share_what_none_of_them_takes(
    pool: ModelPool, folders: dict[str, Path]
) -> None:
    import torch

    image = picture(32, 32)
    items = [PictureAndLabels(image, LABELS), PictureAndLabels(image, ("House", "cat"))]
    shares, fewer = await pool.predict("image-labels", items)
    assert shares.dtype == np.float32
    assert 0 < shares.sum() < 1
    # This is a photo of a cat, dog, house: the tokenizer's words, padded to 16.
    rows = [[2, 3, 4, 5, 6, 8 + place, 7, *[0] * 9] for place in range(3)]
    model = plain("SiglipModel", folders["siglip"])
    with torch.no_grad():
        out = model(input_ids=torch.tensor(rows), pixel_values=as_input(image, 32, 0.5, 0.5))
    logits = out.logits_per_image[0].numpy()
    expected = np.exp(logits) / (1 + np.exp(logits).sum())
    assert_allclose(shares, expected, rtol=1e-3)
    two = np.exp(logits[[2, 0]])
    assert_allclose(fewer, two / (1 + two.sum()), rtol=1e-3)
    assert np.ptp(logits) > 0.01


async def test_without_labels_there_is_nothing_to_compare(pool: ModelPool) -> None:
    with pytest.raises(ItemFailed, match="no label"):
        await pool.predict("image-labels", [PictureAndLabels(picture(9, 9), ())])


async def test_every_point_of_a_picture_has_a_kind(
    pool: ModelPool, folders: dict[str, Path]
) -> None:
    import torch

    images = [picture(64, 64), picture(700, 1300, 1)]
    square, large = await pool.predict("scene", images)
    assert large.kinds.shape == (700, 1300)
    assert (large.kinds.dtype, large.names) == (np.uint16, KINDS)
    model = plain("SegformerForSemanticSegmentation", folders["segformer"])
    mean = np.array([0.485, 0.456, 0.406])
    values = (images[0] / 255 - mean) / np.array([0.229, 0.224, 0.225])
    with torch.no_grad():
        logits = model(
            pixel_values=torch.from_numpy(values.transpose(2, 0, 1)[None]).float()
        ).logits
        logits = torch.nn.functional.interpolate(logits, (64, 64), mode="bilinear")
    expected = logits[0].argmax(0).numpy()
    assert len(np.unique(expected)) > 1
    assert (square.kinds == expected).mean() > 0.99


async def test_actions_come_from_frames_spread_over_the_clip(pool: ModelPool) -> None:
    frames = [picture(40, 60, seed) for seed in range(8)]
    doubled = [frame for frame in frames for _ in range(2)]
    once, twice, still, back = await pool.predict(
        "video-actions", [frames, doubled, frames[:1], frames[::-1]]
    )
    assert len(once) == 5
    assert {name for name, _ in once} <= set(ACTIONS)
    probabilities = [probability for _, probability in once]
    assert probabilities == sorted(probabilities, reverse=True)
    assert 0 < sum(probabilities) <= 1
    assert [name for name, _ in twice] == [name for name, _ in once]
    assert_allclose([p for _, p in twice], probabilities, rtol=1e-4)
    for other in (still, back):
        assert not np.allclose(sorted(dict(other).values()), sorted(probabilities), rtol=1e-3)


@pytest.mark.parametrize(
    ("clip", "match"),
    [
        ([], "no frames"),
        ([picture(8, 8), picture(8, 9)], "several"),
        ([np.zeros((0, 4, 3), np.uint8)], "empty"),
    ],
)
async def test_a_clip_that_is_none_is_told(pool: ModelPool, clip: Any, match: str) -> None:
    good, bad = await pool.predict("video-actions", [[picture(9, 9)], clip], errors="return")
    assert good[0][0] in ACTIONS
    assert isinstance(bad, ItemError)
    assert match in bad.message


@pytest.mark.parametrize("model", ["object-detector", "scene"])
async def test_one_wrong_picture_leaves_the_others(pool: ModelPool, model: str) -> None:
    images = [picture(20, 30), np.zeros((0, 5, 3), np.uint8), picture(20, 30)]
    first, bad, last = await pool.predict(model, images, errors="return")
    assert isinstance(bad, ItemError)
    for one, other in zip(first, last, strict=True):
        assert_array_equal(one, other)
    with pytest.raises(ItemFailed, match="empty"):
        await pool.predict(model, images)


@pytest.mark.parametrize("size", [(1, 1), (3, 300), (300, 3), (2, 2)])
async def test_pictures_of_any_shape_are_looked_at(pool: ModelPool, size: tuple[int, int]) -> None:
    image = np.full((*size, 3), 130, np.uint8)
    (boxes,) = await pool.predict("object-detector", [image])
    assert (boxes.edges <= [size[1], size[0]] * 2).all()
    (scene,) = await pool.predict("scene", [image])
    assert scene.kinds.shape == size
    (shares,) = await pool.predict("image-labels", [PictureAndLabels(image, LABELS)])
    assert np.isfinite(shares).all()
    (actions,) = await pool.predict("video-actions", [[image]])
    assert len(actions) == 5


async def test_who_comes_too_late_is_told_and_models_come_back(pool: ModelPool) -> None:
    before = await pool.predict("object-detector", [picture(20, 30)])
    with pytest.raises(DeadlineExceeded):
        await pool.predict("object-detector", [picture(20, 30)], deadline=0.0)
    after = await pool.predict("object-detector", [picture(20, 30)])
    assert_array_equal(before[0].edges, after[0].edges)


def test_a_server_is_loaded_again_after_it_was_unloaded(folders: dict[str, Path]) -> None:
    server = SegFormer(folders["segformer"], device="cpu")
    server.load()
    (first,) = server.predict([picture(20, 30)])
    server.unload()
    server.load()
    (again,) = server.predict([picture(20, 30)])
    assert isinstance(first, tuple)
    assert isinstance(again, tuple)
    assert_array_equal(first.kinds, again.kinds)


def test_the_gpu_profile_serves_pinned_models_under_the_same_names(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    embedded = factories("embedded", store, threads=1)
    gpu = factories("gpu", store, threads=1)
    assert set(embedded) < set(gpu)
    known = versions("gpu")
    # What may not earn money is served only where someone pulled it.
    optional = {"scene", "video-actions"}
    assert set(known) - set(versions("embedded")) - optional == set(gpu) - set(embedded)
    for name in ("object-detector", "whisper"):
        assert known[name] != versions("embedded")[name]
    catalog = load_catalog()
    for served in ("object-detector", "whisper", "image-labels", "scene", "video-actions"):
        model = catalog.model(known[served].split()[0])
        assert model.snapshot is not None
        assert model.profiles == ("gpu",)
        assert (served in gpu) == model.required
        if model.required:
            with pytest.raises(WeightsError):
                gpu[served]()
