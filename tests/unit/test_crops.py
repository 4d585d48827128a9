"""Boxes as the next step's picture: what was found is cut out, and looked at by itself."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from orchestrator.executor import InputValue, execute
from orchestrator.looking import found_thing
from orchestrator.plan import Plan, Step
from orchestrator.turn import StepReport
from tools.artifacts import Artifact, FileArtifactStore
from tools.contracts import RunContext, Tool, ToolArgs, ToolData, ToolResult
from tools.crops import crop
from tools.errors import InvalidInput
from tools.pictures import ImageSlot, encode, read_picture
from tools.registry import Registry, load_registry

from .small_tools import context

TOOLS = load_registry()


class Find(Tool):
    name = "find"
    description = "Finds a red and a blue thing."
    examples = ("find it",)
    outputs: ClassVar = {"boxes": "boxes"}

    class Args(ToolArgs):
        image: ImageSlot
        nothing: bool = False

    class Result(ToolData):
        image: Artifact
        boxes: list[dict[str, Any]]

    async def __call__(self, args: Any, ctx: RunContext) -> ToolResult:
        boxes = [
            {"label": "red thing", "score": 0.4, "box": (0, 0, 20, 20)},
            {"label": "blue thing", "score": 0.9, "box": (50, 10, 90, 50)},
        ]
        return ToolResult(self.Result(image=args.image, boxes=[] if args.nothing else boxes))


class Look(Tool):
    name = "look"
    description = "Tells size and mean colour of a picture."
    examples = ("look at it",)
    outputs: ClassVar = {"text": "text"}

    class Args(ToolArgs):
        image: ImageSlot

    class Result(ToolData):
        text: str
        size: tuple[int, int]
        colour: list[float]

    async def __call__(self, args: Any, ctx: RunContext) -> ToolResult:
        image = await read_picture(args.image, ctx)
        height, width = image.shape[:2]
        colour = [float(c) for c in image[10:-10, 10:-10].mean(axis=(0, 1))]
        return ToolResult(self.Result(text="", size=(width, height), colour=colour))


async def looked(folder: Path, **how: Any) -> tuple[StepReport, FileArtifactStore]:
    """The second step of "find it and look at it"."""
    pixels = np.zeros((60, 100, 3), np.uint8)
    pixels[:20, :20, 0] = pixels[10:50, 50:90, 2] = 255
    files = FileArtifactStore(folder, max_file_bytes=10**6, quota_bytes=10**7)
    image = files.put(encode(pixels, "png"), name="things.png", origin="user")
    tools = Registry([Find(), Look()])
    made = Plan(
        steps=(
            Step(id="s1", tool="find", args={"image": "input:things.png", **how}),
            Step(id="s2", tool="look", args={"image": "s1"}),
        )
    ).check(tools, {"things.png": "image"})
    inputs = {"things.png": InputValue(kind="image", artifact=image)}
    ctx = dataclasses.replace(context(), artifacts=files)
    _, report = await execute(made, inputs, tools, ctx)
    return report, files


async def test_the_surest_box_is_cut_out_and_looked_at(tmp_path: Path) -> None:
    report, files = await looked(tmp_path)
    assert report.result is not None
    assert report.result["size"] == [48, 48]
    red, green, blue = report.result["colour"]
    assert blue > 240
    assert red + green < 30
    (cut,) = report.artifacts
    assert (cut.name, cut.origin) == ("things-blue-thing.jpg", "tool")
    with files.open(cut.id) as opened:
        assert Image.open(io.BytesIO(opened.read())).size == (48, 48)


async def test_where_nothing_was_found_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    report, _ = await looked(tmp_path, nothing=True)
    assert report.status == "failed"
    assert report.error is not None
    assert report.error.code == "invalid_input"
    assert "Nothing was found in things.png" in report.error.message


def test_a_crop_ends_where_the_picture_does() -> None:
    image = np.zeros((60, 100, 3), np.uint8)
    assert crop(image, (80, -5, 100, 60)).shape == (60, 22, 3)
    with pytest.raises(InvalidInput, match="too small"):
        crop(image, (10, 10, 13, 40))


@pytest.mark.parametrize(
    ("first", "then", "of_the_thing"),
    [
        ("find the dog", "tell me its breed", True),
        ("Find the bird in this photo", "Which species is it?", True),
        ("Is there a dog?", "what breed is the dog?", True),
        ("Find the car", "what make is it?", True),
        ("Finde den Hund", "sag mir seine Rasse", True),
        ("encuentra el perro", "dime su raza", True),
        ("Trouve le chien", "dis-moi sa race", True),
        ("encontre o cachorro", "qual é a raça", True),
        ("找出图中的狗", "它的品种是什么", True),
        ("How many people are in this picture", "what kind of place is it?", False),
        ("find the dog and the cat", "tell me its breed", False),
        ("What objects can you see", "which animal is it?", False),
    ],
)
def test_a_wish_is_about_the_thing_found_or_about_the_picture(
    first: str, then: str, of_the_thing: bool
) -> None:
    found = [Step(id="s1", tool="detect_objects", args={"image": "input:a.jpg", "question": first})]
    thing = found_thing(TOOLS["classify_image"], then, found, TOOLS)
    assert thing == ("s1" if of_the_thing else None)


def test_other_tools_look_at_the_picture() -> None:
    found = [Step(id="s1", tool="detect_objects", args={"question": "find the dog"})]
    assert found_thing(TOOLS["read_text"], "read its name", found, TOOLS) is None
    assert found_thing(TOOLS["classify_image"], "tell me its breed", [], TOOLS) is None
