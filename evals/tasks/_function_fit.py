"""How well a function fits a request, told by `classify_text` without the chat model."""

from __future__ import annotations

from typing import Any

from evals.baselines.catalogue import ListedTool, read_catalogue
from evals.task import Prediction, Sample, Way
from evals.tasks._functions import as_request

_LABEL_CHARS, _TEXT_CHARS = 120, 4_000
"""That the tool takes."""


async def fitting(sample: Sample, way: Way) -> Prediction:
    """By what is said of a function and of its parameters."""
    return await _fit(sample, way, {"descriptions": _said_of(sample)})


async def alike(sample: Sample, way: Way) -> Prediction:
    """By the plain similarity of request and description."""
    functions = read_catalogue(sample.inputs["functions"])
    about = {f.name[:_LABEL_CHARS]: [f.description[:_TEXT_CHARS]] for f in functions}
    return await _fit(sample, way, {"examples_by_label": about})


async def _fit(sample: Sample, way: Way, labels: dict[str, Any]) -> Prediction:
    request = as_request(sample)["request"]
    given = {"text": request, "multi_label": True, "llm": False, "words": False}
    found = await way.invoke("classify_text", {**given, **labels})
    scores = found["data"]["labels"]
    return Prediction(value={"fit": scores[0]["score"]}, details={"labels": scores[:5]})


def _said_of(sample: Sample) -> dict[str, list[str]]:
    """What is said of each function, as `classify_text` takes it: what it does, and what its
    parameters are."""
    return {
        function.name[:_LABEL_CHARS]: [
            text[:_TEXT_CHARS] for text in (function.description, _parameters(function)) if text
        ]
        for function in read_catalogue(sample.inputs["functions"])
    }


def _parameters(function: ListedTool) -> str:
    about: Any = function.parameters.get("properties", {})
    return ". ".join(
        f"{name.replace('_', ' ')}: {' '.join(str(schema.get('description', '')).split())}"
        for name, schema in about.items()
    )
