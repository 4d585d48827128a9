"""Sentences with their translations, line by line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from evals.datasets import parallel
from evals.metrics import Translation
from evals.task import Dataset, EvalTask, Prediction, Sample, Way


def _load(path: Path, _seed: int) -> Dataset:
    dataset = parallel(path, both_ways=True)
    return replace(dataset, samples=tuple(map(_with_language, dataset.samples)))


def _with_language(sample: Sample) -> Sample:
    gold = {"text": sample.gold, "lang": sample.inputs["target_language"]}
    return sample.model_copy(update={"gold": gold})


async def _solve(sample: Sample, way: Way) -> Prediction:
    data = (await way.invoke("translate_text", sample.inputs))["data"]
    details = {"method": data["method"], "warnings": data["warnings"]}
    return Prediction(value={"text": data["text"]}, details=details)


TASK = EvalTask("translation", "1", "Sentences into other languages, and back", _load, _solve,
                (Translation(),), "chrf",
                data_form="a folder of line-aligned files, one a language")  # fmt: skip
