"""Labels learnt from examples: what a text means, joined with the words that it is put in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_servers.blas import one_thread
from tools.label_choice import LOGISTIC_C, Probabilities, Vectors
from tools.word_evidence import WordEvidence, count_pieces

Classes = NDArray[np.int64]
Matrix = NDArray[np.float64]

_FOLDS = 4
_HELD_OUT = 2_000
"""Held-out examples are enough to weigh two voices; further folds would only take time."""
_UNLIKELY = -30.0
"""The least logarithm of a probability; a float's own would be minus infinity."""
_READ_BYTES = 1_000
"""Of a text, at most: an encoder reads no more than 256 tokens."""
_STRANGE = 0.1
"""Of the examples, so many are themselves no nearer to the others than a text that is doubted."""
_COMPARED = 1_000
"""Examples whose nearest neighbour is looked for, to know what is near."""


class ExampleHead:
    """A regression on vectors and naive Bayes on words, weighed by how likely the two together
    made examples that they had not seen. The weights make the probabilities honest, too.

    The probabilities of a text's labels add up to how sure it is that the text is of their kind
    at all: 1 where it lies as near to an example as the examples do to each other.

    Args:
        texts: of the examples.
        classes: of each, its label's number; each label has one example at least.
        labels: how many labels there are.
        vectors: of the examples `encoded`, in their order.
        encoded: numbers of the examples that have a vector, each label's among them.
    """

    def __init__(
        self,
        texts: Sequence[str],
        classes: Classes,
        labels: int,
        vectors: Vectors,
        encoded: NDArray[np.int64],
    ) -> None:
        counts = count_pieces(texts)
        self._words = WordEvidence(counts, classes, labels)
        with one_thread():
            self._weights = _weights(counts, classes, labels, vectors, encoded)
            self._meaning = _regression(vectors, classes[encoded])
            self._nearness = Nearness(vectors)

    @property
    def size_bytes(self) -> int:
        """The memory that it holds."""
        coefficients: NDArray[np.float32] = self._meaning.coef_
        return coefficients.nbytes + self._words.size_bytes + self._nearness.size_bytes

    def __call__(self, texts: Sequence[str], vectors: Vectors) -> Probabilities:
        """The labels' probabilities, shape (texts, labels)."""
        of_meaning, of_words = self._weights
        words = self._words.scores(count_pieces(texts))
        with one_thread():
            joined = of_meaning * _logs(self._meaning, vectors) + of_words * words
            return _softmax(joined) * self._nearness(vectors)[:, None]


def affordable(texts: Sequence[str], classes: Classes, budget_bytes: int) -> NDArray[np.int64]:
    """Numbers of the examples that an encoder has time for, in order: of each label equally many,
    as far as it has them, and one at least.

    Args:
        budget_bytes: of the texts in UTF-8, which tell of tokens in all scripts alike.
    """
    rank, seen = np.zeros(len(classes), dtype=np.int64), Counter[int]()
    for i, label in enumerate(classes.tolist()):
        rank[i] = seen[label]
        seen[label] += 1
    order = np.argsort(rank, kind="stable")
    sizes = np.array([min(len(text.encode("utf-8", "replace")), _READ_BYTES) for text in texts])
    spent = np.cumsum(sizes[order])
    return np.sort(order[(spent <= budget_bytes) | (rank[order] == 0)])


class Nearness:
    """How sure it is that a text is of the kind of some examples, from 0 to 1.

    It is 1 from the cosine on that nine of ten examples reach to their own nearest neighbour, and
    falls to 0 at the mean cosine of any two. Args: examples: unit vectors.
    """

    def __init__(self, examples: Vectors) -> None:
        self._examples = examples
        mean = examples.mean(axis=0, dtype=np.float64)
        self._far = float(mean @ mean)
        picks = np.unique(np.linspace(0, len(examples) - 1, _COMPARED).round().astype(int))
        cosines = examples[picks] @ examples.T
        cosines[np.arange(len(picks)), picks] = -1.0
        self._near = float(np.quantile(cosines.max(axis=1), _STRANGE))

    @property
    def size_bytes(self) -> int:
        return self._examples.nbytes

    def __call__(self, vectors: Vectors) -> Matrix:
        span = self._near - self._far
        if span <= 0:  # the examples are spread evenly: nothing can be told from nearness
            return np.ones(len(vectors))
        nearest = (vectors @ self._examples.T).max(axis=1).astype(np.float64)
        return np.asarray(np.clip((nearest - self._far) / span, 0.0, 1.0))


@dataclass(frozen=True, slots=True)
class _HeldOut:
    """What two voices that had not seen some examples say of them: logarithms."""

    meaning: Matrix
    words: Matrix
    classes: Classes


def _weights(
    counts: Any, classes: Classes, labels: int, vectors: Vectors, encoded: NDArray[np.int64]
) -> NDArray[np.float64]:
    """How much each voice counts, so that held-out examples are likeliest; both 1 and 0 where
    there is nothing to hold out."""
    found, judged = [], 0
    for held_out in _folds(classes[encoded], labels):
        kept = ~held_out
        own = np.ones(len(classes), dtype=np.bool_)
        own[encoded[held_out]] = False
        meaning = np.full((int(held_out.sum()), labels), _UNLIKELY)
        regression = _regression(vectors[kept], classes[encoded[kept]])
        meaning[:, regression.classes_] = _logs(regression, vectors[held_out])
        words = WordEvidence(counts[own], classes[own], labels)
        right = classes[encoded[held_out]]
        found.append(_HeldOut(meaning, words.scores(counts[encoded[held_out]]), right))
        judged += len(right)
        if judged >= _HELD_OUT:
            break
    return _likeliest(found) if found else np.array([1.0, 0.0])


def _folds(classes: Classes, labels: int) -> Iterator[NDArray[np.bool_]]:
    """Which examples are held out, each once; a label's only example never is."""
    fold = np.full(len(classes), -1)
    for label in range(labels):
        members = np.random.default_rng(label).permutation(np.flatnonzero(classes == label))
        if len(members) > 1:
            fold[members] = (np.arange(len(members)) + label) % _FOLDS
    for number in range(_FOLDS):
        held_out = fold == number
        if held_out.any():
            yield held_out


def _likeliest(found: Sequence[_HeldOut]) -> NDArray[np.float64]:
    """A convex problem of two unknowns: regression with the voices for its only features."""
    from scipy.optimize import minimize

    voices = [np.vstack([part.meaning for part in found]), np.vstack([p.words for p in found])]
    right = (np.arange(len(voices[0])), np.concatenate([part.classes for part in found]))

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        shares = _softmax(weights[0] * voices[0] + weights[1] * voices[1])
        unlikely = -np.log(np.maximum(shares[right], 1e-12)).mean()
        slope = [((shares * voice).sum(axis=1) - voice[right]).mean() for voice in voices]
        return float(unlikely), np.array(slope)

    start, bounds = np.array([1.0, 0.2]), [(0.05, 5.0), (0.0, 5.0)]
    best = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(best.x, dtype=np.float64)


def _regression(vectors: Vectors, classes: Classes) -> Any:
    from sklearn.linear_model import LogisticRegression

    # Balanced: how many examples somebody gives says little of how often a label holds.
    model = LogisticRegression(C=LOGISTIC_C, max_iter=500, class_weight="balanced")
    return model.fit(vectors, classes)


def _logs(regression: Any, vectors: Vectors) -> Matrix:
    logs = regression.predict_log_proba(vectors)
    return np.maximum(np.asarray(logs, dtype=np.float64), _UNLIKELY)


def _softmax(logs: Matrix) -> Matrix:
    odds = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))
