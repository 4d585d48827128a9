"""Languages by name: ISO 639-1 codes and what people call each language, in thirteen languages.

The names (`language_names.csv`, from Unicode CLDR with everyday aliases added) serve two ends:
to tell the chat model which language is meant, and to find target languages in requests such as
"put this into French", "翻成法语" or "ins Französische".
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_CODES = """
    aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da
    de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy
    hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg
    li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or
    os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta
    te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
"""
ISO_639_1 = frozenset(_CODES.split())
"""Every code of the standard, those of languages that the table has no names for among them."""

_TABLE = Path(__file__).with_suffix(".csv")
_SHOWN_CHARS = 40


@dataclass(frozen=True, slots=True)
class Language:
    """One language. `names` maps an ISO code to this language's names in that language."""

    code: str
    native: str
    names: Mapping[str, tuple[str, ...]]

    @property
    def english(self) -> str:
        return self.names["en"][0]


@cache
def languages() -> Mapping[str, Language]:
    """Every language of the table, by code."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        rows = [
            {key: tuple(cell.split("/")) for key, cell in row.items()}
            for row in csv.DictReader(file)
        ]
    return {
        row["code"][0]: Language(
            code=row["code"][0],
            native=row["native"][0],
            names={key: row[key] for key in row if key not in {"code", "native"}},
        )
        for row in rows
    }


def language_name(code: str, in_language: str = "en") -> str:
    """What a language is called, such as ("fr", "de") → "Französisch"; an unknown code as it is.

    Names are given in en, zh, es, fr, de, pt, ja, ar, hi, it, ru, ko and pl, in English otherwise.
    """
    language = languages().get(code)
    if language is None:
        return code
    return language.names.get(in_language, language.names["en"])[0]


def language_code(name: str) -> str | None:
    """The code of a language's name in any of the table's languages, or of a code itself."""
    wanted = name.strip()
    if wanted.lower() in languages():
        return wanted.lower()
    found = find_languages(wanted)
    if len(found) == 1 and found[0][:2] == (0, len(wanted)):
        return found[0][2]
    return _names().get(_fold(wanted)[0])


def what_is_wrong_with(code: str) -> str | None:
    """Why this is no language's code, and what to send; None where it is one."""
    if code in ISO_639_1:
        return None
    shown = code if len(code) <= _SHOWN_CHARS else f"{code[:_SHOWN_CHARS]}…"
    meant = language_code(shown) or language_code(re.split("[-_]", shown)[0]) or "fr"
    return f'{shown!r} is no ISO 639-1 code of a language; send its two letters, such as "{meant}"'


def find_languages(text: str) -> list[tuple[int, int, str]]:
    """Languages named in a text: (start, end, code), in the order of the text, never overlapping.

    Case, accents and the Arabic article's clitics don't matter; words that are mostly something
    else ("polish this", the Spanish "fines") are left alone.
    """
    folded, origin = _fold(text)
    found = []
    for match in _pattern().finditer(folded):
        start, end = origin[match.start("name")], origin[match.end("name")]
        code = _names()[match["name"]]
        if _is_meant(text, start, end):
            found.append((start, end, code))
    return found


_IGNORED_MARKS = re.compile("[\u0300-\u036f\u064b-\u0655\u0640\u093c]")
"""Latin accents, Arabic vowel signs, hamzas and tatweel, the Devanagari nukta."""


def _fold(text: str) -> tuple[str, list[int]]:
    """The text without case and accents, and for each of its positions that in the original.

    A mark written as a character of its own counts to the letter before it.
    """
    folded: list[str] = []
    origin: list[int] = []
    for position, character in enumerate(text):
        kept = _IGNORED_MARKS.sub("", unicodedata.normalize("NFD", character))
        for part in unicodedata.normalize("NFC", kept).casefold():
            folded.append(part)
            origin.append(position)
    origin.append(len(text))
    return "".join(folded), origin


