"""How near a translation is to the reference, by sacrebleu."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from pydantic import JsonValue

from evals.metrics.additive import AdditiveMetric, Array, Parts
from evals.metrics.forms import MetricError, read_text, shown

_TOKENISERS = {"zh": "zh", "ja": "ja-mecab", "ko": "char", "th": "char", "lo": "char", "my": "char"}
_DEFAULT_TOKENISER = "13a"


def tokeniser_of(language: str) -> str:
    """sacrebleu's tokeniser for a language that is written without spaces, else 13a."""
    return _TOKENISERS.get(language.split("-", maxsplit=1)[0].lower(), _DEFAULT_TOKENISER)


class Translation(AdditiveMetric):
    """Corpus chrf and bleu, from 0 to 100 as sacrebleu gives them.

    Golds are a reference, a list of references, or {"text", "lang"}: `text` either of the two,
    and `lang` the target's code, by which BLEU's tokeniser is chosen. Without it `language`
    holds. Predictions are a text or {"text"}; an error is an empty translation.
    """

    name = "translation"

    def __init__(self, language: str = "en") -> None:
        self.language = language

    def parts(self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]) -> Parts:
        chrf, plain = _chrf(), _bleu(_DEFAULT_TOKENISER)
        rows: list[list[float]] = []
        for gold, prediction in zip(golds, predictions, strict=True):
            references, language = self._references(gold)
            text = read_text(prediction)
            bleu = _bleu(tokeniser_of(language))
            rows.append(
                [*_statistics(chrf, text, references), *_statistics(bleu, text, references)]
            )
        columns = np.array(rows, dtype=float)
        split = 3 * chrf.order

        def figures(sums: Array) -> dict[str, Array]:
            return {
                "chrf": _scores(chrf, sums[:, :split]),
                "bleu": _scores(plain, sums[:, split:]),
            }

        return Parts(columns, figures)

    def _references(self, gold: JsonValue) -> tuple[list[str], str]:
        language = self.language
        if isinstance(gold, dict):
            language = str(gold.get("lang") or language)
            gold = gold.get("text")
        references = gold if isinstance(gold, list) else [gold]
        if not references or not all(isinstance(text, str) for text in references):
            raise MetricError(f"A gold translation is a text or texts, not {shown(gold)}.")
        return [str(text) for text in references], language


# sacrebleu's own resampling sums these statistics; it has no public name for them.
def _statistics(scorer: Any, text: str, references: Sequence[str]) -> list[float]:
    row = scorer._extract_corpus_statistics([text], [[reference] for reference in references])[0]
    return [float(value) for value in row]


def _scores(scorer: Any, sums: Array) -> Array:
    score: Callable[[list[int]], Any] = scorer._compute_score_from_stats
    return np.array([score([int(value) for value in row]).score for row in sums])


@cache
def _bleu(tokeniser: str) -> Any:
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(tokenize=tokeniser)


@cache
def _chrf() -> Any:
    from sacrebleu.metrics.chrf import CHRF

    return CHRF()
