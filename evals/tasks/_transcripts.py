"""What the tasks share that ask `transcribe_audio`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evals.datasets import DatasetError
from evals.metrics import spoken_words
from evals.task import Dataset, Prediction, Sample, Way
from evals.tasks._files import sent

MAX_HINTS = 50
"""That the tool takes."""
_LANGUAGE_GROUPS = ("language", "lang", "locale")
_CODE = re.compile(r"([a-z]{2})(?:[-_]\w+)?")


async def transcribed(sample: Sample, way: Way) -> Prediction:
    """What the tool hears in the sample's recording, by the hints that it has, if any.

    Where the data tells which language is spoken the tool is told so, too.
    """
    given: dict[str, Any] = {"audio": await sent(sample.inputs["audio"])}
    if (language := _language(sample)) is not None:
        given["spoken_language"] = language
    if "hints" in sample.inputs:
        given["hints"] = sample.inputs["hints"]
    return heard(await way.invoke("transcribe_audio", given))


def heard(found: Mapping[str, Any]) -> Prediction:
    """The tool's answer as a prediction."""
    data = found["data"]
    return Prediction(value={"text": data["text"]}, details={"language": data["language"]})


def with_hints(dataset: Dataset) -> Dataset:
    """The same recordings, each with all the words that are said in any of them.

    Raises DatasetError where there are more than MAX_HINTS: that is no list of commands.
    """
    words = {word for s in dataset.samples for word in spoken_words(str(s.gold)).split()}
    if len(words) > MAX_HINTS:
        raise DatasetError(
            f"{dataset.name!r} has {len(words):,} different words; up to {MAX_HINTS} can be hinted."
        )
    hints = sorted(words)
    samples = (s.model_copy(update={"inputs": {**s.inputs, "hints": hints}})
               for s in dataset.samples)  # fmt: skip
    return replace(dataset, samples=tuple(samples))


def _language(sample: Sample) -> str | None:
    """The code of what is spoken, where a group of the sample is one: "en", or "pt" of "pt-BR"."""
    told = (sample.groups.get(group, "").lower() for group in _LANGUAGE_GROUPS)
    return next((match[1] for code in told if (match := _CODE.fullmatch(code))), None)
