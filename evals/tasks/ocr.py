"""Pictures and what is written on them."""

from __future__ import annotations

from pathlib import Path

from evals.datasets import written_pictures
from evals.metrics import ErrorRates, ExactTranscripts, printed_words
from evals.task import Dataset, EvalTask, Prediction, Sample, Way
from evals.tasks._files import sent


def _load(path: Path, _seed: int) -> Dataset:
    return written_pictures(path)


async def _solve(sample: Sample, way: Way) -> Prediction:
    given = {"image": await sent(sample.inputs["image"])}
    return Prediction(value={"text": (await way.invoke("read_text", given))["data"]["text"]})


TASK = EvalTask(
    name="ocr",
    version="1",
    summary="What is written on pictures, to the letter",
    load=_load,
    solve=_solve,
    metrics=(ErrorRates(printed_words), ExactTranscripts(printed_words)),
    headline="cer",
)
