"""What people call the things that the detector knows, and which of them a sentence names."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from model_servers.languages import identify

LANGUAGES = ("en", "zh", "es", "fr", "de", "pt", "ja")
_UNSPACED = frozenset({"zh", "ja"})
_MAX_WORDS = 4

# "how many (what)", "is there (a what)", "find the (what)": what is asked for stands last.
_ASKED: Mapping[str, str] = {
    "en": r"(?:how many|number of|count(?: up)?|find|detect|locate|spot|show(?: me)?|mark|"
    r"is there|are there|do you see|can you see|where(?:'s| is| are))\s+"
    r"(?:all\s+)?(?:the\s+|an?\s+|any\s+|every\s+|each\s+|my\s+|our\s+)?(?P<what>[^?.!;:]+)",
    "es": r"(?:cu[aá]nt[oa]s|hay|cuenta|encuentra|busca|detecta|marca|d[oó]nde est[aá]n?)\s+"
    r"(?:tod[oa]s\s+)?(?:l[oa]s?\s+|el\s+|un[oa]?s?\s+|alg[uú]n[oa]?s?\s+)?(?P<what>[^?.!;:]+)",
    "fr": r"(?:combien d(?:e\s+|['’])|y a-t-il|compte[rz]?|trouve[rz]?|détecte[rz]?|repère[rz]?|"
    r"où (?:est|sont))\s*(?:tous\s+|toutes\s+)?(?:l[ea]s?\s+|l['’]|un[e]?\s+|des\s+)?"
    r"(?P<what>[^?.!;:]+)",
    "de": r"(?:wie\s?viele|gibt es|zähle?|finde?|erkenne|markiere|wo (?:ist|sind)|"
    r"siehst du)\s+(?:alle\s+)?(?:d(?:ie|er|as|en)\s+|eine?n?\s+)?(?P<what>[^?.!;:]+)",
    "pt": r"(?:quant[oa]s|há|tem|conte|encontre|detecte|marque|onde est(?:á|ão))\s+"
    r"(?:tod[oa]s\s+)?(?:[oa]s?\s+|uma?s?\s+|algum[as]*\s+)?(?P<what>[^?.!;:]+)",
    "zh": r"(?:有?多少|有?几|有没有|数一?数|找出?|检测|标出)(?:所有的?)?"
    r"(?:[个只辆台把张条位名艘架棵件])?(?P<what>[^，。？！吗呢]+)",
}
_REST: Mapping[str, str] = {
    "en": r"\b(?:are|is|in|on|at|do|does|can|there|here|of|you|from|with|visible|this|that|it)\b",
    "es": r"\b(?:hay|en|ves|se|aparecen|est[aá]n?|de|con|aquí|esta|este)\b",
    "fr": r"\b(?:y|sur|dans|vois|voit-on|sont|est|ici|à|cette|avec)\b",
    "de": r"\b(?:sind|ist|auf|in|im|am|hier|zu|siehst|gibt|es|da|dem|diesem)\b",
    "pt": r"\b(?:há|tem|na|no|em|nesta|neste|estão|está|aqui|de|com|aparecem)\b",
    "zh": r"在|图|照片|画面|里|中|这",
}
_AND = re.compile(r"\s*(?:,|、|和|以及|&|\b(?:and|or|y|o|et|ou|und|oder|e)\b)\s*", re.IGNORECASE)
_NOTHING_SPECIAL = re.compile(
    r"(?:different\s+)?(?:things?|objects?|items?|stuff|everything|kinds?|cosas?|objetos?|objets?|"
    r"choses?|dinge?|objekte?|gegenstände?|coisas?|itens|东西|物体|物品|对象|what|it|them|that|this|"
    r"pictures?|images?|photos?|fotos?|bild(?:er)?)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a sentence asks for: `known` labels of the detector, and words for other things."""

    known: tuple[str, ...]
    unknown: tuple[str, ...]


@cache
def _rows() -> tuple[dict[str, str], ...]:
    file = resources.files("tools").joinpath("object_names.csv")
    return tuple(csv.DictReader(file.read_text("utf-8").splitlines()))


def object_name(label: str, language: str) -> str:
    """What a label is called in a language; English where the language is not known here."""
    row = next((row for row in _rows() if row["label"] == label), None)
    if row is None or language not in LANGUAGES:
        return label
    return label if language == "en" else row[language].split("|")[0]


def label_of(word: str) -> str | None:
    """The detector's label that a word or two is a name for, in any of the languages."""
    for language in LANGUAGES:
        found = _find(word.strip(), language)
        if found and len(found) == 1 and found[0][2] - found[0][1] >= len(word.strip()) - 2:
            return found[0][0]
    return None


def asked_for(words: str) -> Asked:
    """What a sentence asks for; nothing where it asks for whatever is there."""
    guess = identify(words).code
    languages = [guess, "en"] if guess in LANGUAGES and guess != "en" else ["en"]
    for language in languages:
        found = _find(words, language)
        if found:
            unknown = _others(words, language)
            return Asked(tuple(dict.fromkeys(label for label, _, _ in found)), unknown)
    for language in languages:
        if unknown := _others(words, language):
            return Asked((), unknown)
    return Asked((), ())


def _find(words: str, language: str) -> list[tuple[str, int, int]]:
    """Labels named, with start and end, in order; a longer name hides one inside it."""
    found: list[tuple[str, int, int]] = []
    taken = [False] * len(words)
    for match in _pattern(language).finditer(words):
        start, end = match.span()
        if not any(taken[start:end]):
            taken[start:end] = [True] * (end - start)
            found.append((_labels(language)[_bare(match["name"])], start, end))
    return sorted(found, key=lambda hit: hit[1])


@cache
def _labels(language: str) -> dict[str, str]:
    return {
        _bare(name): row["label"] for row in reversed(_rows()) for name in row[language].split("|")
    }


@cache
def _pattern(language: str) -> re.Pattern[str]:
    """Any name of the language, the longest first, in singular or plural."""
    names = sorted(_labels(language), key=len, reverse=True)
    listed = "|".join(re.escape(name) for name in names)
    if language in _UNSPACED:
        return re.compile(f"(?P<name>{listed})")
    return re.compile(rf"(?<!\w)(?P<name>{listed})(?:e?s|e?n|e|x)?(?!\w)", re.IGNORECASE)


def _bare(name: str) -> str:
    return name.lower()


def _others(words: str, language: str) -> tuple[str, ...]:
    """The things that a sentence asks for by name and that have no label."""
    if language not in _ASKED:
        return ()
    others = []
    for match in re.finditer(_ASKED[language], words, re.IGNORECASE):
        what = re.split(_REST[language], match["what"], maxsplit=1, flags=re.IGNORECASE)[0]
        for piece in _AND.split(what):
            word = re.sub(
                r"^(?:the|an?|any|some|el|l[ao]s?|le|une?|die|der|das|eine?n?|os?|as?|uma?)\s+",
                "", piece.strip(" ¿¡'\"“”"), flags=re.IGNORECASE,
            )  # fmt: skip
            plain = word and not _NOTHING_SPECIAL.fullmatch(word)
            if plain and not _find(word, language) and len(word.split()) <= _MAX_WORDS:
                others.append(word)
    return tuple(dict.fromkeys(others))
