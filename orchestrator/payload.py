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
_EDGE = 128
"""Sentences, and ends of paragraphs, that are told apart at each end of a request: what reads
requests sees no more of a long one than its two ends."""
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


@dataclass(frozen=True, slots=True)
class Part:
    """A part that may be the text, which is cut out only when it is wanted: of a long request
    there are many parts, and each may be nearly as long.

    Attributes:
        bare: takes off the marks.
    """

    span: Span
    bare: Callable[[str], str]

    @property
    def length(self) -> int:
        return self.span.end - self.span.begin

    def text(self, request: str) -> str:
        return self.bare(request[self.span.begin : self.span.end])

    def found(self, request: str) -> Found:
        return Found(self.text(request), self.span)


def find_payload(request: str, weight: Weight, *, is_there: bool = False) -> Found | None:
    """The text that the request is about, or None where all of it is the request.

    Marks go before sentences, and of several marked parts the longest is taken.

    Args:
        weight: of a part it is no less than of what lies within.
        is_there: it is known that there is such a text: then it is the part in which least is
            asked, though the words of it may look like wishes.
    """

    def asked(part: Part) -> float:
        return weight(part.span.begin, part.span.end)

    marked = [part for part in _marked(request) if len(part.text(request)) >= _LEAST_CHARS]
    fitting = [part for part in marked if asked(part) <= _MOST_ASKED]
    if fitting:
        return max(fitting, key=lambda part: part.length).found(request)
    sentences = _sentences(request)
    run = _longest_run(sentences, weight)
    if run is not None:
        return Part(run, str.strip).found(request)
    # No run of several holds less than one of its sentences.
    perhaps = marked or [Part(span, str.strip) for span in sentences]
    if not (is_there and perhaps):
        return None
    return min(perhaps, key=asked).found(request)


def instruction(request: str, payload: Found | None) -> str:
    """The request without the text it is about; a word points at where that stood."""
    if payload is None:
        return request
    before, after = request[: payload.span.begin], request[payload.span.end :]
    inside = before.strip() and after.strip(' \n.!?。！？)»”"')
    return " ".join(f"{before} {'this' if inside else ''} {after}".split())


def _marked(request: str) -> Iterator[Part]:
    for match in FENCE.finditer(request):
        yield _within(match)
    for form in QUOTES:
        for match in form.finditer(request):
            yield _within(match)
    for match in COLON.finditer(request, 0, MAX_INSTRUCTION_CHARS):
        yield _rest(request, match.end())
    ends = [match.span() for match in _PARAGRAPH.finditer(request)]
    for begin, end in ends if len(ends) <= 2 * _EDGE else ends[:_EDGE] + ends[-_EDGE:]:
        yield _rest(request, end)
        yield Part(Span(0, begin), str.strip)


def _within(match: re.Match[str]) -> Part:
    text = match["text"].strip()
    return Part(Span(*match.span()), lambda _: text)


def _rest(request: str, begin: int) -> Part:
    return Part(Span(begin, len(request)), unquoted)


def _sentences(request: str) -> list[Span]:
    """The sentences of a request that has more than one; the middle of a long one is as one."""
    spans = [Span(s.start, s.end) for s in split_sentences(request)]
    if len(spans) > 2 * _EDGE + 1:
        middle = Span(spans[_EDGE].begin, spans[-_EDGE - 1].end)
        spans = [*spans[:_EDGE], middle, *spans[-_EDGE:]]
    return spans if len(spans) > 1 else []


def _longest_run(sentences: Sequence[Span], weight: Weight) -> Span | None:
    """The longest run of sentences, shorter than all of them, in which hardly anything is asked.

    A run that begins later may end later and never must earlier, so each end is looked at once.
    """
    best: Span | None = None
    last = 0
    for first, sentence in enumerate(sentences):
        last = max(last, first)
        while last < len(sentences) and weight(sentence.begin, sentences[last].end) <= _MOST_ASKED:
            last += 1
        if last == first:
            continue
        whole = last - first == len(sentences)
        run = Span(sentence.begin, sentences[last - 1 - whole].end)
        if best is None or run.end - run.begin > best.end - best.begin:
            best = run
    return best
