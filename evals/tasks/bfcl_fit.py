"""Whether any function fits a request at all: BFCL's irrelevance against its live_simple.

Told without the chat model. The threshold is chosen on every other sample, and judged on the rest.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from evals.datasets import bfcl
from evals.metrics import WithheldCurve
from evals.task import Dataset, EvalTask, Sample
from evals.tasks._function_fit import alike, fitting

_CATEGORIES = ("irrelevance", "live_simple")


def _load(path: Path, _seed: int) -> Dataset:
    dataset = bfcl(path)
    samples: list[Sample] = []
    for category in _CATEGORIES:
        own = [s for s in dataset.samples if s.groups["category"] == category]
        for number, sample in enumerate(own):
            gold = {"call": category == "live_simple", "tune": number % 2 == 0}
            samples.append(sample.model_copy(update={"gold": gold}))
    return replace(dataset, samples=tuple(samples))


TASK = EvalTask(
    name="bfcl_fit", version="1", summary="Whether a function fits a request at all",
    load=_load,
    solve=fitting,
    metrics=(WithheldCurve(),),
    headline="balanced_accuracy",
    baselines={"similarity": alike},
    beside=("similarity",),
    data_form="a folder of BFCL_v4_*.json with possible_answer/",
)  # fmt: skip
