"""Long texts in pieces that a model can take, cut where sentences end."""

from __future__ import annotations

import re
import unicodedata

from tools.sentences import Span, split_sentences


def split_windows(text: str, max_chars: int) -> list[Span]:
    """Consecutive spans of whole sentences, none longer than `max_chars` code points.

    A sentence that is longer itself is cut at white space, or where there is none, between two
    characters. Between spans there is nothing but white space.
    """
    if max_chars < 1:
        raise ValueError("max_chars must be at least 1")
    windows: list[Span] = []
    for sentence in split_sentences(text):
        for piece in _cut(text, sentence, max_chars):
            if windows and piece.end - windows[-1].start <= max_chars:
                windows[-1] = Span(windows[-1].start, piece.end)
            else:
                windows.append(piece)
    return windows


def _cut(text: str, span: Span, max_chars: int) -> list[Span]:
    pieces: list[Span] = []
    start, end = span
    while end - start > max_chars:
        cut = _last_space(text, start, start + max_chars)
        pieces.append(Span(start, start + len(text[start:cut].rstrip())))
        start = cut + len(text[cut:end]) - len(text[cut:end].lstrip())
    if start < end:
        pieces.append(Span(start, end))
    return pieces


def _last_space(text: str, start: int, limit: int) -> int:
    """The last place in (start, limit] where a cut parts no word, else no combined character."""
    for match in reversed(list(re.finditer(r"\s", text[start : limit + 1]))):
        if match.start() > 0:
            return start + match.start()
    cut = limit
    while cut > start + 1 and _joins_previous(text[cut]):
        cut -= 1
    return cut if cut > start + 1 or limit == start + 1 else limit


def _joins_previous(char: str) -> bool:
    return bool(unicodedata.combining(char)) or char in "\u200d\ufe0f"
