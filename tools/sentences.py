"""Where sentences begin and end, in any language, as offsets into the text.

Rules, not a model: they cost microseconds, need no weights, and are the same for every language.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Span(NamedTuple):
    """`text[start:end]`, in Unicode code points."""

    start: int
    end: int


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


# Titles and the like: what follows always belongs to them.
_BEFORE_MORE = _words(
    "mr mrs ms mx dr drs prof rev hon gen col capt lt sgt st ste mt sr sra srta dra dña mme "
    "mlle mgr exmo exma hr ing dipl vs abs approx cf e.g i.e z.b d.h p.ej s.a u.a v.a o.ä bzw "
    "ggf inkl zzgl av avda uds incl excl dept"
)
# These belong to a number that follows.
_BEFORE_NUMBER = _words("no nr nos fig figs eq art p pp pág págs vol tel núm ref ca")
# These may also end a sentence: only a capital after them says so.
_MAY_END = _words(
    "etc usw inc ltd co corp llc gmbh jr a.m p.m jan feb mar apr jun jul aug sep sept oct nov "
    "dec mon tue wed thu fri u.s u.k e.u u.n al ee.uu"
)
# German dates: "am 3. Mai".
_MONTHS = ("jan", "feb", "mär", "apr", "mai", "jun", "jul", "aug", "sep", "okt", "nov", "dez")

# Every branch starts at a character that no earlier try of the same branch has read past, so a
# long run of dots, spaces or line ends costs linear time.
_END = re.compile(
    r"""
    [。！？｡︒]+[」』）】》〉”’"'\)\]]*                       # no space follows in CJK
    | (?P<mark>(?<![.!?…‼⁇⁈⁉।॥؟۔។៕])[.!?…‼⁇⁈⁉।॥؟۔។៕]+)(?P<close>["'”’»)\]}*_]*)(?=\s|$|[¿¡])
    | \n[^\S\n]*\n                                          # a paragraph ends
    | \n(?=[^\S\n]*(?:[-*+•‣◦]\s|\#{1,6}\s|>|\||\d{1,3}[.)]\s))  # a list item, a heading begins
    | ^\#{1,6}\s[^\n]*\n                                     # a heading ends
    """,
    re.VERBOSE | re.MULTILINE,
)
_NEXT = re.compile(r"\s*[\"'“‘«(\[*_]*(\w{0,20})")
_LAST_WORD = re.compile(r"[\w.]*$")
_ACRONYM = re.compile(r"(?:\w\.)+\w")


def split_sentences(text: str) -> list[Span]:
    """Sentences in order, without the white space around them.

    Between two spans, before the first and after the last there is nothing but white space, so
    a text can be put together again from its sentences and its gaps.
    """
    spans: list[Span] = []
    start = 0
    for match in _END.finditer(text):
        if match["mark"] and not _ends_sentence(text, match):
            continue
        spans += _trimmed(text, start, match.end())
        start = match.end()
    spans += _trimmed(text, start, len(text))
    return spans


def _trimmed(text: str, start: int, end: int) -> list[Span]:
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    if left == len(piece):
        return []
    return [Span(start + left, start + len(piece.rstrip()))]


def _ends_sentence(text: str, match: re.Match[str]) -> bool:
    """Whether a dot or another mark with white space after it ends the sentence there."""
    following = _NEXT.match(text, match.end())
    word = following[1] if following else ""
    goes_on = word[:1].islower()
    if match["close"].strip("*_") and goes_on:
        return False  # "Really?" she asked.
    mark = match["mark"]
    if mark != ".":
        return not (goes_on and set(mark) <= {".", "…"})
    before = _LAST_WORD.search(text, max(0, match.start() - 24), match.start())
    last = before.group().lower() if before else ""
    if last.isdigit() and len(last) <= 2:
        starts_line = text[max(0, match.start() - 8) : match.start()].rpartition("\n")[2].strip()
        return starts_line != last and not word.lower().startswith(_MONTHS)
    if last in _BEFORE_MORE or (len(last) == 1 and last.isalpha() and last < "\u2e80"):
        return False  # a title, or an initial
    if last in _BEFORE_NUMBER:
        return not word[:1].isdigit()
    if last in _MAY_END or _ACRONYM.fullmatch(last):
        return bool(word) and not goes_on and last in _MAY_END
    return True
