"""The numbers and the amounts of money in a sentence, in digits or words, with where they stand."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple


class Number(NamedTuple):
    """`text[start:end]` says this number."""

    start: int
    end: int
    value: float


class Amount(NamedTuple):
    """A number that may be a price. `currency` is an ISO 4217 code, "" where a sign such as ¥ may
    stand for several, and None where none is named."""

    start: int
    end: int
    value: float
    currency: str | None


def _table(listed: str) -> dict[str, int]:
    rows = (line.split() for line in listed.strip().splitlines())
    return {word: int(number) for number, *words in rows for word in words}


# Articles ("un", "eine") are no numbers here: "a gift" does not say how many are wanted.
_SMALL = _table("""
    1 one
    2 two dos deux zwei dois duas اثنين اثنان هديتين दो
    3 three tres trois drei três ثلاث ثلاثة तीन
    4 four cuatro quatre vier quatro أربع أربعة चार
    5 five cinco cinq fünf خمس خمسة पाँच पांच
    6 six seis sechs ست ستة छह
    7 seven siete sept sieben sete سبع سبعة सात
    8 eight ocho huit acht oito ثماني ثمانية आठ
    9 nine nueve neuf neun nove تسع تسعة नौ
    10 ten diez dix zehn dez عشر عشرة दस
    11 eleven once onze elf
    12 twelve doce douze zwölf doze dozen
    13 thirteen trece treize dreizehn treze
    14 fourteen catorce quatorze vierzehn
    15 fifteen quince quinze fünfzehn पंद्रह
    16 sixteen dieciséis seize sechzehn dezesseis
    17 seventeen diecisiete siebzehn dezessete
    18 eighteen dieciocho achtzehn dezoito
    19 nineteen diecinueve neunzehn dezenove
    20 twenty veinte vingt zwanzig vinte عشرين عشرون बीस
    25 veinticinco पच्चीस
    30 thirty treinta trente dreißig dreissig trinta ثلاثين ثلاثون तीस
    40 forty cuarenta quarante vierzig quarenta أربعين أربعون चालीस
    50 fifty cincuenta cinquante fünfzig cinquenta خمسين خمسون पचास
    60 sixty sesenta soixante sechzig sessenta ستين ستون साठ
    70 seventy setenta siebzig soixante-dix سبعين सत्तर
    80 eighty ochenta achtzig oitenta quatre-vingt quatre-vingts ثمانين अस्सी
    90 ninety noventa neunzig quatre-vingt-dix تسعين नब्बे
    100 cien ciento cent cem cento hundert مئة مائة
    200 doscientos duzentos zweihundert مئتين مائتين
    300 trescientos trezentos dreihundert
    400 cuatrocientos quatrocentos vierhundert
    500 quinientos quinhentos fünfhundert
    1000 mil mille tausend ألف
""")
_PHRASES = {
    6: r"half[ -]a[ -]dozen|half[ -]dozen|(?:ein )?halbes dutzend|(?:une )?demi-douzaine|"
    r"(?:una )?media docena|meia dúzia",
    2: r"a couple of|un par de|um par de",
    10: r"tenner",
    5: r"fiver",
}
_PHRASE = re.compile(
    "|".join(rf"(?P<_{value}>(?<![^\W_])(?:{said})(?![^\W_]))" for value, said in _PHRASES.items()),
    re.IGNORECASE,
)
_TIMES = _table("""
    100 hundred hundert cents cent सौ
    1000 thousand mil mille tausend k ألف आلاف हज़ार हजार
