"""The baseline on the public package `semantic-router`: what it learns, and what it answers.

Each test of fitting runs on the package itself where it is installed, and everywhere on a small one
of the same form.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from evals.baselines.semantic_router import (
    NO_TOOL,
    Encoder,
    Routed,
    SemanticRouter,
    SemanticRouterMissing,
    as_read,
    fitted,
    routed,
)
from evals.datasets.routing import RoutingRow
from evals.run_folder import read_samples
from evals.runner import run_async
from evals.task import Sample
from evals.tasks import routing
from tests.unit.eval_fakes import FakeWay

WORDS = ("translate", "count", "hello", "french", "cars", "thanks", "quark", "strange")


def encode(texts: Sequence[str]) -> list[Any]:
    """Which of the words there are, as unit vectors; a text without any is like no other."""
    rows = np.array([[float(word in text) for word in WORDS] + [1e-3] for text in texts])
    return list(rows / np.linalg.norm(rows, axis=1, keepdims=True))


@dataclass
class Choice:
    name: str | None
    confidence: float | None = None


@dataclass
class Route:
    name: str
    utterances: list[str]


class SmallRouter:
    """The part of the package's IndexedRouter that the baseline uses. What it is calibrated to is
    even odds midway between the scores of the right and of the wrong."""

    confidence_threshold: float | None = None
    even = 0.0

    def __init__(
        self, encoder: Any, routes: Sequence[Route], *, top_k: int = 5, aggregation: str = "mean"
    ) -> None:
        self._encoder, self._top_k = encoder, top_k
        self._total = {"mean": np.mean, "sum": np.sum, "max": np.max}[aggregation]
        self._names = [route.name for route in routes for _ in route.utterances]
        self._vectors = np.array(encoder([text for route in routes for text in route.utterances]))

    async def afit(self, texts: Sequence[str], truth: Sequence[str | None]) -> None:
        scores: dict[bool, list[float]] = {True: [], False: []}
        for text, wanted in zip(texts, truth, strict=True):
            name, score = await self._best(text)
            scores[name == wanted].append(score)
        self.even = float(np.mean([np.mean(scores[True]), np.mean(scores[False])]))

    async def aevaluate(self, texts: Sequence[str], truth: Sequence[str | None]) -> float:
        names = [(await self.acall(text)).name for text in texts]
        return float(np.mean([name == right for name, right in zip(names, truth, strict=True)]))

    async def acall(self, text: str) -> Choice:
        name, score = await self._best(text)
        confidence = float(1 / (1 + np.exp(self.even - score)))
        bar = self.confidence_threshold
        return Choice(name, confidence) if bar is None or confidence >= bar else Choice(None)

    async def _best(self, text: str) -> tuple[str, float]:
        (vector,) = await self._encoder.acall([text])
        likeness = self._vectors @ np.array(vector)
        scores = defaultdict(list)
        for at in np.argsort(-likeness)[: self._top_k]:
            scores[self._names[at]].append(likeness[at])
        name = max(scores, key=lambda one: self._total(scores[one]))
        return name, float(self._total(scores[name]))


@pytest.fixture(params=["the package", "a small one"])
def package(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    if request.param == "a small one":
        small = SimpleNamespace(Route=Route, IndexedRouter=SmallRouter)
        monkeypatch.setitem(sys.modules, "semantic_router", small)
    elif find_spec("semantic_router") is None:
        pytest.skip("the extra `semantic-router` is not installed")
    return importlib.import_module("semantic_router")


TRAIN = [
    *(Routed(f"translate {thing} french", "translate_text") for thing in "abcde"),
    *(Routed(f"count {thing} cars", "detect_objects") for thing in "fghij"),
    *(Routed(f"hello thanks {thing}", NO_TOOL) for thing in "klmno"),
]
DEV = [
    Routed("translate x", "translate_text"),
    Routed("count cars", "detect_objects"),
    Routed("french", "translate_text"),
    Routed("hello", NO_TOOL),
    Routed("strange french cars", NO_TOOL),
    Routed("strange translate cars", NO_TOOL),
]
"""The strange ones are like examples of tools, but not very."""


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        ("translate french", "translate_text"),
        ("count cars", "detect_objects"),
        ("thanks", None),
        ("strange translate cars", None),
    ],
)
async def test_the_likest_examples_tell_the_tool_and_what_is_not_very_like_is_left_alone(
    package: Any, text: str, tool: str | None
) -> None:
    router = await fitted(Encoder(encode), TRAIN, DEV)
    choice = await router.acall(text)
    assert (None if choice.name == NO_TOOL else choice.name) == tool


def rows(*steps: dict[str, Any], id_: str, request: str, **more: Any) -> str:
    return json.dumps({"id": id_, "request": request, "steps": list(steps), **more})


def folder_of(path: Path) -> Path:
    tool = {NO_TOOL: ()}
    for name, found in (("train-a", TRAIN), ("dev", DEV)):
        lines = [
            rows(
                *tool.get(one.route, ({"id": "s1", "tool": one.route},)),
                id_=f"{name}{number}",
                request=one.text,
            )
            for number, one in enumerate(found)
        ]
        (path / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return path


def asked(request: str, *kinds: str) -> Sample:
    attachments: Any = [{"kind": kind, "name": f"{kind}.bin"} for kind in kinds]
    inputs = {"request": request, "attachments": attachments, "lang": "en"}
    return Sample(id=request, inputs=inputs, gold={"steps": [], "alternatives": []})


async def test_its_answer_is_a_plan_of_one_step_or_none(package: Any, tmp_path: Path) -> None:
    solve = SemanticRouter(folder_of(tmp_path), lambda: encode)
    found = await solve(asked("french"), FakeWay())
    assert found.value == {
        "steps": [{"id": "s1", "tool": "translate_text", "args": {}, "after": []}],
        "llm_calls": 0,
    }
    nothing = await solve(asked("hello"), FakeWay())
    assert nothing.value == {"steps": [], "llm_calls": 0}


async def test_it_is_fitted_once(package: Any, tmp_path: Path) -> None:
    made = []

    def encoder() -> Any:
        made.append(1)
        return encode

    solve = SemanticRouter(folder_of(tmp_path), encoder)
    await solve.prepare()
    (tmp_path / "dev.jsonl").unlink()
    await asyncio.gather(solve.prepare(), *(solve(asked("cars"), FakeWay()) for _ in range(4)))
    assert made == [1]


async def test_without_the_package_the_run_says_what_to_install_before_any_sample(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "semantic_router", None)
    way = FakeWay()
    with pytest.raises(SemanticRouterMissing, match="make semantic-router"):
        await run_async(
            routing.TASK, out=tmp_path / "run", way=way, solver="semantic-router", limit=2
        )
    assert way.asked == []
    assert read_samples(tmp_path / "run") == []


def test_requests_of_several_steps_and_handoffs_teach_nothing() -> None:
    one = {"id": "s1", "tool": "detect_objects"}
    picture = {"kind": "image", "name": "a.jpg"}
    lines = [
        rows(one, id_="1", request="how many?", attachments=[picture]),
        rows(one, one | {"id": "s2"}, id_="2", request="and then?"),
        rows({"id": "s1", "tool": "handoff"}, id_="3", request="a person!"),
        rows(id_="4", request="hi", kind="chat"),
    ]
    found = routed(RoutingRow.model_validate_json(line) for line in lines)
    assert [*found] == [Routed("[image] how many?", "detect_objects"), Routed("hi", NO_TOOL)]
    assert as_read("how many?", ["image"]) == "[image] how many?"


async def test_a_text_is_encoded_once() -> None:
    seen: list[str] = []

    def counted(texts: Sequence[str]) -> list[Any]:
        seen.extend(texts)
        return encode(texts)

    encoder = Encoder(counted)
    first = encoder(["cars", "french", "cars"])
    again = await asyncio.gather(*(encoder.acall([text]) for text in ("cars", "french", "hello")))
    assert sorted(seen) == ["cars", "french", "hello"]
    assert first[0] == first[2] == again[0][0]
    assert first[1] == again[1][0]
    assert np.allclose(first[0], encode(["cars"])[0])
