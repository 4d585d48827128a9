"""Which words a decision rests on: leave each out, and see how far the probability falls."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from tools.sentences import Span

# A word with what is joined to it, or two characters of a script without spaces.
_PIECE = re.compile(
    r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\u0e00-\u0eff]{1,2}"
    r"|[^\W_]+(?:['’\-.][^\W_]+)*|[!?]{2,}|[\U0001F300-\U0001FAFF\u2600-\u27BF]+"
)


class WordWeight(NamedTuple):
    """A piece of text, and what the decision's probability loses without it."""

    word: str
    weight: float


def pieces(text: str, limit: int) -> list[Span]:
    """At most `limit` spans: single words, or runs of neighbouring words where there are more."""
    words = [Span(*match.span()) for match in _PIECE.finditer(text)]
    size = max(1, -(-len(words) // limit))
    runs = (words[i : i + size] for i in range(0, len(words), size))
    return [Span(run[0].start, run[-1].end) for run in runs]


async def word_weights(
    text: str,
    probability: float,
    score: Callable[[Sequence[str]], Awaitable[Sequence[float]]],
    *,
    limit: int = 32,
    top: int = 6,
) -> list[WordWeight]:
    """The words that weighed most for a decision, the heaviest first.

    Args:
        probability: of the decision on the whole text.
        score: gives the decision's probability for other texts.
        limit: texts that are scored at most.
    """
    spans = pieces(text, limit)
    if len(spans) < 2:
        return [WordWeight(text[s.start : s.end], probability) for s in spans]
    shorter = [f"{text[: s.start]}{text[s.end :].lstrip()}" for s in spans]
    found = [
        WordWeight(text[span.start : span.end], round(probability - p, 4))
        for span, p in zip(spans, await score(shorter), strict=True)
    ]
    heaviest = sorted(found, key=lambda word: -word.weight)[:top]
    return [word for word in heaviest if word.weight >= 0.01]
