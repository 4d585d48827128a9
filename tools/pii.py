"""Personal data that has a checkable form, amounts and dates: found by rules, in any language.

Cards, IBANs, IP addresses and phone numbers are presidio's recognisers, used one by one: its
engine would load a language pipeline of its own, and its others fire on nearly anything. E-mail
and web addresses are patterns, since presidio's ask the network for a list of domains.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any

from tools.amounts import amounts_in
from tools.date_forms import dates_in
from tools.spans import EntityType, Found

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+%-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w@-])")
_URL = re.compile(
    r"(?:https?://|www\.)[^\s<>\"'“”«»（）。，、；：！？\u3000-\u303f]{2,2000}", re.IGNORECASE
)
_URL_TAIL = ".,;:!?)]}'\"…*_"
_US_SSN = re.compile(r"(?<![\w-])(?!000|666|9\d\d)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\w-])")
_PHONE_WORD = re.compile(
    r"(?:phone|call|tel|mobile|cell|fax|whatsapp|ring|手机|电话|電話|llam|móvil|telef|appel|portable"
    r"|anruf|handy|ligue|celular|هاتف|फ़ोन|फोन)\W{0,4}\w{0,8}\W{0,6}$",
    re.IGNORECASE,
)
# Without a country code a number is tried as one of these countries'.
_REGIONS = ("US", "GB", "DE", "FR", "ES", "PT", "BR", "IT", "MX", "CN", "JP", "IN", "AE")
_DIGIT_RUN = re.compile(r"\+?\(?\d(?:[\s().\-/]{0,3}\d)*")
_MAX_RUN_DIGITS = 45  # three numbers in a row; what is longer is a table
_RECOGNISERS: dict[EntityType, str] = {
    "credit_card": "CreditCardRecognizer",
    "iban": "IbanRecognizer",
    "ip_address": "IpRecognizer",
}


def find_pii(text: str, types: Collection[EntityType]) -> list[Found]:
    """Entities of the pattern types among `types`, amounts with a currency or a per cent, and days.

    In no order, and they may overlap. Blocking.
    """
    found: list[Found] = []
    if "email" in types:
        found += (Found(*m.span(), "email", 0.95, "rules") for m in _EMAIL.finditer(text))
    if "url" in types:
        found += _urls(text)
    if "amount" in types:
        found += (Found(*span, "amount", 0.9, "rules") for span in amounts_in(text))
    if "date" in types:
        found += (Found(*span, "date", 0.9, "rules") for span in dates_in(text))
    if "national_id" in types:
        found += (Found(*m.span(), "national_id", 0.8, "rules") for m in _US_SSN.finditer(text))
    if "phone" in types:
        found += _phones(text)
    for kind, name in _RECOGNISERS.items():
        # All of them need digits, and most texts have none.
        if kind in types and any(char.isdigit() for char in text):
            found += _presidio(text, kind, name)
    return found


def _urls(text: str) -> Iterator[Found]:
    for match in _URL.finditer(text):
        address = match.group()
        kept = address.rstrip(_URL_TAIL)
        if address[len(kept) :].startswith(")") and kept.count("(") > kept.count(")"):
            kept += ")"
        if len(kept) > len("https://"):
            yield Found(match.start(), match.start() + len(kept), "url", 0.95, "rules")


def _presidio(text: str, kind: EntityType, name: str) -> Iterator[Found]:
    recogniser = _recogniser(name)
    for hit in recogniser.analyze(text, recogniser.supported_entities, None):
        yield Found(hit.start, hit.end, kind, round(float(hit.score), 2), "presidio")


def _phones(text: str) -> Iterator[Found]:
    """Telephone numbers; only runs of digits are looked at, since the recogniser is slow."""
    for run in _DIGIT_RUN.finditer(text):
        if 7 <= sum(char.isdigit() for char in run.group()) <= _MAX_RUN_DIGITS:
            for hit in _presidio(run.group(), "phone", "PhoneRecognizer"):
                start, end = run.start() + hit.start, run.start() + hit.end
                if _is_phone(text, start, end):
                    # Presidio gives every number 0.4; ours have been checked for more.
                    yield hit._replace(start=start, end=end, score=0.7)


def _is_phone(text: str, start: int, end: int) -> bool:
    """Whether a number that could be dialled is written, or announced, as a telephone number."""
    number = text[start:end]
    digits = sum(char.isdigit() for char in number)
    announced = _PHONE_WORD.search(text, max(0, start - 40), start) is not None
    written = number.startswith(("+", "(", "00")) or len(re.findall(r"\d[\s.-]+\d", number)) >= 2
    return digits >= 7 and (announced or written) and _US_SSN.fullmatch(number) is None


@cache
def _recogniser(name: str) -> Any:
    from presidio_analyzer import predefined_recognizers

    options = {"supported_regions": _REGIONS} if name == "PhoneRecognizer" else {}
    return getattr(predefined_recognizers, name)(**options)
