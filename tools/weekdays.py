"""The days of the week that a text names, in the languages whose names for them are known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

# Monday to Sunday; forms of one day are joined by "/".
_NAMES: Mapping[str, str] = {
    "en": "monday tuesday wednesday thursday friday saturday sunday",
    "de": "montag dienstag mittwoch donnerstag freitag samstag/sonnabend sonntag",
    "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche",
    "es": "lunes martes miércoles jueves viernes sábado domingo",
    "pt": "segunda-feira/segunda terça-feira/terça quarta-feira/quarta quinta-feira/quinta "
    "sexta-feira/sexta sábado domingo",
    "it": "lunedì martedì mercoledì giovedì venerdì sabato domenica",
    "nl": "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
    "zh": "周一/星期一/礼拜一/週一 周二/星期二/礼拜二/週二 周三/星期三/礼拜三/週三 "
    "周四/星期四/礼拜四/週四 周五/星期五/礼拜五/週五 周六/星期六/礼拜六/週六 "
    "周日/星期日/星期天/礼拜天/礼拜日/週日",
    "ja": "月曜 火曜 水曜 木曜 金曜 土曜 日曜",
}
# Words that are no days by themselves: ordinals in Portuguese.
_AMBIGUOUS = frozenset({"segunda", "terça", "quarta", "quinta", "sexta"})
_UNSPACED = frozenset({"zh", "ja"})


def missing_weekdays(source: str, text: str, source_language: str, language: str) -> list[str]:
    """Days that `source` names and `text` does not, as `source` writes them, each once.

    A day whose name stands in `text` as it is ("Black Friday") is not missing. Nothing is where
    either language's names are unknown. Languages are ISO 639-1.
    """
    if source_language not in _NAMES or language not in _NAMES:
        return []
    there = {day for day, _ in _named(text, language, doubtful=True)}
    lowered = text.lower()
    missing: dict[int, str] = {}
    for day, written in _named(source, source_language, doubtful=False):
        if day not in there and written.lower() not in lowered:
            missing.setdefault(day, written)
    return list(missing.values())


def _named(text: str, language: str, *, doubtful: bool) -> list[tuple[int, str]]:
    """Each day, 0 for Monday, as it is written; of doubtful names only if those count."""
    days = _days(language)
    return [
        (days[match.group().lower()], match.group())
        for match in _pattern(language).finditer(text)
        if doubtful or match.group().lower() not in _AMBIGUOUS
    ]


@cache
def _days(language: str) -> Mapping[str, int]:
    names = _NAMES[language].split()
    return {name: day for day, forms in enumerate(names) for name in forms.split("/")}


@cache
def _pattern(language: str) -> re.Pattern[str]:
    names = "|".join(sorted(map(re.escape, _days(language)), key=len, reverse=True))
    if language in _UNSPACED:
        # 一周四天 is four days a week.
        return re.compile(rf"(?:{names})(?![天年次个])")
    # In German and Dutch a day may begin a compound: "Dienstagabend". Elsewhere it may be plural.
    behind = "" if language in {"de", "nl"} else r"(?=s?(?!\w))"
    return re.compile(rf"(?<!\w)(?:{names}){behind}", re.IGNORECASE)
