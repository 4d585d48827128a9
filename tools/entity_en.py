"""Named entities in English: what two models found, put right by rules.

spaCy's pipeline knows all types and wants whole sentences. Rampart knows people and places only,
but also where a line is no more than a name. Where they differ about a type, Rampart is believed
if it is sure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from model_servers.entities import NamedSpan
from model_servers.rampart import PersonalSpan
from tools.sentences import Span
from tools.spans import Found, NamedType

_TYPES: Mapping[str, NamedType] = {
    "PERSON": "person",
    "ORG": "organisation",
    "GPE": "place",
    "LOC": "place",
    "FAC": "place",
    "DATE": "date",
    "TIME": "date",
    "MONEY": "amount",
    "PERCENT": "amount",
    "QUANTITY": "amount",
    "PRODUCT": "product",
    "NORP": "group",
    "EVENT": "event",
}
# How often spaCy is right about a type: on Universal NER's English test set (web text, strict
# spans) for the first three, by its model card for the rest.
_SCORES: Mapping[NamedType, float] = {
    "person": 0.7,
    "organisation": 0.4,
    "place": 0.75,
    "date": 0.85,
    "amount": 0.85,
    "product": 0.5,
    "group": 0.85,
    "event": 0.5,
}
_PERSONAL: Mapping[str, NamedType] = {"person": "person", "place": "place"}
_SURE = 0.8
_LONGEST_PERSON = 3
"""In words, of what the pipeline took for something else."""

# What the pipeline takes for organisations, and sometimes for people.
_NO_NAMES = frozenset(
    {
        *("asap", "bic", "cc", "cvv", "dob", "e-mail", "email", "eta", "faq", "fax", "fyi", "iban"),
        *("id", "ip", "n/a", "phone", "pii", "pin", "re", "ssn", "swift", "tel", "url", "vat"),
    }
)
_CURRENCY = "$€£¥₹₩₽"
_NOT_IN_NAMES = re.compile(r"://|@|\n\s*\n")
_FILE = re.compile(r"[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|edu|gov|docx?|pdf|xlsx?|txt|html?)", re.I)
_ARTICLE = re.compile(r"an? ", re.I)
_ARTICLE_WITHIN = re.compile(r"\w The \Z")
_TITLE = re.compile(r"(?:Mrs?|Ms|Miss|Dr|Prof)\.? ")
_NUMBER_BEHIND = re.compile(r"[\s,]+[\d-]+\Z")
_AND = re.compile(r" (?:and|&) ")
_LINE_END = re.compile(r"\s*[\r\n]\s*")
_LABEL_BEHIND = re.compile(r"[ \t]*:")
_PRICED = re.compile(rf"[{_CURRENCY}%]|\b[A-Z]{{3}}\b")
# What a mail or an order to an assistant begins with, and a pipeline takes for a part of the name.
_LEAD = re.compile(
    r"(?i:(?:please|kindly) )?(?i:ask|call|contact|dear|e-?mail|greet|hello|hey|hi|inform|invite"
    r"|meet|message|notify|phone|please|remind|tell|text|thank|thanks|welcome)[,:]? (?=[^\W\d_a-z])"
)
_SENTENCE_START = re.compile(r"(?:\A|[.!?:;,\n\"“(])\s*\Z")
_BULLET = re.compile(r"^[ \t]*[-*•>]+(?= )", re.MULTILINE)


def without_bullets(text: str) -> str:
    """The text with blanks for the marks of a list, behind which the pipeline misses names."""
    return _BULLET.sub(lambda mark: " " * len(mark.group()), text)


def names_of(
    text: str,
    spans: Sequence[NamedSpan],
    personal: Sequence[PersonalSpan],
    types: Collection[NamedType],
) -> list[Found]:
    """Entities of these types, which may overlap.

    Args:
        text: English.
        spans: what spaCy's pipeline found in it.
        personal: what Rampart found in it, in order.
        types: which are wanted.
    """
    sure = [span for span in personal if span.score >= _SURE]
    found = [entity for span in spans for entity in _named(text, span, personal)]
    taken = [(entity.start, entity.end) for entity in found]
    found += [
        Found(span.start, span.end, _PERSONAL[span.kind], span.score, "rampart")
        for span in sure
        if not any(start < span.end and span.start < end for start, end in taken)
        and _looks_like_a_name(text[span.start : span.end], span.kind)
    ]
    return [entity for entity in found if entity.type in types]


def _looks_like_a_name(surface: str, kind: str) -> bool:
    return kind == "place" or all(word[:1].isupper() for word in surface.split())


def _named(text: str, span: NamedSpan, personal: Sequence[PersonalSpan]) -> Iterator[Found]:
    """What a span of the pipeline's says: an entity, two people, or nothing."""
    kind = _TYPES.get(span.label)
    if kind is None:
        return
    for start, end in _parts(text, span, kind):
        tidy = _tidy(text, start, end, kind)
        if tidy is None:
            continue
        within = [s for s in personal if s.start < tidy.end and tidy.start < s.end]
        within = [s for s in within if s.score >= _SURE or _agree(text, s, tidy)]
        tidy, settled = _settled(text, tidy, kind, within)
        yield Found(tidy.start, tidy.end, settled, _SCORES[settled], "spacy")


