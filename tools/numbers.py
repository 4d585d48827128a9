"""The numbers of a text, as values that compare across languages and ways of writing them."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import NamedTuple


def _table(listed: str) -> dict[str, int]:
    rows = (line.split() for line in listed.strip().splitlines())
    return {word.replace("_", " "): int(number) for number, *words in rows for word in words}


_MAGNITUDES = _table("""
    100 百
    1000 千 k thousand mil mille tausend ألف آلاف हज़ार हजार
    10000 万 萬 만
    100000 लाख
    1000000 million millions millón millones millionen mio milhão milhões milioni مليون ملايين
    10000000 करोड़
    100000000 亿 億 억
    1000000000 billion billions milliard milliards milliarde milliarden mil_millones bilhão
    1000000000 bilhões mrd مليار
""")
_SMALL = _table("""
    1 one first uno una un une ein eine eins um uma 一
    2 two second twice dos deux zwei dois duas 二 两
    3 three third tres trois drei três 三
    4 four fourth cuatro quatre vier quatro 四
    5 five fifth cinco cinq fünf 五
    6 six sixth seis sechs 六
    7 seven seventh siete sept sieben sete 七
    8 eight eighth ocho huit acht oito 八
    9 nine ninth nueve neuf neun nove 九
    10 ten tenth diez dix zehn dez 十
    11 eleven once onze elf 十一
    12 twelve doce douze zwölf doze dozen 十二
    20 twenty veinte vingt zwanzig vinte 二十
""")
_UNITS = "|".join(sorted(map(re.escape, _MAGNITUDES), key=len, reverse=True))
# A unit of Latin letters must end there; a Chinese one may run on.
_NUMBER = re.compile(
    rf"(?P<digits>\d+(?:[.,٫٬’'\u00a0\u202f]\d+)*)"
    rf"(?:\s?(?P<unit>{_UNITS})(?:(?<=[百千万萬만亿億억])|(?![^\W\d_])))?",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(r"\D+")


class Number(NamedTuple):
    """A number as written, its groups of digits, and what it may stand for.

    `bare` are its readings without the unit after it ("万", "million"), where it has one.
    """

    written: str
    groups: tuple[str, ...]
    readings: frozenset[Decimal]
    bare: frozenset[Decimal] | None

    def equals(self, other: Number) -> bool:
        """Whether both may mean one value; a unit in an unknown language has the doubt."""
        if self.readings & other.readings:
            return True
        if (self.bare is None) == (other.bare is None):
            return False
        return bool((self.bare or self.readings) & (other.bare or other.readings))


def numbers_in(text: str) -> list[Number]:
    """Numbers written in digits of any script, in order.

    "1.500" may be one and a half or fifteen hundred: it has both readings. "1.5 million" and
    "150万" share one. Words such as "three" are no numbers here.
    """
    return [_number(match) for match in _NUMBER.finditer(text)]


def _number(match: re.Match[str]) -> Number:
    digits = "".join(
        str(unicodedata.digit(character)) if character.isdigit() else character
        for character in match["digits"]
    )
    groups = tuple(_SEPARATOR.split(digits))
    whole = Decimal("".join(groups))
    fraction = Decimal(f"{''.join(groups[:-1]) or '0'}.{groups[-1]}")
    if len(groups) == 1:
        plain = frozenset({whole})
    elif len(groups) == 2 and len(groups[1]) != 3:
        plain = frozenset({fraction})
    else:
        plain = frozenset({whole, fraction})
    if not match["unit"]:
        return Number(match["digits"], groups, plain, None)
    unit = _MAGNITUDES[match["unit"].lower()]
    values = frozenset(reading * unit for reading in plain)
    return Number(f"{match.group()} (= {min(values).normalize():,f})", groups, values, plain)


def missing_numbers(source: str, text: str) -> list[str]:
    """Numbers of `source` that `text` lacks, as written; one that is there twice is wanted twice.

    Separators may change ("1,234.56" and "1.234,56", "10:30" and "10.30"), the value may not.
    """
    left = numbers_in(text)
    missing = []
    for number in numbers_in(source):
        match = next((other for other in left if other.equals(number)), None)
        if match is not None:
            left.remove(match)
        elif not _found_in_parts(number, left):
            missing.append(number.written)
    return missing


def _found_in_parts(number: Number, left: list[Number]) -> bool:
    """Whether its groups of digits are all there, apart or in a longer number."""
    if number.bare is not None:
        return False
    groups = [group for other in left if other.bare is None for group in other.groups]
    return all(groups.count(group) >= number.groups.count(group) for group in number.groups)


def unfounded_numbers(source: str, text: str) -> list[str]:
    """Numbers of `text` that `source` holds nowhere, neither in digits nor as a small word."""
    held = numbers_in(source)
    small = {Decimal(value) for value in _spelled(source)}
    return [
        number.written
        for number in numbers_in(text)
        if not number.readings & small and not any(other.equals(number) for other in held)
    ]


def _spelled(text: str) -> set[int]:
    words = set(re.findall(r"[^\W\d_]+", text.lower()))
    return {
        value
        for word, value in _SMALL.items()
        if word in words or (word >= "\u4e00" and word in text)
    }
