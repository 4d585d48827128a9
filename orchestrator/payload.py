"""Finds the text that a request is about, where the request holds it.

Where each tool's wish is said is known, from what reads requests; a text to work on is a part of
the request in which no wish is said: what is quoted or fenced, what comes after a colon or on the
next lines, or sentences beside those that ask.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from orchestrator.clauses import COLON, FENCE, MAX_INSTRUCTION_CHARS, QUOTES, unquoted
from tools.sentences import split_sentences

Weight = Callable[[int, int], float]
"""How much of what is asked lies in a part of the request, from 0 to 1."""

_MOST_ASKED = 0.3
"""A part that holds more of what is asked is no text to work on."""
_LEAST_CHARS = 2
_PARAGRAPH = re.compile(r"\n\s*\n|\n")


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the request, from one character up to another."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Found:
    """The text, and the part of the request that it stands in, quotes and all."""

    text: str
    span: Span


def find_payload(request: str, weight: Weight, *, is_there: bool = False) -> Found | None:
    """The text that the request is about, or None where all of it is the request.

    Marks go before sentences, and of several marked parts the longest is taken.

    Args:
        is_there: it is known that there is such a text: then it is the part in which least is
            asked, though the words of it may look like wishes.
    """
    marked = [found for found in _marked(request) if len(found.text) >= _LEAST_CHARS]
    sentences = list(_sentences(request))
    for candidates in (marked, sentences):
        fitting = [f for f in candidates if weight(f.span.begin, f.span.end) <= _MOST_ASKED]
        if fitting:
            return max(fitting, key=lambda found: found.span.end - found.span.begin)
    perhaps = marked or sentences
    if not (is_there and perhaps):
        return None
    return min(perhaps, key=lambda found: weight(found.span.begin, found.span.end))


def instruction(request: str, payload: Found | None) -> str:
    """The request without the text it is about; a word points at where that stood."""
    if payload is None:
        return request
    before, after = request[: payload.span.begin], request[payload.span.end :]
    inside = before.strip() and after.strip(' \n.!?。！？)»”"')
    return " ".join(f"{before} {'this' if inside else ''} {after}".split())


def _marked(request: str) -> Iterator[Found]:
    for match in FENCE.finditer(request):
        yield Found(match["text"].strip(), Span(match.start(), match.end()))
    for form in QUOTES:
        for match in form.finditer(request):
            yield Found(match["text"].strip(), Span(match.start(), match.end()))
    for match in COLON.finditer(request, 0, MAX_INSTRUCTION_CHARS):
        yield _rest(request, match.end())
    for match in _PARAGRAPH.finditer(request):
        yield _rest(request, match.end())
        yield Found(request[: match.start()].strip(), Span(0, match.start()))


def _rest(request: str, begin: int) -> Found:
    return Found(unquoted(request[begin:]), Span(begin, len(request)))


def _sentences(request: str) -> Iterator[Found]:
    """Runs of whole sentences, shorter than the request."""
    spans: Sequence[Span] = [Span(s.start, s.end) for s in split_sentences(request)]
    for first in range(len(spans)):
        for last in range(first, len(spans)):
            if last - first + 1 < len(spans):
                begin, end = spans[first].begin, spans[last].end
                yield Found(request[begin:end].strip(), Span(begin, end))
