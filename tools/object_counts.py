"""Things and their numbers in words: "3 people", "3 个人", "人が3人"."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache
from importlib import resources

from tools.object_names import object_name

COUNTED = ("en", "zh", "es", "fr", "de", "pt", "ja", "ar", "hi")
"""Languages in which numbers are told; any other is told in English."""


@cache
def _forms(language: str) -> dict[str, tuple[str, str]]:
    """For each label what one is called and what several are. In Chinese and Japanese both are the
    word that counts it, in Arabic both are the plural."""
    file = resources.files("tools").joinpath("object_counts.csv")
    forms = {}
    for row in csv.DictReader(file.read_text("utf-8").splitlines()):
        one, _, several = row[language].rpartition("|")
        alone = object_name(row["label"], language) if language in _NAMED else several
        forms[row["label"]] = (one or alone, several)
    return forms


_NAMED = frozenset({"en", "es", "fr", "de", "pt"})
"""Where the file has only what several are called, one is called by its name."""


_ELIDED = ("a", "é", "o", "horloge")
"""French "de" loses its vowel before these."""


def counted(label: str, count: int, language: str) -> str:
    """So many of a thing, as it stands in a sentence; one or more."""
    one, several = _forms(language).get(label, (label, label))
    match language:
        case "zh":
            return f"{count} {one}{object_name(label, language)}"
        case "ja":
            return f"{object_name(label, language)}が{count}{one}"
        case "ar":
            return f"{count} من {several}"
    return f"{count} {one if count == 1 else several}"


def none_of(label: str, language: str) -> str:
    """What there is none of, as it stands after the words that say so."""
    one, several = _forms(language).get(label, (label, label))
    match language:
        case "zh" | "ja":
            return object_name(label, language)
        case "hi":
            return one
        case "fr":
            return f"d'{several}" if several.startswith(_ELIDED) else f"de {several}"
        case "de":
            return f"keine {several}"
    return several


def joined(words: Sequence[str], comma: str, last: str) -> str:
    """A list in words: "a, b and c"."""
    return last.join([comma.join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]
