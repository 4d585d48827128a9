"""People, places and organisations in tagged sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evals.datasets import tagged
from evals.metrics import TaggedEntities
from evals.task import Dataset, EvalTask, Prediction, Sample, Way
from evals.tasks._golds import only_tags

_LABELS = {"person": "PER", "place": "LOC", "organisation": "ORG"}


def _load(path: Path, _seed: int) -> Dataset:
    return tagged(path)


async def _solve(sample: Sample, way: Way) -> Prediction:
    given = {"text": sample.inputs["text"], "types": list(_LABELS)}
    entities = (await way.invoke("extract_entities", given))["data"]["entities"]
    offsets: Any = sample.inputs["offsets"]
    tags = ["O"] * len(offsets)
    for entity in entities:
        # A token belongs to the entity that it has a letter in common with.
        inside = [
            i for i, (a, b) in enumerate(offsets) if a < entity["end"] and entity["start"] < b
        ]
        for i in inside:
            tags[i] = f"{'B' if i == inside[0] else 'I'}-{_LABELS[entity['type']]}"
    return Prediction(value=list(tags), details={"entities": entities})


TASK = EvalTask("ner", "1", "People, places and organisations, strict spans", _load, _solve,
                (TaggedEntities(),), "f1", unmatchable=only_tags(_LABELS.values()),
                data_form="IOB2 or CoNLL columns, a file or a folder")  # fmt: skip
