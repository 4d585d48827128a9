"""Choosing among tools that the service does not have.

The agent plans over its own tools alone. What its API offers for a catalogue of others is
`classify_text`, with each tool's description as an example of what it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pydantic import JsonValue

from evals.baselines import prompt, react
from evals.baselines.adapted import adapted
from evals.task import Dataset, Prediction, Sample, Solve, Way

Catalogue = Callable[[Sample], Sequence[tuple[str, str]]]
"""Name and description of each tool that a sample may choose; several may have one name."""


def nearest_tool(catalogue: Catalogue) -> Solve:
    """The one tool whose description is nearest to the request: no chat model is asked."""

    async def solve(sample: Sample, way: Way) -> Prediction:
        examples: dict[str, list[str]] = {}
        for name, about in catalogue(sample):
            examples.setdefault(name, []).append(about)
        given = {"text": sample.inputs["request"], "examples_by_label": examples}
        found = await way.invoke("classify_text", given)
        data = found["data"]
        value = _as_plan([data["labels"][0]["label"]], llm_calls=0)
        return Prediction(value=value, details={"labels": data["labels"][:5]})

    return solve


def planners(catalogue: Catalogue) -> dict[str, Solve]:
    """The baselines over the same catalogue. Of a tool of which several things are said they read
    the first: all that is said of Gorilla's would not fit a small model's context."""

    def inputs(sample: Sample) -> dict[str, JsonValue]:
        about: dict[str, str] = {}
        for name, text in catalogue(sample):
            about.setdefault(name, text)
        tools: list[JsonValue] = [{"name": n, "description": text} for n, text in about.items()]
        return {"request": sample.inputs["request"], "catalogue": tools}

    def value(steps: list[dict[str, Any]]) -> JsonValue:
        return _as_plan([str(step["tool"]) for step in steps], llm_calls=1)

    solvers = {"prompt": prompt.solve, "react": react.solve}
    return {name: adapted(solve, inputs, value) for name, solve in solvers.items()}


def with_plans(dataset: Dataset) -> Dataset:
    """The same samples; a gold tool, or list of tools in whatever order, becomes a gold plan."""
    samples = tuple(s.model_copy(update={"gold": gold(s.gold)}) for s in dataset.samples)
    return replace(dataset, samples=samples)


def gold(tools: JsonValue) -> dict[str, JsonValue]:
    """The gold plan: these tools with no arguments."""
    named = tools if isinstance(tools, list) else [tools]
    return {**_as_plan([str(tool) for tool in named]), "alternatives": []}


def _as_plan(tools: Sequence[str], **more: JsonValue) -> dict[str, JsonValue]:
    steps: list[JsonValue] = [
        {"id": f"s{number}", "tool": tool, "args": {}, "after": []}
        for number, tool in enumerate(tools, start=1)
    ]
    return {"steps": steps, **more}
