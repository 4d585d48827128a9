"""Choosing among tools that the service does not have.

The agent plans over its own tools alone. What its API offers for a catalogue of others is
`classify_text`, with each tool as a label and what is said of it as its descriptions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pydantic import JsonValue

from evals.baselines import prompt, react
from evals.baselines.adapted import adapted
from evals.metrics.ranked import AMONG
from evals.task import Dataset, Prediction, Sample, Solve, Way

Catalogue = Callable[[Sample], Sequence[tuple[str, str]]]
"""Name and description of each tool that a sample may choose; several may have one name."""


def nearest_tool(catalogue: Catalogue, *, llm: bool = False) -> Solve:
    """The one tool whose description is nearest to the request. No chat model is asked, unless
    with `llm`: where likeness doesn't decide it describes what would serve, which counts too."""

    async def solve(sample: Sample, way: Way) -> Prediction:
        about: dict[str, list[str]] = {}
        for name, said in catalogue(sample):
            about.setdefault(name, []).append(said)
        request = sample.inputs["request"]
        given = {"text": request, "descriptions": about, "llm": llm, "words": False}
        found = await way.invoke("classify_text", given)
        data, usage = found["data"], found["usage"]
        ranked = [label["label"] for label in data["labels"][:AMONG]]
        calls = usage["llm_calls"]
        return Prediction(
            value=_as_plan(ranked[:1], ranked=ranked, llm_calls=calls),
            prompt_tokens=usage["prompt_tokens"],
            completion_tokens=usage["completion_tokens"],
            llm_calls=calls,
            details={"labels": data["labels"][:5]},
        )

    return solve


def planners(catalogue: Catalogue) -> dict[str, Solve]:
    """Ours with a second look by the chat model, and the baselines over the same catalogue. Of a
    tool of which several things are said these read the first: all that is said of Gorilla's would
    not fit a small model's context."""

    def inputs(sample: Sample) -> dict[str, JsonValue]:
        about: dict[str, str] = {}
        for name, text in catalogue(sample):
            about.setdefault(name, text)
        tools: list[JsonValue] = [{"name": n, "description": text} for n, text in about.items()]
        return {"request": sample.inputs["request"], "catalogue": tools}

    def value(steps: list[dict[str, Any]]) -> JsonValue:
        return _as_plan([str(step["tool"]) for step in steps], llm_calls=1)

    solvers = {"prompt": prompt.solve, "react": react.solve}
    adapt = {name: adapted(solve, inputs, value) for name, solve in solvers.items()}
    return {"second_look": nearest_tool(catalogue, llm=True), **adapt}


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
