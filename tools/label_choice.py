"""Choosing among labels by vectors: without examples, with a few, with many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model_servers.blas import one_thread

Vectors = NDArray[np.float32]
Probabilities = NDArray[np.float64]
Score = Callable[[Sequence[str], Vectors], Probabilities]
"""Texts and their unit vectors to the labels' probabilities, shape (texts, labels)."""

MANY_EXAMPLES = 5
"""From so many examples a label on, in the mean, regression beats the nearest centroid."""
MAX_CELLS = 10_000_000
"""Examples times labels, beyond which a regression would take too much time and memory."""
LOGISTIC_C = 20.0


@dataclass(frozen=True, slots=True)
class Scale:
    """How an encoder's cosines are read.

    Attributes:
        temperature: of the softmax over labels; where the mean confidence equals the accuracy.
        middle: the cosine at which a label by itself is as likely as not.
        centroid_middle: the same against the mean of examples.
        described_middle: the logit of `DescribedHead` at which a label is as likely as not.
    """

    temperature: float
    middle: float
    centroid_middle: float
    described_middle: float = 0.0


# Temperatures: where confidence met accuracy on BANKING77's intents and CLINC150's domains, without
# examples (MiniLM right on 0.60 and 0.42 of them, E5 on 0.53 and 0.44).
# Described labels: MiniLM's middle was chosen on half of BFCL's irrelevance and live_simple; E5's
# is the middle of its cosines, since across languages the letters add nothing.
SCALES = {
    "minilm": Scale(0.06, 0.28, 0.45, described_middle=10.0),
    "e5": Scale(0.012, 0.815, 0.86, described_middle=68.0),
}


def hypothesis(label: str) -> str:
    """The sentence whose vector stands for a label that has no examples."""
    return f"This text is about {label.replace('_', ' ')}."


def by_similarity(labels: Vectors, scale: Scale, *, multi: bool, centroids: bool = False) -> Score:
    """Scores by the cosine to each label's vector; `multi` judges each label by itself."""
    middle = scale.centroid_middle if centroids else scale.middle

    def score(_: Sequence[str], vectors: Vectors) -> Probabilities:
        cosines = (vectors @ labels.T).astype(np.float64)
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
    """Whether there are examples enough for regression, of every label one at least."""
    enough = len(classes) >= MANY_EXAMPLES * labels and len(classes) * labels <= MAX_CELLS
    return labels > 1 and enough and len(set(classes)) == labels


def by_regressions(examples: Vectors, classes: Sequence[int]) -> Score:
    """Logistic regression for each label by itself: any number of them may hold."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    # Balanced: how many examples somebody gives says little of how often a label holds.
    one = LogisticRegression(C=LOGISTIC_C, max_iter=500, class_weight="balanced")
    with one_thread():
        model = OneVsRestClassifier(one).fit(examples, np.asarray(classes))

    def score(_: Sequence[str], vectors: Vectors) -> Probabilities:
        # The estimators' own probabilities, which need not add up to 1.
        if len(model.estimators_) == 1:  # of two labels one is fitted, and tells of the other
            of_second = model.estimators_[0].predict_proba(vectors)[:, 1]
            return np.stack([1 - of_second, of_second], axis=1)
        columns = [e.predict_proba(vectors)[:, 1] for e in model.estimators_]
        return np.stack(columns, axis=1)

    return score


def second_opinion(first: Probabilities, choice: int, accuracy: float) -> Probabilities:
    """Bayes' rule: `first` after a witness, right with `accuracy`, has named a label."""
    wrong = (1 - accuracy) / max(len(first) - 1, 1)
    likelihood = np.full(len(first), wrong)
    likelihood[choice] = accuracy
    joint = first * likelihood
    return np.asarray(joint / joint.sum())
