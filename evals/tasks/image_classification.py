"""Pictures in folders named by their labels, told apart by a few examples of each."""

from __future__ import annotations

from pathlib import Path

from evals.datasets import pictures_by_label
from evals.metrics import Classification
from evals.task import Dataset, EvalTask, Prediction, Sample, Way
from evals.tasks._examples import examples_for, unlearnt, with_examples
from evals.tasks._files import sent

EXAMPLES_A_LABEL = 5


def _load(path: Path, seed: int) -> Dataset:
    return with_examples(pictures_by_label(path), seed, a_label=EXAMPLES_A_LABEL)


async def _solve(sample: Sample, way: Way) -> Prediction:
    image, examples = await sent(sample.inputs["image"]), await examples_for(sample, way)
    found = await way.invoke("classify_image", {"image": image, "examples": examples})
    likeliest = found["data"]["labels"][0]  # though the tool would rather not say
    return Prediction(value={"label": likeliest["label"], "score": likeliest["score"]})


TASK = EvalTask("image_classification", "1", "Pictures told apart by five examples of each label",
                _load, _solve, (Classification(),), "macro_f1", unmatchable=unlearnt,
                data_form="a folder with a folder of pictures for each label")  # fmt: skip
