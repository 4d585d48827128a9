from __future__ import annotations

import pytest

from tools.weekdays import missing_weekdays


@pytest.mark.parametrize(
    ("source", "text", "pair"),
    [
        ("On Tuesday and on Tuesday night", "Am Dienstagabend", "en-de"),
        ("Il arrive mardi.", "He arrives on Tuesday's train.", "fr-en"),
        ("星期二和周日", "Martes y domingos", "zh-es"),
        ("一周四天工作制", "A four-day week", "zh-en"),
        ("He comes on Sundays.", "他每周日来。", "en-zh"),
        ("Sonnabend", "Saturday", "de-en"),
        ("A segunda vez, na sexta-feira", "The second time, on Friday", "pt-en"),
        ("On Monday", "Na segunda", "en-pt"),
        ("Black Friday deals", "Les offres du Black Friday", "en-fr"),
        ("On Tuesday", "вчера", "en-ru"),
        ("Sundayness mondayed", "nichts", "en-de"),
    ],
)
def test_days_that_are_there_in_the_other_language(source: str, text: str, pair: str) -> None:
    assert missing_weekdays(source, text, *pair.split("-")) == []


@pytest.mark.parametrize(
    ("source", "text", "pair", "missing"),
    [
        ("On Tuesday he said so.", "Le 26 mars, il l'a dit.", "en-fr", ["Tuesday"]),
        ("Montag, montags und Freitag", "On Friday", "de-en", ["Montag"]),
        ("周二上午", "Wednesday morning", "zh-en", ["周二"]),
        ("Monday", "Sonntag", "en-de", ["Monday"]),
    ],
)
def test_days_that_were_lost(source: str, text: str, pair: str, missing: list[str]) -> None:
    assert missing_weekdays(source, text, *pair.split("-")) == missing
