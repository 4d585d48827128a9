"""What the tasks share that ask `classify_text`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evals.datasets import DatasetError, divided, per_label, split
from evals.task import Dataset, Prediction, Sample, Way
from evals.tasks._golds import only_labels
from orchestrator.client import ServiceError
from tools.classify_text import MAX_EXAMPLES, MAX_LABELS

TRAIN_SHARE = 0.8
VALIDATION_A_LABEL = 10
"""Of each label, to choose a threshold on; of what is out of scope, all."""

_TRAINING: dict[str, dict[str, list[str]]] = {}
"""Texts by label, by dataset and draw: too much to be kept with each sample."""

TEXTS = "a CSV or JSONL with text and label, or a folder with train, val and test"
"""The form of the data that labelled texts are read from."""


def prediction(data: Mapping[str, Any], **more: str | None) -> Prediction:
    """The likeliest label with its probability, even where the tool would rather not say."""
    first = data["labels"][0]
    return Prediction(
        value={"label": first["label"], "score": first["score"], **more},
        details={"method": data["method"], "labels": data["labels"][:5]},
    )


def with_training(dataset: Dataset, seed: int, *, a_label: int, out_of_scope: str) -> Dataset:
    """The test samples, each with the key of the examples that `solve_by_examples` gives. Texts
    without splits are divided, TRAIN_SHARE of each label to learn from.

    Where the validation split holds texts out of scope, a part of it is there, too: a threshold
    is chosen on it. A text out of scope has the gold None, and gives no example.

    Args:
        a_label: so many examples of each label of the train split, and MAX_EXAMPLES in all.
        out_of_scope: the label of what fits no other.

    Raises DatasetError: there is no train or test split, or there are too many labels.
    """
    if not any("split" in sample.groups for sample in dataset.samples):
        dataset = _with_splits(dataset, seed)
    train = _without(split(dataset, "train"), out_of_scope)
    labels = {str(sample.gold) for sample in train.samples}
    if not 2 <= len(labels) <= MAX_LABELS:
        raise DatasetError(
            f"{dataset.name!r} has {len(labels)} labels to learn; 2 to {MAX_LABELS} are possible."
        )
    drawn = per_label(train, min(a_label, MAX_EXAMPLES // len(labels)), seed)
    key = f"{dataset.version}:{a_label}:{seed}"
    by_label = _TRAINING[key] = {}
    for sample in drawn.samples:
        by_label.setdefault(str(sample.gold), []).append(str(sample.inputs["text"]))
    judged = [s for s in dataset.samples if s.groups.get("split") == "test"]
    if not judged:
        split(dataset, "test")  # says what there is
    validation = [s for s in dataset.samples if s.groups.get("split") == "val"]
    if any(s.gold == out_of_scope for s in validation):
        val = replace(dataset, samples=tuple(validation))
        known = per_label(_without(val, out_of_scope), VALIDATION_A_LABEL, seed)
        judged += [*known.samples, *(s for s in validation if s.gold == out_of_scope)]
    samples = tuple(
        s.model_copy(
            update={
                "inputs": {**s.inputs, "training": key},
                "gold": None if s.gold == out_of_scope else s.gold,
            }
        )
        for s in judged
    )
    return replace(dataset, samples=samples)


def _with_splits(dataset: Dataset, seed: int) -> Dataset:
    learnt = {sample.id for sample in divided(dataset, TRAIN_SHARE, seed)[0].samples}
    samples = (
        s.model_copy(
            update={"groups": {**s.groups, "split": "train" if s.id in learnt else "test"}}
        )
        for s in dataset.samples
    )
    return replace(dataset, samples=tuple(samples))


def unlearnt(sample: Sample) -> str | None:
    """Why no prediction can be this sample's label: no example has it."""
    return only_labels(_TRAINING[str(sample.inputs["training"])])(sample)


def _without(dataset: Dataset, label: str) -> Dataset:
    return replace(dataset, samples=tuple(s for s in dataset.samples if s.gold != label))


async def solve_by_examples(sample: Sample, way: Way) -> Prediction:
    """Classify by the examples that `with_training` drew.

    To learn from them may take a busy service longer than it allows a request. It goes on
    learning, so that who asks again is answered.
    """
    examples = _TRAINING[str(sample.inputs["training"])]
    given = {"text": sample.inputs["text"], "examples_by_label": examples, "words": False}
    for last in (False, False, True):
        try:
            found = await way.invoke("classify_text", given)
            break
        except ServiceError as error:
            if last or error.reported != "deadline_exceeded":
                raise
    return prediction(found["data"], split=sample.groups.get("split"))
