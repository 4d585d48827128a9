"""The baselines on data sets of another form than routing sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import JsonValue

from evals.task import Prediction, Sample, Solve, Way


def adapted(
    solve: Solve,
    inputs: Callable[[Sample], dict[str, JsonValue]],
    value: Callable[[list[dict[str, Any]]], JsonValue],
) -> Solve:
    """A baseline for samples and predictions of another form.

    Args:
        solve: `prompt.solve` or `react.solve`.
        inputs: what of a sample the baseline gets: {"request", "catalogue"}, the catalogue as a
            list of {"name", "description"?, "parameters"?}. Made when the sample is solved, so
            that no run keeps hundreds of tools with each of its samples.
        value: the prediction's value from the plan's steps.
    """

    async def solved(sample: Sample, way: Way) -> Prediction:
        found = await solve(sample.model_copy(update={"inputs": inputs(sample)}), way)
        if not isinstance(found.value, Mapping):  # an error
            return found
        steps: Any = found.value["steps"]
        details = found.details | {"steps": steps}
        return found.model_copy(update={"value": value(steps), "details": details})

    return solved
