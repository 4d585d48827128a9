"""Gorilla's APIBench: the domain of the model that serves a request, out of some forty."""

from __future__ import annotations

from pathlib import Path

from evals.datasets import gorilla, gorilla_catalogue
from evals.metrics import PlanMatch, RankedTools
from evals.task import Dataset, EvalTask, Sample
from evals.tasks._foreign import nearest_tool, planners, with_plans
from evals.tasks._golds import only_tools

_APIS: list[tuple[str, str]] = []


def _load(path: Path, _seed: int) -> Dataset:
    dataset = gorilla(path)
    about = (
        (api.domain, f"{api.functionality}. {api.description}") for api in gorilla_catalogue(path)
    )
    _APIS[:] = [(domain, text[:1_000]) for domain, text in about]
    return with_plans(dataset)


def _catalogue(_sample: Sample) -> list[tuple[str, str]]:
    return _APIS


TASK = EvalTask(
    name="gorilla", version="2",
    summary="The domain of the foreign model that a request needs",
    load=_load,
    solve=nearest_tool(_catalogue),
    metrics=(PlanMatch(), RankedTools()),
    headline="node_f1",
    baselines=planners(_catalogue),
    unmatchable=only_tools(lambda sample: dict(_catalogue(sample))),
    data_form="a folder of Gorilla's *eval.jsonl and *_api.jsonl",
)  # fmt: skip
