"""Recordings and what is said in them."""

from __future__ import annotations

from pathlib import Path

from evals.datasets import recordings
from evals.metrics import ErrorRates, ExactTranscripts, spoken_words
from evals.task import Dataset, EvalTask
from evals.tasks._transcripts import transcribed


def _load(path: Path, _seed: int) -> Dataset:
    return recordings(path)


TASK = EvalTask(
    name="speech_recognition",
    version="1",
    summary="What is said in recordings",
    load=_load,
    solve=transcribed,
    metrics=(ErrorRates(spoken_words), ExactTranscripts(spoken_words)),
    headline="wer",
    data_form="a folder of recordings with their transcripts",
)
