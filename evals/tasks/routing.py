"""Requests as people make them, and the plans that serve them."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from evals.baselines import prompt, react, semantic_router
from evals.datasets import routing
from evals.metrics import PlanMatch, PlanTools, SingleTool
from evals.task import Dataset, EvalTask
from evals.tasks._golds import only_tools
from evals.tasks._plans import planned
from tools.registry import load_registry


def _load(path: Path, _seed: int) -> Dataset:
    return routing(path)


TASK = EvalTask(
    name="routing",
    version="2",
    summary="Plans for requests as people make them, over the tools that there are",
    load=_load,
    solve=planned,
    metrics=(PlanMatch(), PlanTools(), SingleTool()),
    headline="node_f1",
    baselines={
        "prompt": prompt.solve,
        "react": react.solve,
        "semantic-router": semantic_router.solve,
    },
    unmatchable=only_tools(lambda _sample: [*load_registry()]),
    default_data=Path(str(files("evals") / "data" / "routing" / "test.jsonl")),
)
