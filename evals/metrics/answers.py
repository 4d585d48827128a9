"""Whether an answer is the right one, as SQuAD's evaluation decides it, and what it cites."""

from __future__ import annotations

import re
import string
import sys
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache

import numpy as np
from pydantic import JsonValue

from evals.metrics.additive import AdditiveMetric, Array, Parts, precision_recall_f1, ratio
from evals.metrics.forms import MetricError, read_list, shown

# The articles of MLQA's evaluation (Lewis et al. 2020, MLQA: Evaluating Cross-lingual Extractive
# Question Answering); the English ones are SQuAD's.
_ARTICLES = {
    "en": r"\b(a|an|the)\b",
    "es": r"\b(un|una|unos|unas|el|la|los|las)\b",
    "de": r"\b(ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b",
    "vi": r"\b(của|là|cái|chiếc|những)\b",
    "ar": r"\sال^|ال",
}
_HAN = re.compile(r"([\u4e00-\u9fa5])")
_BY_CHARACTER = ("zh",)


class SquadAnswers(AdditiveMetric):
    """exact_match and f1 of short answers, from 0 to 1.

    Golds are lists of texts, or {"answers": [texts], "lang"}; no text where the right answer is
    "I don't know". Where a gold has no `lang`, `language` holds.
    Predictions are a text or {"answer"}; a None in there, or an empty text, says "I don't know".
    Where the answer is the short words of a longer text, that may come as "whole". An error is
    right for no gold.

    Answers are compared without case, punctuation and articles, by words (Rajpurkar et al. 2016),
    and in Chinese by characters, as MLQA's script does; the best of the gold answers counts, and
    where there is none, only "I don't know" is right (SQuAD 2.0).

    Figures: exact_match and f1 over all; over the golds with answers answerable_exact_match,
    answerable_f1, answerable_contains, the share whose whole text holds a gold answer's words in
    a row, and answerable_answered, the share that is not refused; abstention_precision, _recall
    and _f1 of "I don't know", where some gold wants it.
    """

    name = "answers"

    def __init__(self, language: str = "en") -> None:
        self.language = language

    def parts(self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]) -> Parts:
        rows = [_row(g, p, self.language) for g, p in zip(golds, predictions, strict=True)]
        return Parts(np.array(rows, dtype=float).reshape(len(rows), 10), _figures)


class Citations(AdditiveMetric):
    """citation_precision, _recall and _f1: cited passages against those that hold the answer.

    Golds and predictions are lists of ids, or {"citations": [...]}. Micro, over sets: what is
    cited where a gold has nothing to cite costs precision, and so an error costs recall alone.
    """

    name = "citations"

    def parts(self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]) -> Parts:
        rows = []
        for gold, prediction in zip(golds, predictions, strict=True):
            right = {str(passage) for passage in read_list(gold, "citations")}
            cited = {str(passage) for passage in read_list(prediction, "citations")}
            rows.append((len(right & cited), len(cited), len(right)))

        def figures(sums: Array) -> dict[str, Array]:
            matched, cited, wanted = sums.T
            nothing = cited + wanted == 0
            names = ("citation_precision", "citation_recall", "citation_f1")
            values = precision_recall_f1(matched, cited, wanted)
            return {
                name: np.where(nothing, np.nan, value)
                for name, value in zip(names, values, strict=True)
            }

        return Parts(np.array(rows, dtype=float).reshape(len(rows), 3), figures)


def normalise_answer(text: str, language: str = "en") -> str:
    """Without case, punctuation and articles, words and Chinese characters spaced by one."""
    language = language.split("-", maxsplit=1)[0].lower()
    # SQuAD's script knows ASCII's punctuation; MLQA's, for the other languages, all of Unicode's.
    marks = frozenset(string.punctuation) if language == "en" else _punctuation()
    kept = "".join(char for char in text.lower() if char not in marks)
    if language in _ARTICLES:
        kept = re.sub(_ARTICLES[language], " ", kept)
    if language in _BY_CHARACTER:
        kept = _HAN.sub(r" \1 ", kept)
    return " ".join(kept.split())


@cache
def _punctuation() -> frozenset[str]:
    every = map(chr, range(sys.maxunicode + 1))
    return frozenset(c for c in every if unicodedata.category(c).startswith("P")) | frozenset(
        string.punctuation
    )


def _row(gold: JsonValue, prediction: JsonValue, language: str) -> tuple[float, ...]:
    if isinstance(gold, dict):
        language = str(gold.get("lang") or language)
    # A gold of marks and articles alone leaves nothing to compare; SQuAD's script drops it too.
    texts = [str(answer) for answer in read_list(gold, "answers")]
    rights = [right for text in texts if (right := normalise_answer(text, language))]
    if texts and not rights:
        raise MetricError(f"No prediction can match the gold answers {shown(list(texts))}.")
    failed = prediction is None
    given = normalise_answer(_answer(prediction), language)
    silent = not failed and not given
    if not rights:
        exact = f1 = float(silent)
        contains = 0.0
    else:
        exact = float(given in rights)
        f1 = max(_word_f1(given.split(), right.split()) for right in rights)
        whole = normalise_answer(_whole(prediction), language)
        contains = float(any(f" {right} " in f" {whole} " for right in rights))
    answerable = bool(rights)
    return (
        exact,
        f1,
        1.0,
        exact * answerable,
        f1 * answerable,
        contains,
        float(answerable),
        float(answerable and bool(given)),
        float(silent and not answerable),
        float(silent),
    )


def _figures(sums: Array) -> dict[str, Array]:
    exact, f1, count, exact_known, f1_known, contains, answerable, answered, *_ = sums.T
    right_silent, silent = sums.T[-2:]
    unanswerable = count - answerable
    figures = {
        "exact_match": ratio(exact, count),
        "f1": ratio(f1, count),
        "answerable_exact_match": ratio(exact_known, answerable),
        "answerable_f1": ratio(f1_known, answerable),
        "answerable_contains": ratio(contains, answerable),
        "answerable_answered": ratio(answered, answerable),
    }
    abstention = precision_recall_f1(right_silent, silent, unanswerable)
    for part, values in zip(("precision", "recall", "f1"), abstention, strict=True):
        figures[f"abstention_{part}"] = np.where(unanswerable == 0, np.nan, values)
    return figures


def _answer(prediction: JsonValue) -> str:
    if isinstance(prediction, dict) and "answer" in prediction:
        prediction = prediction["answer"]
    if prediction is None or isinstance(prediction, str):
        return prediction or ""
    raise MetricError(f'An answer is a text or {{"answer"}}, not {shown(prediction)}.')


def _whole(prediction: JsonValue) -> str:
    """The text that the answer is of, or the answer itself."""
    whole = prediction.get("whole") if isinstance(prediction, dict) else None
    return whole if isinstance(whole, str) else _answer(prediction)


def _word_f1(given: list[str], right: list[str]) -> float:
    matched = (Counter(given) & Counter(right)).total()
    return 2 * matched / (len(given) + len(right))
