"""MetaTool: which of two hundred plugins, or which two of the big tools, serve a request."""

from __future__ import annotations

from pathlib import Path

from evals.datasets import metatool, metatool_tools
from evals.metrics import PlanMatch, RankedTools
from evals.task import Dataset, EvalTask, Sample
from evals.tasks._foreign import nearest_tool, planners, with_plans
from evals.tasks._golds import only_tools

_TOOLS: dict[str, list[tuple[str, str]]] = {}


def _load(path: Path, _seed: int) -> Dataset:
    dataset = metatool(path)
    for group in ("one", "two"):
        _TOOLS[group] = list(metatool_tools(path, group).items())
    return with_plans(dataset)


def _catalogue(sample: Sample) -> list[tuple[str, str]]:
    return _TOOLS[sample.groups["tools"]]


TASK = EvalTask(
    name="metatool",
    version="2",
    summary="One or two of many foreign tools",
    load=_load,
    solve=nearest_tool(_catalogue),
    metrics=(PlanMatch(), RankedTools()),
    headline="node_f1",
    baselines=planners(_catalogue),
    unmatchable=only_tools(lambda sample: dict(_catalogue(sample))),
    data_form="a folder of MetaTool's files",
)
