"""The vision tools on the gpu profile's classes, with tiny models of random weights."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model_servers.pool import ModelPool
from model_servers.segformer import SegFormer
from model_servers.serving import factories
from model_servers.siglip import PictureAndLabels, SigLip
from model_servers.store import ModelStore
from model_servers.videomae import VideoMae
from orchestrator.settings import Settings
from tests.contract import hub_vision
from tests.contract.hub_vision import ACTIONS, KINDS
from tests.contract.vision_samples import film, panned, street
from tools.analyze_video import AnalyzeVideo
from tools.artifacts import Artifact, FileArtifactStore
from tools.classify_image import ClassifyImage
from tools.contracts import RunContext
from tools.errors import ToolError
from tools.pictures import encode
from tools.segment_image import SegmentImage
from tools.video_actions import MIN_SCORE

pytestmark = pytest.mark.models


@pytest.fixture
async def ctx(tmp_path: Path) -> AsyncIterator[RunContext]:
    made = {}
    for name in ("siglip", "segformer", "videomae"):
        made[name] = tmp_path / name
        getattr(hub_vision, name)(made[name])
    packaged = factories("embedded", ModelStore(Settings().cache_dir), threads=2)
    pool = ModelPool(
        {
            **packaged,
            "image-labels": lambda: SigLip(made["siglip"], device="cpu"),
            "scene": lambda: SegFormer(made["segformer"], device="cpu"),
            "video-actions": lambda: VideoMae(made["videomae"], device="cpu"),
        },
        memory_budget_mb=10_000,
        idle_s=600,
        threads=2,
    )
    yield RunContext(
        models=pool,
        chat=None,  # type: ignore[arg-type]
        artifacts=FileArtifactStore(
            tmp_path / "files", max_file_bytes=50_000_000, quota_bytes=500_000_000
        ),
        knowledge=None,  # type: ignore[arg-type]
        deadline=time.monotonic() + 300,
    )
    await pool.close()


def kept(ctx: RunContext, content: bytes, name: str) -> Artifact:
    return ctx.artifacts.put(content, name=name, origin="user")


async def run(tool: Any, ctx: RunContext, **args: Any) -> Any:
    return (await tool(tool.Args(**args), ctx)).data


async def test_own_labels_are_compared_with_the_picture_itself(ctx: RunContext) -> None:
    image = kept(ctx, encode(street(), "png"), "street.png")
    data = await run(ClassifyImage(), ctx, image=image, labels=["cat", "house"])
    (expected,) = await ctx.models.predict(
        "image-labels", [PictureAndLabels(street(), ("cat", "house"))]
    )
    assert data.method == "pictures and names"
    assert {one.label: one.score for one in data.labels} == pytest.approx(
        dict(zip(("cat", "house"), expected, strict=True)), abs=1e-4
    )


async def test_a_kind_that_has_no_boxes_is_cut_out(ctx: RunContext) -> None:
    image = kept(ctx, encode(street(), "png"), "street.png")
    (scene,) = await ctx.models.predict("scene", [street()])
    kind = KINDS[int(np.bincount(scene.kinds.ravel()).argmax())]
    data = await run(SegmentImage(), ctx, image=image, target=kind)
    (mask,) = data.masks
    assert (mask.label, mask.method) == (kind, "network")
    assert mask.area == (scene.kinds == KINDS.index(kind)).sum()
    assert not data.approximate
    with pytest.raises(ToolError, match="forklift"):
        await run(SegmentImage(), ctx, image=image, target="forklift")


async def test_what_is_done_in_a_video_is_told_by_shot(ctx: RunContext) -> None:
    video = kept(ctx, film(panned(street(), 60)), "clip.mp4")
    tool = AnalyzeVideo()
    data = await run(tool, ctx, video=video)
    (action,) = data.actions
    assert action.label in ACTIONS
    assert action.score >= MIN_SCORE
    assert f"What is being done: {action.label}" in tool.render(data, "en")