def _variants(name: str, in_language: str) -> Iterator[str]:
    """The forms that a name takes in running text."""
    yield name
    if in_language == "zh" and name.endswith("语"):
        yield name.removesuffix("语") + "語"
        if name not in {"世界语", "南非荷兰语"}:
            yield name.removesuffix("语") + "文"
    if in_language == "ar" and name.startswith("ال"):
        # "to French" fuses preposition and article (لل), and the adjective may be masculine.
        for stem in {name.removeprefix("ال"), name.removeprefix("ال").removesuffix("ة")}:
            yield from (stem, f"ال{stem}", f"بال{stem}", f"وال{stem}", f"لل{stem}", f"ولل{stem}")
    if in_language == "ru" and name.endswith("ий"):
        stem = name.removesuffix("ий")
        yield from (f"{stem}ого", f"{stem}ом", f"{stem}им", f"по-{stem}и")
    if in_language == "pl" and name.endswith("i"):
        yield from (f"{name}ego", f"{name}m", f"{name.removesuffix('i')}u")


@cache
def _names() -> Mapping[str, str]:
    """Folded form → code; where two languages share a form the first in the table has it."""
    forms: dict[str, str] = {}
    for language in languages().values():
        forms.setdefault(_fold(language.native)[0], language.code)
        for in_language, names in language.names.items():
            for name in names:
                for form in _variants(name, in_language):
                    forms.setdefault(_fold(form)[0], language.code)
    return forms | _german_inflections()


def _german_inflections() -> dict[str, str]:
    """ "ins Französische", "aus dem Französischen"."""
    return {
        _fold(name)[0] + ending: language.code
        for language in languages().values()
        for name in language.names["de"]
        if name.endswith("sch")
        for ending in ("e", "en")
    }


_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_LETTER = r"\w\u0900-\u0963\u0966-\u097f\u0980-\u0dff"
"""Python's \\w leaves out the vowel signs of Indic scripts."""


@cache
def _pattern() -> re.Pattern[str]:
    """Every form; the longest wins. Scripts that put spaces between words match whole words."""
    spaced: list[str] = []
    unspaced: list[str] = []
    for form in sorted(_names(), key=len, reverse=True):
        (unspaced if _UNSPACED.search(form) else spaced).append(re.escape(form))
    # 文件 (file), 文化, 文章 … begin with the character that ends 日文, 法文.
    chinese = f"(?:{'|'.join(unspaced)})(?<!文(?=[件化章献学明本]))"
    return re.compile(f"(?P<name>(?<![{_LETTER}])(?:{'|'.join(spaced)})(?![{_LETTER}])|{chinese})")


_NEEDS_ACCENT = {"fines", "danes", "leton"}
_NEEDS_CAPITAL = {"lao"}
"""In Hindi that is written in Latin letters it is "bring"."""
_GERMAN_ADJECTIVE = re.compile(r"(?i)(?<!\w)\w+sche[n]?\Z")
_GERMAN_ARTICLE = re.compile(r"(?i)(?:\bins|\bdas|\bim|\bvom|\bdem|\bzum)\s+\Z")
_INTO = re.compile(r"(?i)\b(?:in|into|from)\s+\Z")
_TO = re.compile(r"(?i)\bto\s+\Z")
_CLAUSE_END = re.compile(r"(?i)\s*(?:\Z|[.,;:!?)]|and\b|or\b|please\b)")


def _is_meant(text: str, start: int, end: int) -> bool:
    """Whether a form that is also another word stands for the language here."""
    written, before, after = text[start:end], text[:start], text[end:]
    lower = written.lower()
    if lower in _NEEDS_ACCENT or (lower in _NEEDS_CAPITAL and written.islower()):
        return False
    if lower == "polish":
        capital_inside = written[0].isupper() and bool(re.search(r"[\w,]\s+\Z", before))
        asked = _TO.search(before) and _CLAUSE_END.match(after)
        return bool(capital_inside or _INTO.search(before) or asked)
    if lower == "latin":
        return not re.match(r"(?i)\s+americ", after)
    if _GERMAN_ADJECTIVE.match(written):
        return bool(_GERMAN_ARTICLE.search(before))
    return True
