"""Entities as spans of a text: what they are, which of two that overlap stays, redaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, get_args

NamedType = Literal[
    "person", "organisation", "place", "date", "amount", "product", "group", "event"
]
"""What takes a model to find."""
PatternType = Literal["email", "phone", "url", "iban", "credit_card", "ip_address", "national_id"]
"""What has a form that rules can check, in any language."""
EntityType = NamedType | PatternType
Source = Literal["spacy", "rampart", "lac", "presidio", "rules", "llm", "syntax"]

NAMED_TYPES: tuple[NamedType, ...] = get_args(NamedType)
PATTERN_TYPES: tuple[PatternType, ...] = get_args(PatternType)
ENTITY_TYPES: tuple[EntityType, ...] = (*NAMED_TYPES, *PATTERN_TYPES)

PERSONAL: frozenset[EntityType] = frozenset(
    {"person", "email", "phone", "iban", "credit_card", "ip_address", "national_id"}
)
"""What is taken out of a text when nobody says what to redact."""


class Found(NamedTuple):
    """`text[start:end]` in Unicode code points; `score` from 0 to 1."""

    start: int
    end: int
    type: EntityType
    score: float
    source: Source


def without_overlaps(found: Iterable[Found]) -> list[Found]:
    """In the text's order; of two that overlap the one with the checked form stays, then the
    longer, then the surer, then the first."""
    ranked = sorted(
        found,
        key=lambda e: (e.type not in PATTERN_TYPES, e.start - e.end, -e.score, e.start, e.type),
    )
    kept: list[Found] = []
    taken: set[int] = set()
    for entity in ranked:
        places = range(entity.start, entity.end)
        if taken.isdisjoint(places):
            taken.update(places)
            kept.append(entity)
    return sorted(kept)


def with_hidden(found: Iterable[Found], hidden: Iterable[Found]) -> tuple[list[Found], list[Found]]:
    """All entities without overlaps, and those of them that are to be hidden.

    What is hidden wins over what is not, and hidden ones that overlap become one of the type that
    would have stayed: of a name nothing is left because half of it was found as something else.
    """
    joined: list[Found] = []
    for entity in sorted(hidden):
        if joined and entity.start < joined[-1].end:
            best = without_overlaps([joined[-1], entity])[0]
            joined[-1] = best._replace(start=joined[-1].start, end=max(joined[-1].end, entity.end))
        else:
            joined.append(entity)
    taken = {place for entity in joined for place in range(entity.start, entity.end)}
    rest = [e for e in without_overlaps(found) if taken.isdisjoint(range(e.start, e.end))]
    return sorted([*joined, *rest]), joined


def redact(text: str, hidden: Iterable[Found]) -> str:
    """The text with a mark such as [PERSON] in the place of each of these entities, which are in
    the text's order and without overlaps."""
    pieces: list[str] = []
    position = 0
    for entity in hidden:
        pieces += [text[position : entity.start], f"[{entity.type.upper()}]"]
        position = entity.end
    return "".join([*pieces, text[position:]])


def occurrences(text: str, surface: str) -> list[tuple[int, int]]:
    """Every place of `surface` in the text where no letter or digit of a word goes on.

    In scripts without spaces there is no such thing as a word's edge, so each place counts.
    """
    places: list[tuple[int, int]] = []
    start = text.find(surface) if surface else -1
    while start != -1:
        end = start + len(surface)
        before, after = text[start - 1 : start], text[end : end + 1]
        if not (_joined(before, surface[0]) or _joined(surface[-1], after)):
            places.append((start, end))
        start = text.find(surface, end)
    return places


def _joined(left: str, right: str) -> bool:
    return left.isalnum() and right.isalnum() and left < "\u0e00" and right < "\u0e00"
