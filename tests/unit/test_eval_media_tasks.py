"""The tasks that see and hear: the files they give to tools, and what they make of the answers."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import JsonValue

from evals.datasets import DatasetError, printed_pages
from evals.metrics import MaskOverlap
from evals.task import Prediction, Sample
from evals.task_list import load_task
from evals.tasks import _examples, _files, _masks, _printed
from evals.watched import NoWay, WatchedWay

PHOTO = b"a photo"


class FakeWay:
    """Answers each tool with what it is given, keeps what it was asked, and has files."""

    def __init__(self, **data: Mapping[str, Any]) -> None:
        self.data = data
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.uploaded: list[str] = []
        self.files: dict[str, bytes] = {}

    async def ask(
        self,
        request: str,
        *,
        files: Sequence[tuple[str, bytes]] = (),
        plan_only: bool = False,
        attachments: Sequence[Mapping[str, str]] = (),
    ) -> dict[str, Any]:
        raise AssertionError("these tasks ask tools")

    async def invoke(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append((tool, dict(arguments)))
        return {"data": self.data[tool], "artifacts": [], "usage": {}, "seconds": 0.1}

    async def upload(
        self, path: str, files: Sequence[tuple[str, bytes]], fields: Mapping[str, str]
    ) -> Any:
        assert path == "/v1/files"
        assert fields == {"purpose": "user_data"}
        await asyncio.sleep(0)
        self.uploaded += [name for name, _ in files]
        return {}

    async def download(self, file_id: str) -> bytes:
        return self.files[file_id]


class ToolsAlone:
    """A way in that neither takes files nor gives any."""

    ask = FakeWay.ask
    invoke = FakeWay.invoke


def solved(task: str, one: Sample, way: FakeWay) -> Prediction:
    found = asyncio.run(load_task(task).solve(one, WatchedWay(way)))
    assert isinstance(found, Prediction)
    return found


def sample(inputs: Mapping[str, JsonValue], right: JsonValue = None, **groups: str) -> Sample:
    return Sample(id="1", inputs=dict(inputs), gold=right, groups=groups)


def file_of(argument: Mapping[str, str]) -> tuple[str, bytes]:
    return argument["filename"], base64.b64decode(argument["file_data"].partition(",")[2])


@pytest.fixture
def photo(tmp_path: Path) -> str:
    path = tmp_path / "photo.jpg"
    path.write_bytes(PHOTO)
    return str(path)


def picture(path: Path, size: tuple[int, int] = (20, 10)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size).save(path)


def test_boxes_are_asked_for_down_to_the_least_score(photo: str) -> None:
    boxes = [{"label": "cat", "score": 0.06, "box": [1, 2, 3, 4]}]
    way = FakeWay(detect_objects={"boxes": boxes})
    assert solved("detection", sample({"image": photo}), way).value == boxes
    ((tool, given),) = way.asked
    assert (tool, given["min_score"]) == ("detect_objects", 0.05)
    assert file_of(given["image"]) == ("photo.jpg", PHOTO)


@pytest.mark.parametrize("form", ["yolo", "coco"])
def test_boxes_are_read_in_either_form(tmp_path: Path, form: str) -> None:
    picture(tmp_path / "images/a.png")
    if form == "yolo":
        (tmp_path / "labels").mkdir()
        (tmp_path / "labels/a.txt").write_text("0 0.5 0.5 0.5 0.5\n1 0.5 0.5 0.2 0.2\n")
        (tmp_path / "data.yaml").write_text("names: [cat, forklift]\n")
    else:
        boxes = [
            {"image_id": 1, "category_id": 1, "bbox": [5, 2.5, 10, 5]},
            {"image_id": 1, "category_id": 2, "bbox": [8, 4, 4, 2]},
        ]
        content = {
            "images": [{"id": 1, "file_name": "a.png", "width": 20, "height": 10}],
            "annotations": boxes,
            "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "forklift"}],
        }
        (tmp_path / "instances.json").write_text(json.dumps(content))
    task = load_task("detection")
    (one,) = task.load(tmp_path, 0).samples
    assert isinstance(one.gold, list)
    assert one.gold[0] == {"label": "cat", "box": [5, 2.5, 15, 7.5], "crowd": False}
    assert task.unmatchable is not None
    assert task.unmatchable(one) == "'forklift' is none of the 80 kinds"


@pytest.mark.parametrize(
    ("groups", "told"),
    [({"speaker": "ann"}, None), ({"locale": "pt-BR"}, "pt"), ({"language": "English"}, None)],
)
def test_the_language_is_told_where_the_data_tells_it(
    photo: str, groups: dict[str, str], told: str | None
) -> None:
    way = FakeWay(transcribe_audio={"text": "Seven.", "language": "en"})
    found = solved("speech_recognition", sample({"audio": photo}, "seven", **groups), way)
    assert found.value == {"text": "Seven."}
    assert way.asked[0][1].get("spoken_language") == told
    assert "hints" not in way.asked[0][1]


def test_all_words_of_the_data_are_hinted(tmp_path: Path) -> None:
    rows = [{"file": f"{digit}.wav", "digit": digit} for digit in (7, 2, 7)]
    for i, row in enumerate(rows):
        row["file"] = f"{i}.wav"
        (tmp_path / f"{i}.wav").write_bytes(b"sound")
    (tmp_path / "all.jsonl").write_text("\n".join(map(json.dumps, rows)))
    task = load_task("speech_recognition_hints")
    samples = task.load(tmp_path, 0).samples
    assert [one.gold for one in samples] == ["seven", "two", "seven"]
    way = FakeWay(transcribe_audio={"text": "2", "language": "en"})
    found = solved(task.name, samples[1], way)
    ((_, given),) = way.asked
    assert (given["hints"], given["spoken_language"]) == (["seven", "two"], "en")
    figures = [metric([samples[1].gold], [found.value]) for metric in task.metrics]
    assert figures == [{"wer": 0.0, "cer": 0.0}, {"exact": 1.0}]


def test_a_whole_language_can_not_be_hinted(tmp_path: Path) -> None:
    words = " ".join(f"word{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(51))
    (tmp_path / "a.wav").write_bytes(b"sound")
    (tmp_path / "all.jsonl").write_text(json.dumps({"file": "a.wav", "text": words}))
    with pytest.raises(DatasetError, match="51 different words"):
        load_task("speech_recognition_hints").load(tmp_path, 0)


def test_what_was_said_is_what_is_listened_to() -> None:
    way = FakeWay(
        synthesize_speech={"audio": {"id": "ab12"}},
        transcribe_audio={"text": "The door.", "language": "en"},
    )
    found = solved("speech_round_trip", sample({"text": "The door."}, language="en"), way)
    assert found.value == {"text": "The door."}
    (said, heard) = way.asked
    spoken = {"text": "The door.", "format": "wav", "language": "en"}
    assert said == ("synthesize_speech", spoken)
    assert heard == ("transcribe_audio", {"audio": "ab12"})


def test_forty_sentences_are_packaged() -> None:
    task = load_task("speech_round_trip")
    assert task.default_data is not None
    dataset = task.load(task.default_data, 0)
    assert (len(dataset.samples), dataset.bad_rows) == (40, ())
    assert {one.groups["language"] for one in dataset.samples} == {"en"}
    assert not any(char.isdigit() for one in dataset.samples for char in str(one.gold))


def test_writing_is_judged_to_the_letter(photo: str) -> None:
    way = FakeWay(read_text={"text": "Exit  A\nopen"})
    found = solved("ocr", sample({"image": photo}, "EXIT A open"), way)
    assert file_of(way.asked[0][1]["image"]) == ("photo.jpg", PHOTO)
    rates, exact = (metric(["EXIT A open"], [found.value]) for metric in load_task("ocr").metrics)
    assert rates == {"wer": pytest.approx(1 / 3), "cer": pytest.approx(3 / 11)}
    assert exact == {"exact": 0.0}


def shelves(folder: Path, places: Sequence[str]) -> None:
    for place in places:
        file = folder / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(place.encode())


def test_examples_are_no_judged_pictures_and_are_sent_once(tmp_path: Path) -> None:
    shelves(tmp_path, [f"{label}/{i}.jpg" for label in ("mug", "cup") for i in range(8)])
    task = load_task("image_classification")
    samples = task.load(tmp_path, 3).samples
    assert [one.gold for one in samples] == ["cup"] * 3 + ["mug"] * 3
    labels = [{"label": "cup", "score": 0.4}, {"label": "mug", "score": 0.3}]
    way = FakeWay(classify_image={"labels": labels, "label": None})

    async def run() -> list[Prediction]:
        return await asyncio.gather(*(task.solve(one, WatchedWay(way)) for one in samples))

    assert asyncio.run(run())[0].value == {"label": "cup", "score": 0.4}
    assert len(way.uploaded) == 10
    examples = way.asked[0][1]["examples"]
    assert [example["label"] for example in examples] == ["cup"] * 5 + ["mug"] * 5
    judged = {hashlib.sha256(one.id.encode()).hexdigest() for one in samples}
    assert not judged & {example["image"] for example in examples}
    assert task.unmatchable is not None
    assert task.unmatchable(samples[0]) is None
    assert task.unmatchable(samples[0].model_copy(update={"gold": "jug"})) is not None


def test_examples_come_from_the_train_split(tmp_path: Path) -> None:
    shelves(tmp_path, ["train/mug/1.jpg", "train/cup/1.jpg", "test/mug/1.jpg", "other/x/1.jpg"])
    dataset = load_task("image_classification").load(tmp_path, 0)
    (one,) = dataset.samples
    assert (one.id, one.gold) == ("test/mug/1.jpg", "mug")
    assert [bad.file for bad in dataset.bad_rows] == ["other/x/1.jpg"]
    way = FakeWay()
    examples = asyncio.run(_examples.examples_for(one, way))
    ids = [hashlib.sha256(f"train/{x}/1.jpg".encode()).hexdigest() for x in ("cup", "mug")]
    assert [example["image"] for example in examples] == ids


@pytest.mark.parametrize(
    ("places", "said"), [(["mug/1.jpg"], "has 1 labels"), (["a/1.png", "b/1.png"], "no picture")]
)
def test_too_few_pictures_are_said(tmp_path: Path, places: list[str], said: str) -> None:
    shelves(tmp_path, places)
    with pytest.raises(DatasetError, match=said):
        load_task("image_classification").load(tmp_path, 0)


def alpha(box: tuple[int, int, int, int]) -> bytes:
    """A mask as the tool makes it, 20 × 10: white, transparent outside the box."""
    pixels = np.full((10, 20, 4), 255, np.uint8)
    pixels[..., 3] = 0
    left, top, right, bottom = box
    pixels[top:bottom, left:right, 3] = 255
    kept = io.BytesIO()
    Image.fromarray(pixels).save(kept, "PNG")
    return kept.getvalue()


def test_people_are_one_mask(photo: str) -> None:
    way = FakeWay(segment_image={"masks": [{"mask": {"id": "a"}}, {"mask": {"id": "b"}}]})
    way.files = {"a": alpha((0, 0, 10, 10)), "b": alpha((5, 0, 15, 5))}
    found = solved("segmentation", sample({"image": photo}), way)
    assert way.asked[0][1]["target"] == "person"
    right: JsonValue = {"size": [10, 20], "polygons": [[0, 0, 10, 0, 10, 10, 0, 10]]}
    figures = MaskOverlap()([right], [found.value])
    assert figures["pixel_recall"] == 1.0
    assert figures["iou"] == pytest.approx(100 / 125)


def test_photos_without_people_or_with_people_unoutlined_are_left_out(tmp_path: Path) -> None:
    for name in "abc":
        picture(tmp_path / f"images/{name}.png")
    (tmp_path / "seg_labels").mkdir()
    outline = "1 0 0 0.5 0 0.5 0.5 0 0.5\n"
    (tmp_path / "seg_labels/a.txt").write_text(outline + "2 0 0 1 0 1 1\n")
    (tmp_path / "seg_labels/b.txt").write_text(outline + "1 0.5 0.5 0.2 0.2\n")
    (tmp_path / "seg_labels/c.txt").write_text("2 0 0 1 0 1 1\n")
    (tmp_path / "seg_config.yaml").write_text("names: {1: person, 2: dog}\n")
    (one,) = load_task("segmentation").load(tmp_path, 0).samples
    assert (one.id, one.groups) == ("a", {"largest": "large"})
    assert one.gold == {"size": [10, 20], "polygons": [[0, 0, 10, 0, 10, 5, 0, 5]]}
    (tmp_path / "seg_labels/a.txt").unlink()
    with pytest.raises(DatasetError, match="no photo in which"):
        _masks.people_in(tmp_path)


def test_masks_are_read_as_pictures(tmp_path: Path) -> None:
    picture(tmp_path / "images/a.jpg")
    (tmp_path / "masks").mkdir()
    white = np.zeros((10, 20), np.uint8)
    white[:, :10] = 255
    Image.fromarray(white).save(tmp_path / "masks/a.png")
    (tmp_path / "masks/b.png").write_bytes(b"no picture")
    picture(tmp_path / "images/b.jpg")
    Image.fromarray(white).save(tmp_path / "masks/c.png")
    dataset = load_task("segmentation").load(tmp_path, 0)
    (one,) = dataset.samples
    right: JsonValue = {"size": [10, 20], "polygons": [[0, 0, 10, 0, 10, 10, 0, 10]]}
    assert MaskOverlap()([right], [one.gold])["iou"] == 1.0
    assert [bad.file for bad in dataset.bad_rows] == ["masks/b.png", "masks/c.png"]


def test_a_way_without_files_is_said(photo: str) -> None:
    for way in (ToolsAlone(), WatchedWay(ToolsAlone())):  # type: ignore[arg-type]
        with pytest.raises(NoWay, match="give the service"):
            asyncio.run(_files.stored(way, [photo]))  # type: ignore[arg-type]
        with pytest.raises(NoWay, match="get the files"):
            asyncio.run(_masks.joint_mask(way, ["a"]))  # type: ignore[arg-type]


def test_pages_are_printed_where_no_pictures_are_given() -> None:
    task = load_task("ocr")
    assert task.default_data is not None
    dataset = task.load(task.default_data, 0)
    assert (len(dataset.samples), dataset.bad_rows) == (40, ())
    assert {one.groups["language"] for one in dataset.samples} == {"en", "de", "fr", "es"}
    assert {one.groups["print"] for one in dataset.samples} == {"clean", "small", "noisy", "turned"}
    pages = [one.inputs["page"] for one in dataset.samples]
    # Pillow's own font has no letters with accents.
    assert all(p["text"].isascii() for p in pages if p["font"] == "plain")  # type: ignore[index,call-overload,union-attr]
    way = FakeWay(read_text={"text": dataset.samples[0].gold})
    assert solved("ocr", dataset.samples[0], way).value == {"text": dataset.samples[0].gold}
    name, data = file_of(way.asked[0][1]["image"])
    assert name == "page.png"
    assert data == _printed.printed(pages[0])  # type: ignore[arg-type]
    ink = np.asarray(Image.open(io.BytesIO(data))) < 128
    assert 0.01 < ink.mean() < 0.2
    assert not ink[:20].any()


def test_a_page_is_noisy_and_turned_as_it_says() -> None:
    flat = {"text": "IIIII", "font": "sans", "size_px": 30, "turned_deg": 0, "noise": 0}
    first, noisy, turned = (
        np.asarray(Image.open(io.BytesIO(_printed.printed(flat | change))), np.float32)
        for change in ({}, {"noise": 10}, {"turned_deg": 20})
    )
    assert first[:20].std() == 0
    assert noisy[:20].std() == pytest.approx(10, rel=0.3)
    assert turned.shape[0] > first.shape[0]
    with pytest.raises(DatasetError, match="no font 'gothic'"):
        _printed.printed(flat | {"font": "gothic"})


def test_pages_that_can_not_be_printed_are_told(tmp_path: Path) -> None:
    row = {"text": "a", "language": "en", "font": "sans", "size_px": 20, "turned_deg": 0}
    rows = [row | {"noise": 0}, row, row | {"noise": 900}]
    (tmp_path / "pages.jsonl").write_text("\n".join(map(json.dumps, rows)))
    dataset = printed_pages(tmp_path / "pages.jsonl")
    assert len(dataset.samples) == 1
    assert [bad.line for bad in dataset.bad_rows] == [2, 3]
