"""Any labelled texts: `classify_text` with examples of a train split, judged on a test split."""

from __future__ import annotations

from pathlib import Path

from evals.datasets import labelled
from evals.metrics import Abstention, Calibration, Classification
from evals.task import Dataset, EvalTask
from evals.tasks._labels import TEXTS, solve_by_examples, unlearnt, with_training
from evals.tasks._threshold import Thresholded
from tools.classify_text import MAX_EXAMPLES

OUT_OF_SCOPE = "oos"


def _load(path: Path, seed: int) -> Dataset:
    return with_training(labelled(path), seed, a_label=MAX_EXAMPLES, out_of_scope=OUT_OF_SCOPE)


TASK = EvalTask(
    name="text_classification",
    version="1",
    summary="One of many labels, learnt from a train split",
    load=_load,
    solve=solve_by_examples,
    metrics=(
        Thresholded(Classification(per_class=False)),
        Thresholded(Abstention(), told=True),
        Calibration(),
    ),
    headline="macro_f1",
    unmatchable=unlearnt,
    data_form=TEXTS,
)
