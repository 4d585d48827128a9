"""What the sentiment heads see of a text: its embedding, VADER's scores, and its words' weights."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

WORD_BUCKETS = 2**16
_TOKEN = re.compile(r"\w[\w']*|[!?]+")


def word_buckets(text: str) -> list[int]:
    """The hashed words and pairs of neighbouring words of a text, each once, sorted."""
    tokens = _TOKEN.findall(text.lower())
    pairs = (f"{a} {b}" for a, b in pairwise(tokens))
    return sorted(
        {zlib.crc32(gram.encode("utf-8", "replace")) % WORD_BUCKETS for gram in (*tokens, *pairs)}
    )


def word_rating(text: str, weights: NDArray[np.float32]) -> float:
    """What a linear model over the words says: its rows have length 1, so a mean times √n."""
    buckets = word_buckets(text)
    return float(weights[buckets].sum() / np.sqrt(len(buckets))) if buckets else 0.0


def vader_scores(texts: Sequence[str]) -> Matrix:
    """VADER's shares of negative, neutral and positive words, and its compound score."""
    analyzer = _vader()
    keys = ("neg", "neu", "pos", "compound")
    rows = [[analyzer.polarity_scores(text)[key] for key in keys] for text in texts]
    return np.array(rows, dtype=np.float64).reshape(len(texts), len(keys))


def english_features(
    vectors: NDArray[Any], texts: Sequence[str], words: Sequence[float] | NDArray[Any]
) -> Matrix:
    """One row a text: 384 of the embedding, 4 of VADER, 1 of the words."""
    ratings = np.asarray(words, dtype=np.float64).reshape(-1, 1)
    return np.hstack([np.asarray(vectors, dtype=np.float64), vader_scores(texts), ratings])


@cache
def _vader() -> Any:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()
