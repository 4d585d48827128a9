"""Sentiment of a text: negative, neutral or positive, with calibrated probabilities.

Two heads on frozen encoders, both trained once at set-up by `sentiment_training.build`: one on
MiniLM joined with VADER and the words, one on E5. For English their logits are averaged, which
is better than either. In other languages the second speaks alone: it saw English only, and relies
on E5 putting translations near each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model_servers.contracts import WeightsError
from model_servers.encoders import Vector, encode

if TYPE_CHECKING:
    from model_servers.pool import ModelPool

LABELS = ("negative", "neutral", "positive")
HEAD_FILE = "head.npz"
REPORT_FILE = "report.json"


class EncodedText(NamedTuple):
    """A text and its vectors as a query; a head whose encoder's vector is None is not asked."""

    text: str
    minilm: Vector | None
    e5: Vector | None


def build(inputs: Mapping[str, Path], target: Path) -> None:
    """Train the heads into the folder `target`; see `sentiment_training.build`."""
    from model_servers import sentiment_training

    sentiment_training.build(inputs, target)


async def sentiment_probabilities(
    pool: ModelPool,
    texts: Sequence[str],
    *,
    language: str,
    quick: bool = False,
    deadline: float | None = None,
) -> NDArray[np.float64]:
    """Probabilities in the order of LABELS, shape (len(texts), 3).

    Only the first 256 tokens of a text count. `quick` leaves E5 out for English: a tenth of the
    time, for many texts of which only the differences matter. Raises as `ModelPool.predict` does.
    """
    english = language == "en"

    async def vectors(encoder_language: str) -> Sequence[Vector]:
        return list(
            await encode(pool, texts, language=encoder_language, role="query", deadline=deadline)
        )

    nothing: Sequence[None] = [None] * len(texts)
    minilm = await vectors("en") if english else nothing
    # Any language but English has E5.
    e5 = nothing if english and quick else await vectors("und")
    items = [EncodedText(*item) for item in zip(texts, minilm, e5, strict=True)]
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
        return [softmax(np.mean(self._logits(item), axis=0)) for item in batch]

    def _logits(self, item: EncodedText) -> list[NDArray[np.float64]]:
        from model_servers.sentiment_features import english_features, word_rating

        logits = []
        if item.minilm is not None:
            words = word_rating(item.text, self._arrays["words"])
            features = english_features(item.minilm[None], [item.text], [words])[0]
            logits.append(self._head("minilm", features))
        if item.e5 is not None:
            logits.append(self._head("e5", item.e5.astype(np.float64)))
        return logits

    def _head(self, name: str, features: NDArray[np.float64]) -> NDArray[np.float64]:
        weighed = features @ self._arrays[f"{name}_weights"] + self._arrays[f"{name}_bias"]
        return np.asarray(weighed)

    def unload(self) -> None:
        self._arrays = {}


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Along the last axis."""
    odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=-1, keepdims=True))
