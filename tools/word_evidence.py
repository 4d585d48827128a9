"""What the words of a text say of its label: naive Bayes over pieces of words.

An encoder knows what a text means, and not which of two near labels it is that people word so.
Pieces of 2 to 4 letters need no tokenizer, so that every script is read alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

MAX_CHARS = 600
"""Of a text that are read: as many as a window has."""
_BUCKETS = 2**18
_SMOOTHING = 0.02
"""Added to each piece's count: pieces are many, and a label's texts are few."""


def count_pieces(texts: Sequence[str]) -> Any:
    """How often each text has each piece: a sparse matrix, one row a text."""
    return _hashing().transform([text[:MAX_CHARS] for text in texts])


class WordEvidence:
    """Multinomial naive Bayes with tf-idf weights, kept sparse: of many labels and pieces, few
    pairs were seen.

    Args:
        counts: what `count_pieces` gives for the examples.
        classes: of each example, its label's number.
        labels: how many labels there are; one without examples is as likely as its smoothing.
    """

    def __init__(self, counts: Any, classes: NDArray[np.int64], labels: int) -> None:
        from scipy.sparse import csr_matrix

        rows, buckets = counts.shape
        seen = np.bincount(counts.indices, minlength=buckets)
        self._idf = _idf(seen, rows)
        of_label = csr_matrix((np.ones(rows), (classes, np.arange(rows))), shape=(labels, rows))
        sums = of_label @ self._weighted(counts)
        totals = np.asarray(sums.sum(axis=1)).ravel()
        # log((sum + s) / all) is log(1 + sum / s), which is 0 for what was not seen, and a rest
        # that is the same for every piece.
        self._rest = np.log(_SMOOTHING) - np.log(totals + _SMOOTHING * np.count_nonzero(seen))
        sums.data = np.log1p(sums.data / _SMOOTHING)
        self._seen = sums.T.tocsr().astype(np.float32)

    @property
    def size_bytes(self) -> int:
        seen = self._seen
        arrays = (self._idf, self._rest, seen.data, seen.indices, seen.indptr)
        return sum(array.nbytes for array in arrays)

    def scores(self, counts: Any) -> Matrix:
        """The logarithms of each label's likelihood, but for a number that all labels share."""
        weighted = self._weighted(counts)
        amounts = np.asarray(weighted.sum(axis=1))
        return np.asarray((weighted @ self._seen).toarray() + amounts * self._rest)

    def _weighted(self, counts: Any) -> Any:
        return _weighted(counts, self._idf)


class PieceLikeness:
    """How alike texts are to some others in the pieces that those have: cosines of tf-idf.

    Args: texts: the others.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        counts = count_pieces(texts)
        seen = np.bincount(counts.indices, minlength=counts.shape[1])
        # A piece that none of them has tells nothing of which one it is.
        self._idf = np.where(seen > 0, _idf(seen, len(texts)), 0).astype(np.float32)
        self._texts = _weighted(counts, self._idf).astype(np.float32)

    @property
    def size_bytes(self) -> int:
        rows = self._texts
        arrays = (self._idf, rows.data, rows.indices, rows.indptr)
        return sum(array.nbytes for array in arrays)

    def __call__(self, counts: Any) -> Matrix:
        """Cosines from 0 to 1 of the texts that `counts` are of, shape (texts, others)."""
        return np.asarray((_weighted(counts, self._idf) @ self._texts.T).toarray())


def _idf(seen: NDArray[np.int64], rows: int) -> NDArray[np.float32]:
    return (np.log((1 + rows) / (1 + seen)) + 1).astype(np.float32)


def _weighted(counts: Any, idf: NDArray[np.float32]) -> Any:
    """Sublinear tf-idf in rows of length 1: a long text is no more evidence than a short."""
    from sklearn.preprocessing import normalize

    weighted = counts.astype(np.float64)
    weighted.data = (1 + np.log(weighted.data)) * idf[weighted.indices]
    return normalize(weighted, copy=False)


@cache
def _hashing() -> Any:
    from sklearn.feature_extraction.text import HashingVectorizer

    return HashingVectorizer(
        analyzer="char_wb",
        ngram_range=(2, 4),
        n_features=_BUCKETS,
        alternate_sign=False,
        norm=None,
    )
