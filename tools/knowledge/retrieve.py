"""From a query to the passages likeliest to answer it, each with a probability."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import mul
from typing import TYPE_CHECKING, Any, Literal, Protocol

from tools.knowledge import lexical
from tools.knowledge.vectors import E5, MINILM, Point, Vectors, VectorStore, Where

if TYPE_CHECKING:
    from numpy.typing import NDArray

RELEVANT = 0.025
"""Below this no passage is worth reading: 98 of 100 answerable questions score higher."""

_ENOUGH = 0.1
"""From here an English query needs no second encoder."""
_CANDIDATES = 30
_OTHER_LANGUAGES = "mul"
"""ISO 639 for "multiple": whatever is not English goes to the multilingual encoder."""


class Encode(Protocol):
    """Texts to unit vectors, as `model_servers.encoders.encode` with its pool bound."""

    async def __call__(
        self,
        texts: Sequence[str],
        *,
        language: str,
        role: Literal["query", "passage"],
        deadline: float | None = None,
    ) -> NDArray[Any]: ...


@dataclass(frozen=True, slots=True)
class _Weights:
    """A logistic regression. `overlap` is the share of the query's content words in a passage."""

    cosine: float
    overlap: float
    same_language: float
    bias: float


# Fitted on 91 questions about a support handbook (57 English, 34 in eight other languages; none of
# them is in any evaluation) against the 15 best passages of each. E5 likes texts in the query's
# own language too much, hence the negative weight.
_RELEVANCE: Mapping[str, _Weights] = {
    MINILM: _Weights(cosine=9.7, overlap=2.5, same_language=0.0, bias=-7.5),
    E5: _Weights(cosine=35.6, overlap=4.1, same_language=-2.1, bias=-32.1),
}


def relevance(encoder: str, *, cosine: float, overlap: float, same_language: bool) -> float:
    """How likely a passage is to hold the answer, 0 to 1, by the encoder that compared them."""
    weights = _RELEVANCE[encoder]
    logit = (
        weights.cosine * cosine
        + weights.overlap * overlap
        + weights.same_language * same_language
        + weights.bias
    )
    return 1 / (1 + math.exp(-logit))


async def retrieve(
    store: VectorStore,
    encode: Encode,
    query: str,
    *,
    where: Where,
    limit: int,
    language: str,
    deadline: float | None = None,
) -> list[tuple[Point, float]]:
    """The points likeliest to answer the query, the best first, with their relevance.

    An English query is compared by the English encoder first, in a few milliseconds; the
    multilingual one, ten times as slow, is asked where that finds nothing to be sure of.
    """
    encoders = (MINILM, E5) if language == "en" else (E5,)
    scores: dict[str, tuple[Point, float]] = {}
    for encoder in encoders:
        rows = await encode(
            [query],
            language="en" if encoder == MINILM else _OTHER_LANGUAGES,
            role="query",
            deadline=deadline,
        )
        vector = rows[0].tolist()
        asked = Vectors({encoder: vector}, lexical.query_vector(query, language))
        for hit in await store.query(asked, where, _CANDIDATES):
            score = _score(encoder, vector, query, language, hit.point)
            if hit.point.id not in scores or score > scores[hit.point.id][1]:
                scores[hit.point.id] = (hit.point, score)
        if any(score >= _ENOUGH for _, score in scores.values()):
            break
    ranked = sorted(scores.values(), key=lambda each: each[1], reverse=True)
    return ranked[:limit]


def _score(
    encoder: str, query_vector: Sequence[float], query: str, language: str, point: Point
) -> float:
    vector = point.vectors.dense.get(encoder)
    wanted = lexical.content_words(query, language)
    there = point.vectors.lexical.indices if point.vectors.lexical else ()
    return relevance(
        encoder,
        cosine=sum(map(mul, query_vector, vector)) if vector else 0.0,
        overlap=len(wanted.intersection(there)) / max(1, len(wanted)),
        # An English query comes here for what is in other languages: no bonus for being that.
        same_language=language in ("en", point.payload["language"]),
    )
