"""Choosing among labels by vectors: without examples, with a few, with many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Probabilities = NDArray[np.float64]
Score = Callable[[Vectors], Probabilities]
"""Unit vectors of texts to the labels' probabilities, shape (texts, labels)."""

MANY_EXAMPLES = 8
"""From so many examples a class on, logistic regression beats the nearest centroid."""
LOGISTIC_C = 10.0


@dataclass(frozen=True, slots=True)
class Scale:
    """How an encoder's cosines are read.

    Attributes:
        temperature: of the softmax over labels; where the mean confidence equals the accuracy.
        middle: the cosine at which a label by itself is as likely as not.
        centroid_middle: the same against the mean of examples.
    """

    temperature: float
    middle: float
    centroid_middle: float


# Temperatures: where confidence met accuracy on BANKING77's intents and CLINC150's domains, without
# examples (MiniLM right on 0.60 and 0.42 of them, E5 on 0.53 and 0.44).
SCALES = {"minilm": Scale(0.06, 0.28, 0.45), "e5": Scale(0.012, 0.815, 0.86)}


def hypothesis(label: str) -> str:
    """The sentence whose vector stands for a label that has no examples."""
    return f"This text is about {label.replace('_', ' ')}."


def by_similarity(labels: Vectors, scale: Scale, *, multi: bool, centroids: bool = False) -> Score:
    """Scores by the cosine to each label's vector; `multi` judges each label by itself."""
    middle = scale.centroid_middle if centroids else scale.middle

    def score(texts: Vectors) -> Probabilities:
        cosines = (texts @ labels.T).astype(np.float64)
        if multi:
            return 1 / (1 + np.exp((middle - cosines) / scale.temperature))
        odds = np.exp((cosines - cosines.max(axis=1, keepdims=True)) / scale.temperature)
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))

    return score


def centroids(examples: Vectors, classes: Sequence[int], fallback: Vectors) -> Vectors:
    """The mean direction of each class's examples; `fallback`'s row where it has none."""
    rows = fallback.copy()
    of = np.asarray(classes)
    for label in range(len(fallback)):
        if (of == label).any():
            mean = examples[of == label].mean(axis=0)
            rows[label] = mean / max(float(np.linalg.norm(mean)), 1e-9)
    return rows


def has_many(classes: Sequence[int], labels: int) -> bool:
    """Whether every label has examples enough for logistic regression."""
    return labels > 1 and min(np.bincount(classes, minlength=labels)) >= MANY_EXAMPLES


def by_regression(examples: Vectors, classes: Sequence[int], *, multi: bool) -> Score:
    """Logistic regression on the examples; `multi` fits one for each label."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    # Weights balanced: how many examples somebody gives says little of how often a label holds.
    one = LogisticRegression(C=LOGISTIC_C, max_iter=500, class_weight="balanced")
    model = (OneVsRestClassifier(one) if multi else one).fit(examples, np.asarray(classes))

    def score(texts: Vectors) -> Probabilities:
        if multi:  # the estimators' own, which need not add up to 1
            columns = [e.predict_proba(texts)[:, 1] for e in model.estimators_]
            return np.stack(columns, axis=1)
        return np.asarray(model.predict_proba(texts))

    return score


def second_opinion(first: Probabilities, choice: int, accuracy: float) -> Probabilities:
    """Bayes' rule: `first` after a witness, right with `accuracy`, has named a label."""
    wrong = (1 - accuracy) / max(len(first) - 1, 1)
    likelihood = np.full(len(first), wrong)
    likelihood[choice] = accuracy
    joint = first * likelihood
    return np.asarray(joint / joint.sum())
