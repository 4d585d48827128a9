"""Amounts with a currency or a per cent, by their form, in the words of ten languages."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SIGN = r"(?:(?:US|AU?|CA?|HK|NZ|S|NT|MX|R)?\$|[€£¥₹₩₽₺₪₴])"
# Codes that mean something else before a number ("TRY 3 times", "PHP 8") are not among them.
_CODE = (
    "AED|AUD|BRL|CAD|CHF|CLP|CNY|CZK|DKK|EGP|EUR|GBP|HKD|HUF|IDR|ILS|INR|JPY|KRW|KWD|MXN"
    "|MYR|NOK|NZD|PLN|QAR|RMB|RON|RUB|SAR|SEK|SGD|THB|TWD|UAH|USD|VND|ZAR|eur|usd|gbp|chf"
)
_BEFORE = rf"(?:{_SIGN}|(?:{_CODE})|(?:Rs|kr)(?=[. ])\.?)"
_NUMBER = (
    r"(?:\d{1,3}(?:,\d{2})*,\d{3}(?:\.\d{1,2})?"
    r"|\d{1,3}(?:[.,'’ \u00a0\u202f]\d{3})*(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,2})?)"
)
_GAP = r"[ \u00a0\u202f]?"
_TIMES = (
    rf"(?:{_GAP}(?i:thousand|million|billion|trillion|bn|mio|mrd|millionen|milliarden"
    r"|millions?|milliards?|mill[oó]n(?:es)?|mil|milh(?:ão|ões)|milioni|miljoen)(?![^\W\d_])|[千万萬亿億])"
)
_WORD = (
    "euros?|dollars?|pounds?(?: sterling)?|pence|cents?|francs?|pesos?|yen|yuan|renminbi|rupees?"
    "|roubles?|rubles?|dirhams?|dinars?|riyals?|kronor|kroner|z[lł]oty(?:ch)?|zł|kč|kr"
    "|us-dollar|franken|pfund|kronen|rubel|rupien|livres sterling|roupies|dólar(?:es)?|libras"
    "|francos|rupias|reais|centavos|céntimos|cêntimos|dollari|sterline|franchi|dollaro"
    "|percent|per cent|prozent|pour cent|por ciento|por cento"
)
_WORD_UNSPACED = (
    "元|圆|円|块钱|欧元|歐元|美元|美金|英镑|英鎊|日元|日圓|人民币|人民幣|港币|港元|瑞士法郎|ユーロ|ドル"
    "|ポンド|유로|달러|원"
)
_WORD_OTHER = "यूरो|डॉलर|रुपये|रुपए|पाउंड|يورو|دولار|جنيه|درهم|ريال|دينار"
_AFTER = (
    rf"(?:{_SIGN}|%|(?:{_CODE})\b|(?i:{_WORD})(?![^\W\d_])|{_WORD_UNSPACED}"
    rf"|(?:{_WORD_OTHER})(?!\w))"
)
_AMOUNT = re.compile(
    rf"(?<![0-9A-Za-zÀ-ɏ_.,])(?:{_BEFORE}{_GAP}{_NUMBER}(?:[.,][-–—]+)?{_TIMES}?"
    rf"|{_NUMBER}(?:[.,][-–—]+)?(?:{_TIMES}(?:\.|[ ]d[ei]\b|[ ]d['’])?)?{_GAP}{_AFTER})(?!\d)"
)


def amounts_in(text: str) -> Iterator[tuple[int, int]]:
    """Where a number stands with its currency, its sign, code or word, or with a per cent. In
    order and without overlaps."""
    return (match.span() for match in _AMOUNT.finditer(text))
