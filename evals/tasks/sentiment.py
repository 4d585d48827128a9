"""Good, bad or neither: `classify_text` and VADER on labelled texts."""

from __future__ import annotations

from pathlib import Path

from evals.datasets import labelled, split
from evals.metrics import Calibration, Classification
from evals.task import Dataset, EvalTask, Prediction, Sample, Way
from evals.tasks._golds import only_labels
from evals.tasks._labels import TEXTS, prediction
from model_servers.sentiment import LABELS

_VADER_NEUTRAL = 0.05
"""Below this a compound score is neutral, as VADER's authors have it."""


def _load(path: Path, _seed: int) -> Dataset:
    dataset = labelled(path)
    splits = {sample.groups.get("split") for sample in dataset.samples}
    return split(dataset, "test") if "test" in splits else dataset


async def _solve(sample: Sample, way: Way) -> Prediction:
    given = {"text": sample.inputs["text"], "task": "sentiment", "words": False}
    return prediction((await way.invoke("classify_text", given))["data"])


async def _vader(sample: Sample, _way: Way) -> Prediction:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    compound = SentimentIntensityAnalyzer().polarity_scores(str(sample.inputs["text"]))["compound"]
    polar = "positive" if compound > 0 else "negative"
    return Prediction(value=polar if abs(compound) >= _VADER_NEUTRAL else "neutral")


TASK = EvalTask("sentiment", "1", "Positive, negative or neutral", _load, _solve,
                (Classification(), Calibration()), "macro_f1", {"vader": _vader},
                beside=("vader",), unmatchable=only_labels(LABELS), data_form=TEXTS)  # fmt: skip
