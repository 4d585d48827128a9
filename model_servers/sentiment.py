"""Sentiment of a text: negative, neutral or positive, with calibrated probabilities.

Two heads on frozen encoders, both trained once at set-up by `sentiment_training.build`: one for
English on MiniLM joined with VADER and the words, one for all other languages on E5, which was
trained on English only and relies on E5 putting translations near each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model_servers.contracts import WeightsError
from model_servers.encoders import Vector, encode, encoder_name

if TYPE_CHECKING:
    from model_servers.pool import ModelPool

LABELS = ("negative", "neutral", "positive")
HEAD_FILE = "head.npz"
REPORT_FILE = "report.json"


class EncodedText(NamedTuple):
    """A text, and its vector as a query by the encoder of that name."""

    text: str
    vector: Vector
    encoder: str


def build(inputs: Mapping[str, Path], target: Path) -> None:
    """Train the heads into the folder `target`; see `sentiment_training.build`."""
    from model_servers import sentiment_training

    sentiment_training.build(inputs, target)


async def sentiment_probabilities(
    pool: ModelPool, texts: Sequence[str], *, language: str, deadline: float | None = None
) -> NDArray[np.float64]:
    """Probabilities in the order of LABELS, shape (len(texts), 3).

    Only the first 256 tokens of a text count. Raises as `ModelPool.predict` does.
    """
    vectors = await encode(pool, texts, language=language, role="query", deadline=deadline)
    encoder = encoder_name(language)
    items = [EncodedText(text, row, encoder) for text, row in zip(texts, vectors, strict=True)]
    rows = await pool.predict("sentiment", items, deadline=deadline)
    return np.array(rows, dtype=np.float64).reshape(len(texts), len(LABELS))


class SentimentHead:
    """The trained heads. Args: folder: what `build` wrote."""

    memory_mb: ClassVar[float] = 10
    max_batch: ClassVar[int] = 256

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._arrays: dict[str, NDArray[Any]] = {}

    def load(self) -> None:
        try:
            with np.load(self._folder / HEAD_FILE, allow_pickle=False) as arrays:
                self._arrays = dict(arrays)
        except (OSError, ValueError) as error:
            raise WeightsError(
                "The sentiment head can't be read; run `switchboard models pull`."
            ) from error

    def predict(self, batch: Sequence[EncodedText]) -> list[NDArray[np.float64]]:
        from model_servers.sentiment_features import english_features, word_rating

        rows: list[NDArray[np.float64]] = [np.empty(0)] * len(batch)
        english = [i for i, item in enumerate(batch) if item.encoder == "minilm"]
        others = [i for i, item in enumerate(batch) if item.encoder != "minilm"]
        for places, name in ((english, "minilm"), (others, "e5")):
            if not places:
                continue
            vectors = np.array([batch[i].vector for i in places], dtype=np.float64)
            if name == "minilm":
                texts = [batch[i].text for i in places]
                words = [word_rating(text, self._arrays["words"]) for text in texts]
                vectors = english_features(vectors, texts, words)
            logits = vectors @ self._arrays[f"{name}_weights"] + self._arrays[f"{name}_bias"]
            for place, row in zip(places, softmax(logits), strict=True):
                rows[place] = row
        return rows

    def unload(self) -> None:
        self._arrays = {}


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Along the last axis."""
    odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=-1, keepdims=True))
