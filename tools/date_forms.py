"""Dates by their form: in figures, or with a month's name in one of ten languages."""

from __future__ import annotations

import re
from collections.abc import Iterator

# With a capital only: "option 3 may apply" and "3 March" differ by it.
_ENGLISH = (
    "January|February|March|April|May|June|July|August|September|October|November|December"
    "|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec"
)
_OTHER = (
    "januar|jänner|februar|märz|mai|juni|juli|oktober|dezember"
    "|janvier|février|mars|avril|juin|juillet|août|septembre|octobre|novembre|décembre"
    "|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|setiembre|octubre|noviembre"
    "|diciembre|janeiro|fevereiro|março|maio|junho|julho|setembro|outubro|novembro|dezembro"
    "|gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre"
    "|januari|februari|maart|mei|augustus"
    "|يناير|فبراير|مارس|أبريل|مايو|يونيو|يوليو|أغسطس|سبتمبر|أكتوبر|نوفمبر|ديسمبر"
    "|जनवरी|फरवरी|मार्च|अप्रैल|मई|जून|जुलाई|अगस्त|सितंबर|अक्टूबर|नवंबर|दिसंबर"
)
_GAP = r"[^\S\r\n]"
"""Between the parts: a date does not run over the end of a line."""
_MONTH = rf"(?:(?:{_ENGLISH}|{_ENGLISH.upper()})\b(?:\.(?={_GAP}[0-9]))?|(?i:{_OTHER})(?!\w))"
_DAY = r"(?:0?[1-9]|[12][0-9]|3[01])"
_DAY_BEFORE = rf"(?:{_DAY}|[٠-٩०-९]{{1,2}})"
_MONTH_NUMBER = r"(?:0?[1-9]|1[0-2])"
_YEAR = r"(?:(?:1[5-9]|20)[0-9][0-9]|[٠-٩०-९]{4})"
_DATE = re.compile(
    rf"""(?<![\w/.,-])(?:
      {_DAY_BEFORE}(?:st|nd|rd|th|er|º|ª|\.)?{_GAP}{{0,2}}(?:(?:of|de){_GAP}|d['’])?{_MONTH}
        (?:,?{_GAP}(?:(?:de|del){_GAP})?{_YEAR})?
    | {_MONTH}{_GAP}{_DAY}(?:st|nd|rd|th)?(?:,?{_GAP}{_YEAR})?
    | {_YEAR}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])
    | (?:{_DAY}(?P<s>[./-]){_MONTH_NUMBER}(?P=s)|{_MONTH_NUMBER}(?P<z>[./-]){_DAY}(?P=z)){_YEAR}
    )(?![\w/-]|[.,]\d)
    | (?<!\d)(?:\d{{4}}年)?\d{{1,2}}月\d{{1,2}}[日号號]
    | (?<!\d)(?:\d{{4}}년{_GAP}?)?\d{{1,2}}월{_GAP}?\d{{1,2}}일""",
    re.VERBOSE,
)
_BORN = re.compile(
    r"\b(?:born(?: (?:on|in))?|date of birth|birth ?date|birthday|d\.?o\.?b\b\.?)"
    rf"(?: (?:is|was))?(?: on)?[\s:,(-]{{0,4}}(?:the )?(?P<date>{_YEAR}\b)?",
    re.IGNORECASE,
)


def dates_in(text: str) -> Iterator[tuple[int, int]]:
    """Where a day and its month stand, with the year where there is one. In order."""
    return (match.span() for match in _DATE.finditer(text))


def birth_dates_in(text: str) -> Iterator[tuple[int, int]]:
    """Where it is said, in English, on which day or in which year somebody was born. In order."""
    for said in _BORN.finditer(text):
        start = said.start("date") if said["date"] else said.end()
        date = _DATE.match(text, start)
        if date is not None:
            yield date.span()
        elif said["date"]:
            yield said.span("date")