""")
_TIMES["grand"] = 1000
_CJK_DIGITS = {c: n for n, c in enumerate("〇一二三四五六七八九")} | {"两": 2, "零": 0}
_CJK_TIMES = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "萬": 10_000}
_LINKS = frozenset({"and", "y", "e", "et", "und"})
_TENS = range(20, 100, 10)

_DIGITS = re.compile(
    r"(?:(?<![A-Za-zÀ-ɏ_\d])(?<![A-Za-zÀ-ɏ][-_])(?<!\d[.,])|(?<=EUR)|(?<=USD)|(?<=GBP)|(?<=CHF))"
    r"(?P<whole>\d+(?:[.,'’٬ ]\d{3}(?!\d))*)(?:[.,٫](?P<part>\d{1,2})|,[-–—]+)?(?!\d)"
    r"(?:\s?(?P<times>k|thousand|mille|mil|tausend|千|万|萬|百|ألف|हज़ार|हजार)(?![A-Za-zÀ-ɏ]))?",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Za-zÀ-ɏ]+(?:-[A-Za-zÀ-ɏ]+)*|[\u0600-\u06ff]+|[\u0900-\u0963\u0970-\u097f]+")
_CJK_NUMBER = re.compile(r"[〇零一二两三四五六七八九十百千万萬]+")

_CURRENCIES: Mapping[str, str] = {
    r"euros?|eur|€|欧元?|ユーロ|يورو|यूरो": "EUR",
    r"us ?\$|usd|dollars?|dólare?s?|bucks|美元|美金|ドル|دولار(?:ات|ا)?|डॉलर|\$": "USD",
    r"gbp|pounds?|quid|pfund|libras?|£|英镑|ポンド|جنيه(?:ات)?": "GBP",
    r"chf|franken|francs?|francos?": "CHF",
    r"rmb|cny|人民币|块钱?|元": "CNY",
    r"jpy|yen|円": "JPY",
    r"inr|rupees?|रुपये|रुपए|₹": "INR",
    r"r\$|brl|reais": "BRL",
    r"¥": "",
}
_CURRENCY = "|".join(f"(?:{pattern})" for pattern in _CURRENCIES)
_AFTER = re.compile(rf"\s?-?(?P<currency>{_CURRENCY})(?![A-Za-zÀ-ɏ])", re.IGNORECASE)
_BEFORE = re.compile(rf"(?<![A-Za-zÀ-ɏ])(?P<currency>{_CURRENCY})\s?$", re.IGNORECASE)


def numbers(text: str) -> list[Number]:
    """Every number of the text, in order: "1,500", "1.500", "1.5k", "fifty", "三十", "خمسين".

    A point or comma before three digits parts thousands: no price has three decimals. Digits
    inside a name ("u-17", "X200") are no number.
    """
    found = [
        *map(_of_digits, _DIGITS.finditer(text)),
        *_of_words(text),
        *(Number(*m.span(), float(str(m.lastgroup)[1:])) for m in _PHRASE.finditer(text)),
        *(n for n in map(_of_cjk, _CJK_NUMBER.finditer(text)) if n is not None),
    ]
    found.sort(key=lambda number: (number.start, -number.end))
    kept: list[Number] = []
    for number in found:
        if not kept or number.start >= kept[-1].end:
            kept.append(number)
    return kept


def amounts(text: str) -> list[Amount]:
    """Every number as an amount; the sign or word of a currency beside it belongs to it."""
    found = []
    for start, end, value in numbers(text):
        before = _BEFORE.search(text[max(0, start - 12) : start])
        after = _AFTER.match(text, end)
        # "£20-£30": a sign goes with what it touches.
        if before is not None and (after is None or not before["currency"].isalpha()):
            begin = start - len(before[0])
            found.append(Amount(begin, end, value, _code(before["currency"])))
        elif after is not None:
            found.append(Amount(start, after.end(), value, _code(after["currency"])))
        else:
            found.append(Amount(start, end, value, None))
    return found


@cache
def _code(written: str) -> str:
    for pattern, code in _CURRENCIES.items():
        if re.fullmatch(pattern, written, re.IGNORECASE):
            return code
    raise AssertionError(f"{written!r} matched a currency's pattern")


def _of_digits(match: re.Match[str]) -> Number:
    whole = "".join(str(unicodedata.digit(c)) for c in match["whole"] if c.isdigit())
    part = "".join(str(unicodedata.digit(c)) for c in match["part"] or "")
    value = float(f"{whole}.{part or '0'}")
    if match["times"]:
        times = match["times"].lower()
        value *= _TIMES.get(times) or _CJK_TIMES[times]
    return Number(match.start(), match.end(), value)


def _of_words(text: str) -> list[Number]:
    words = [(m.start(), m.end(), m[0].lower()) for m in _WORD.finditer(text)]
    found: list[Number] = []
    at = 0
    while at < len(words):
        first = _value(words[at][2])
        if first is None:
            at += 1
            continue
        start, end, _ = words[at]
        value, at = first, at + 1
        while at < len(words) and text[end : words[at][0]].strip(" -") == "":
            taken = _more(value, [word for _, _, word in words[at : at + 3]])
            if taken is None:
                break
            value, count = taken
            at += count
            end = words[at - 1][1]
        found.append(Number(start, end, float(value)))
    return found


def _more(value: int, following: list[str]) -> tuple[int, int] | None:
    """The number that the words after it make of `value`, and how many words that takes."""
    word = following[0]
    if word in _TIMES and (value < 100 or _TIMES[word] > 100) and value < _TIMES[word]:
        return value * _TIMES[word], 1
    linked = word in _LINKS and len(following) > 1
    rest = following[1:] if linked else following
    added = _value(rest[0])
    # "one hundred and two hundred" are two numbers.
    if added is None or (len(rest) > 1 and rest[1] in _TIMES):
        return None
    fits = (value in _TENS and added < 10) or (value % 100 == 0 and added < 100)
    return (value + added, 2 if linked else 1) if fits and value else None


@cache
def _value(word: str) -> int | None:
    """The number that one word is: "forty", "twenty-five", "fünfundzwanzig"."""
    if word in _SMALL:
        return _SMALL[word]
    tens, _, ones = word.rpartition("-")
    if _SMALL.get(tens) in _TENS and _SMALL.get(ones, 10) < 10:
        return _SMALL[tens] + _SMALL[ones]
    ones, _, tens = word.partition("und")
    first = 1 if ones == "ein" else _SMALL.get(ones, 10)
    return first + _SMALL[tens] if first < 10 and _SMALL.get(tens) in _TENS else None


def _of_cjk(match: re.Match[str]) -> Number | None:
    total = section = digit = 0
    for character in match[0]:
        if character in _CJK_DIGITS:
            digit = _CJK_DIGITS[character]
        elif character in "万萬":
            total, section, digit = (section + digit) * 10_000, 0, 0
        else:
            section += (digit or 1) * _CJK_TIMES[character]
            digit = 0
    value = total + section + digit
    return Number(match.start(), match.end(), float(value)) if value else None
