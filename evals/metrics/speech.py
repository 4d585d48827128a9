"""How much of a transcript is wrong, by jiwer."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

import numpy as np
from pydantic import JsonValue

from evals.metrics.additive import AdditiveMetric, Array, Parts, means, ratio
from evals.metrics.forms import read_text

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SPELLED = {str(digit): name for digit, name in enumerate(DIGITS)}


def plain_words(text: str) -> str:
    """Without case, punctuation and the space around words: what speech does not tell apart."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    # An apostrophe within a word is part of it.
    kept = (
        char if char == "'" or not unicodedata.category(char).startswith("P") else " "
        for char in folded.replace("’", "'")
    )
    return " ".join("".join(kept).split())


def spoken_words(text: str) -> str:
    """`plain_words`, with a digit that stands alone by its English name: "Press 5" is said so."""
    return " ".join(_SPELLED.get(word, word) for word in plain_words(text).split())


def printed_words(text: str) -> str:
    """What print tells apart: case and punctuation, but no kinds of space or of the same sign."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


class ErrorRates(AdditiveMetric):
    """wer and cer: substitutions, deletions and insertions over the words, or characters, of all
    references. More than 1 is possible.

    Golds and predictions are texts or {"text"}, compared by `normalise`; an error is an empty
    transcript. Where words are not spaced, as in Chinese, the cer is the figure to read.
    """

    name = "error_rates"
    higher_is_better = False

    def __init__(self, normalise: Callable[[str], str] = plain_words) -> None:
        self.normalise = normalise

    def parts(self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]) -> Parts:
        rows = [
            self._row(read_text(gold), read_text(prediction))
            for gold, prediction in zip(golds, predictions, strict=True)
        ]
        return Parts(np.array(rows, dtype=float).reshape(len(rows), 4), _figures)

    def _row(self, gold: str, prediction: str) -> list[int]:
        from jiwer import process_characters, process_words

        right, given = self.normalise(gold), self.normalise(prediction)
        row = []
        for process in (process_words, process_characters):
            output = process(right, given)
            missed = output.substitutions + output.deletions
            row += [missed + output.insertions, missed + output.hits]
        return row


class ExactTranscripts(AdditiveMetric):
    """exact: the share of transcripts that have all words right, and none too many.

    Golds, predictions and errors as ErrorRates has them.
    """

    name = "exact_transcripts"

    def __init__(self, normalise: Callable[[str], str] = plain_words) -> None:
        self.normalise = normalise

    def parts(self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]) -> Parts:
        pairs = zip(golds, predictions, strict=True)
        right = (self.normalise(read_text(g)) == self.normalise(read_text(p)) for g, p in pairs)
        return means(("exact",), [[float(one)] for one in right])


def _figures(sums: Array) -> dict[str, Array]:
    words, of_words, characters, of_characters = sums.T
    return {"wer": ratio(words, of_words), "cer": ratio(characters, of_characters)}
