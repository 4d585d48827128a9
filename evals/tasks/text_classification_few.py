"""`text_classification` with ten examples of each label at most, drawn with the seed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from evals.datasets import labelled
from evals.task import Dataset
from evals.tasks import text_classification
from evals.tasks._labels import with_training
from evals.tasks.text_classification import OUT_OF_SCOPE

EXAMPLES_A_LABEL = 10


def _load(path: Path, seed: int) -> Dataset:
    return with_training(labelled(path), seed, a_label=EXAMPLES_A_LABEL, out_of_scope=OUT_OF_SCOPE)


TASK = replace(
    text_classification.TASK,
    name="text_classification_few",
    summary="One of many labels, learnt from ten examples of each",
    load=_load,
)