def _parts(text: str, span: NamedSpan, kind: NamedType) -> Iterator[tuple[int, int]]:
    """The span, cut where lines end, and between two people or two prices."""
    start = span.start
    for end in _line_ends(text, span):
        # "Lisbon\nDate: …": what stands before a colon in the next line says what comes there.
        if start == span.start or not _LABEL_BEHIND.match(text, end.start):
            yield from _by_and(text, start, end.start, kind)
        start = end.end


def _line_ends(text: str, span: NamedSpan) -> Iterator[Span]:
    for end in _LINE_END.finditer(text, span.start, span.end):
        yield Span(end.start(), end.end())
    yield Span(span.end, span.end)


def _by_and(text: str, start: int, end: int, kind: NamedType) -> Iterator[tuple[int, int]]:
    if kind in ("person", "amount"):
        for joint in _AND.finditer(text, start, end):
            # "between 5 and 10 dollars" is one amount, "$5 and $10" are two.
            if kind == "person" or _PRICED.search(text, start, joint.start()):
                yield start, joint.start()
                start = joint.end()
    yield start, end


def _settled(
    text: str, span: Span, kind: NamedType, within: Sequence[PersonalSpan]
) -> tuple[Span, NamedType]:
    """The span and its type once what is surely personal within it is known."""
    if kind not in ("person", "organisation", "place") or not within:
        return span, kind
    whole = next((s for s in within if s.kind == "person" and _holds(text, s, span)), None)
    if whole is not None:
        # Of "Ana Costa" the pipeline saw "Costa" alone, and took it for a place.
        return Span(whole.start, whole.end), "person"
    words = text[span.start : span.end].split()
    first = within[0]
    if (
        kind != "place"
        and (first.kind, first.start) == ("person", span.start)
        and first.end < span.end
        and " " in text[first.start : first.end]
    ):
        # "Mary Hain Senior Regulatory Counsel": behind the name stands what the person is.
        return Span(first.start, first.end), "person"
    if any(s.kind == "person" for s in within):
        return span, "person" if len(words) <= _LONGEST_PERSON else kind
    return span, "place" if kind == "organisation" else kind


def _agree(text: str, guess: PersonalSpan, span: Span) -> bool:
    """Whether both see the same name of several words: then the second's guess of what it is is
    better than the pipeline's."""
    return (guess.start, guess.end) == span and " " in text[guess.start : guess.end]


def _holds(text: str, outer: PersonalSpan, inner: Span) -> bool:
    """Whether the second saw more of a name, not of a sentence: "Maria Silva flew" is no name."""
    inside = outer.start <= inner.start and inner.end <= outer.end
    return inside and _looks_like_a_name(text[outer.start : outer.end], outer.kind)


def _tidy(text: str, start: int, end: int, kind: NamedType) -> Span | None:
    """The span with a currency's sign and without what is no part of a name; None if no name."""
    if kind == "amount":
        start -= start > 0 and text[start - 1] in _CURRENCY
    elif kind != "date":
        if _NOT_IN_NAMES.search(text, start, end):
            return None
        start, end = _name(text, start, end, kind)
        surface = text[start:end]
        if surface.lower() in _NO_NAMES or _FILE.fullmatch(surface) or _ARTICLE.match(surface):
            return None
        if kind == "person" and surface == surface.lower():
            return None
    elif text[start:end].isdigit() and end - start != 4:
        return None  # an order's number
    surface = text[start:end]
    start += len(surface) - len(surface.lstrip())
    end -= len(surface) - len(surface.rstrip())
    return Span(start, end) if start < end else None


def _behind_lead(text: str, start: int, end: int) -> int:
    """Where the name begins behind a verb or a greeting with which a sentence begins."""
    before = text[max(0, start - 20) : start]
    if _SENTENCE_START.search(before) and (lead := _LEAD.match(text, start, end)):
        return lead.end()
    return start


def _name(text: str, start: int, end: int, kind: NamedType) -> Span:
    """A name without the article or the title before it, punctuation around it, and the 's or
    the number behind it."""
    if kind in ("person", "organisation"):
        start = _behind_lead(text, start, end)
    if text[start:end].lower().startswith("the "):
        start += len("the ")
    if kind == "person" and (title := _TITLE.match(text, start, end)):
        start = title.end()
    if kind in ("person", "organisation") and (number := _NUMBER_BEHIND.search(text, start, end)):
        end = number.start()
    while start < end and not (text[start].isalnum() or text[start] == "("):
        start += 1
    if text[start:end].endswith(("'s", "’s")):
        end -= 2
    while start < end and not (text[end - 1].isalnum() or text[end - 1] in ".)!"):
        end -= 1
    # An article with a capital within a sentence belongs to the name: of The Detroit News.
    if kind == "organisation" and _ARTICLE_WITHIN.search(text[max(0, start - 6) : start]):
        start -= len("The ")
    return Span(start, end)
