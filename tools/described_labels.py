"""Choosing among labels by what is said of each: its name, and one description or several."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from model_servers.encoders import unit_rows
from tools.label_choice import Probabilities, Scale, Vectors
from tools.word_evidence import PieceLikeness, count_pieces

NAME_SHARE = 0.5
"""What a name weighs in its label's vector; a description weighs 1 with the name and 1 without."""
COMMON = 0.5
"""Of what all descriptions have in common, so much is taken out of each."""
LETTERS = 10.0
"""What words alike to the letter weigh, against a cosine in temperatures of its encoder."""
LETTERS_ALONE = 16.0
"""The same where each label is judged by itself: that one holds at all the letters tell best."""
BEST = 3
"""Of what is said of a label, so many that fit best count."""

_WORD_ENDS = re.compile(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[A-Z][a-z])|[\W_]+")


class Statements:
    """What is said of some labels, one thing after the other.

    Args:
        about: of each label in order, its descriptions; where there are none, its name is one.

    Attributes:
        classes: of each statement, its label's number.
    """

    def __init__(self, about: Mapping[str, Sequence[str]]) -> None:
        self.names = [spelt_out(label) for label in about]
        said = [texts or ("",) for texts in about.values()]
        self._plain = [text or self.names[i] for i, texts in enumerate(said) for text in texts]
        self._counts = [len(texts) for texts in said]
        self.classes: NDArray[np.int64] = np.repeat(np.arange(len(said)), self._counts)
        self.named = [
            f"{self.names[i]}: {text}" if text else self.names[i]
            for i, texts in enumerate(said)
            for text in texts
        ]

    def to_encode(self) -> list[str]:
        """The texts whose vectors `head` wants, in this order."""
        return [*self.named, *self._plain, *self.names]

    def head(self, vectors: Vectors, scale: Scale, *, multi: bool) -> DescribedHead:
        """The head that these teach.

        Args:
            vectors: of `to_encode`, unit rows.
            scale: of their encoder.
            multi: whether each label is judged by itself.
        """
        size = len(self.named)
        named, plain, names = vectors[:size], vectors[size : 2 * size], vectors[2 * size :]
        rows = unit_rows(named + plain + NAME_SHARE * names[self.classes])
        rows = unit_rows(rows - COMMON * rows.mean(axis=0))
        return DescribedHead(self, rows, scale, multi=multi)


class DescribedHead:
    """The likeness of a text to what is said of each label: in meaning, and to the letter.

    Names and rare words of a description tell near labels apart that mean about the same, so the
    letters count too. See `Statements.head`, which makes one.
    """

    def __init__(self, statements: Statements, rows: Vectors, scale: Scale, *, multi: bool) -> None:
        self._rows = rows
        self._letters = PieceLikeness(statements.named)
        self._columns = [
            np.flatnonzero(statements.classes == label) for label in range(len(statements.names))
        ]
        self._scale = scale
        self._multi = multi

    @property
    def size_bytes(self) -> int:
        """The memory that it holds."""
        return self._rows.nbytes + self._letters.size_bytes

    def __call__(self, texts: Sequence[str], vectors: Vectors) -> Probabilities:
        """The labels' probabilities, shape (texts, labels)."""
        cosines = (vectors @ self._rows.T).astype(np.float64)
        letters = self._letters(count_pieces(texts))
        weight = LETTERS_ALONE if self._multi else LETTERS
        joined = cosines / self._scale.temperature + weight * letters
        logits = np.stack([_best(joined[:, columns]) for columns in self._columns], axis=1)
        if self._multi:
            return np.asarray(1 / (1 + np.exp(self._scale.described_middle - logits)))
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def spelt_out(name: str) -> str:
    """A name such as "PDF&URLTool" or "get_user.info" as the words that it is made of."""
    return " ".join(_WORD_ENDS.sub(" ", name).split()) or name


def _best(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of the highest of each row."""
    if logits.shape[1] > BEST:
        logits = np.partition(logits, -BEST, axis=1)[:, -BEST:]
    return np.asarray(logits.mean(axis=1))
