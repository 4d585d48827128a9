"""Sentences that the service says and then writes down from what it said."""

from __future__ import annotations

from pathlib import Path

import evals
from evals.datasets import sentences
from evals.metrics import ErrorRates, ExactTranscripts, spoken_words
from evals.task import Dataset, EvalTask, Prediction, Sample, Way
from evals.tasks._transcripts import heard


def _load(path: Path, _seed: int) -> Dataset:
    return sentences(path)


async def _solve(sample: Sample, way: Way) -> Prediction:
    given = {"text": sample.inputs["text"], "format": "wav"}
    if "language" in sample.groups:
        given["language"] = sample.groups["language"]
    spoken = (await way.invoke("synthesize_speech", given))["data"]["audio"]["id"]
    return heard(await way.invoke("transcribe_audio", {"audio": spoken}))


TASK = EvalTask(
    name="speech_round_trip",
    version="1",
    summary="What is heard of sentences that were synthesised",
    load=_load,
    solve=_solve,
    metrics=(ErrorRates(spoken_words), ExactTranscripts(spoken_words)),
    headline="wer",
    default_data=Path(evals.__file__).parent / "data" / "spoken_sentences.csv",
)
