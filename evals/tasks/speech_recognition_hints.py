"""`speech_recognition` where the words that may be said are known and few, as with commands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from evals.datasets import recordings
from evals.task import Dataset
from evals.tasks import speech_recognition
from evals.tasks._transcripts import with_hints


def _load(path: Path, _seed: int) -> Dataset:
    return with_hints(recordings(path))


TASK = replace(
    speech_recognition.TASK,
    name="speech_recognition_hints",
    summary="What is said in recordings, out of a few words that are expected",
    load=_load,
)
