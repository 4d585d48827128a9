"""A few pictures of each label to learn from, and the others to be judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from evals.datasets import DatasetError, per_label, split
from evals.task import Dataset, Sample, Way
from evals.tasks._files import stored
from evals.tasks._golds import only_labels

MAX_EXAMPLES, MAX_LABELS = 200, 100
"""That the tool takes."""


class Example(NamedTuple):
    """A picture's path, and what it shows."""

    image: str
    label: str


_EXAMPLES: dict[str, Sequence[Example]] = {}
"""By dataset and draw: too much to be kept with each sample."""


def with_examples(dataset: Dataset, seed: int, *, a_label: int) -> Dataset:
    """The pictures to be judged, each with the key of the examples that `examples_for` gives.

    The examples are drawn from the train split, and the test split is judged; without splits all
    pictures are judged that are no examples.

    Args:
        a_label: so many examples of each label, and MAX_EXAMPLES in all.

    Raises DatasetError: there is no train or test split, there are too many labels, or nothing is
    left to judge.
    """
    splits = any("split" in sample.groups for sample in dataset.samples)
    train = split(dataset, "train") if splits else dataset
    labels = {str(sample.gold) for sample in train.samples}
    if not 2 <= len(labels) <= MAX_LABELS:
        raise DatasetError(
            f"{dataset.name!r} has {len(labels)} labels to learn; 2 to {MAX_LABELS} are possible."
        )
    drawn = per_label(train, min(a_label, MAX_EXAMPLES // len(labels)), seed)
    key = f"{dataset.version}:{a_label}:{seed}"
    _EXAMPLES[key] = [Example(str(s.inputs["image"]), str(s.gold)) for s in drawn.samples]
    taken = {sample.id for sample in drawn.samples}
    judged = split(dataset, "test").samples if splits else dataset.samples
    samples = tuple(s.model_copy(update={"inputs": {**s.inputs, "examples": key}})
                    for s in judged if s.id not in taken)  # fmt: skip
    if not samples:
        raise DatasetError(f"{dataset.name!r} has no picture left to judge beside the examples.")
    return replace(dataset, samples=samples)


async def examples_for(sample: Sample, way: Way) -> list[dict[str, str]]:
    """The examples as the tool takes them; their pictures are given to the service once a run.

    Raises NoWay, SwitchboardError.
    """
    examples = _EXAMPLES[str(sample.inputs["examples"])]
    ids = await stored(way, [example.image for example in examples])
    return [{"image": id, "label": e.label} for id, e in zip(ids, examples, strict=True)]


def unlearnt(sample: Sample) -> str | None:
    """Why no prediction can be this sample's label: no example has it."""
    return only_labels({e.label for e in _EXAMPLES[str(sample.inputs["examples"])]})(sample)
