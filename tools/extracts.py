"""A text's most telling sentences, for when there is no time to read all of it."""

from __future__ import annotations

import math
import re
from collections import Counter

from tools.sentences import split_sentences

_TOKEN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\\W\\d_]+")


def extract_sentences(text: str, max_chars: int) -> str:
    """Sentences whose words are the most typical of the text, in the text's order.

    Each sentence is scored by its cosine to the text's term weights (the centroid method of Radev
    et al. 2004, "Centroid-based summarization of multiple documents"); the best that fit into
    `max_chars` are kept, the first one always.
    """
    sentences = [text[start:end] for start, end in split_sentences(text)]
    counts = [Counter(_TOKEN.findall(sentence.lower())) for sentence in sentences]
    holding = Counter(word for count in counts for word in count)
    weights = {word: math.log(1 + len(sentences) / number) for word, number in holding.items()}
    whole: Counter[str] = sum(counts, Counter())

    def score(number: int) -> float:
        count = counts[number]
        length = math.sqrt(sum((n * weights[word]) ** 2 for word, n in count.items()))
        dot = sum(n * whole[word] * weights[word] ** 2 for word, n in count.items())
        return dot / length if length and len(count) > 3 else 0.0

    kept = {0}
    room = max_chars - len(sentences[0]) if sentences else 0
    for number in sorted(range(1, len(sentences)), key=score, reverse=True):
        if len(sentences[number]) < room:
            kept.add(number)
            room -= len(sentences[number]) + 1
    return " ".join(sentences[number] for number in sorted(kept)) if sentences else ""
