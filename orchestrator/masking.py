"""Takes out of a text what tells who someone is, or opens a door.

By patterns alone, since it works on every line of the log: e-mail addresses, numbers (telephones,
cards, accounts), IBANs, IP addresses, keys and passwords. Names are no pattern: where a text may
hold one, `orchestrator.shapes` keeps its size and not the text.
"""

from __future__ import annotations

import re

MAX_CHARS = 4_000
"""What is longer is cut: a log is not where a document belongs."""

_LONGEST = 300
"""Characters of what is masked, at most."""

_START = r"(?:\b|(?<=%[\dA-Fa-f]{2}))"
"""Of a word, also behind what a URL has quoted."""

_PATTERNS = (
    # A door before a person: a URL's password holds an @, a key holds digits.
    ("[key]", re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]*(?:-----END[^-]*-----)?")),
    ("//[key]@", re.compile(r"(?<=:)//[^\s/@]{1,200}@")),
    (
        r"\1[key]",
        re.compile(
            r"(\b(?:bearer|basic)\s+|\b[\w-]{0,20}(?:api[_-]?key|apikey|authorization|password"
            r"|passwd|secret|token)[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?:(?:bearer|basic)\s+)?(?!\[key\]))"
            r"[^\s\"',;&}]{3,}",
            re.IGNORECASE,
        ),
    ),
    (
        "[key]",
        re.compile(
            _START + r"(?:sk|pk|rk|ghp|gho|ghs|glpat|hf|xox[abprs]|AKIA|ASIA|AIza)[-_]?[\w-]{16,}"
            r"|\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?"
        ),
    ),
    ("[email]", re.compile(r"[\w.+%!#$&'*/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")),
    (
        "[iban]",
        re.compile(
            _START + r"[A-Z]{2}\d\d(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?\b",
            re.IGNORECASE,
        ),
    ),
    ("[ip]", re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]\d)")),
    ("[number]", re.compile(r"(?<!\w)\+?\(?\d(?:[\s().\-/·]{0,3}\d){6,}(?!\w)")),
)


def mask(text: str) -> str:
    """The text with such things replaced by what they are; a long one is cut."""
    masked = text[: MAX_CHARS + _LONGEST]
    for stands_for, pattern in _PATTERNS:
        masked = pattern.sub(stands_for, masked)
    # Whatever the cut went through stands at the end, and is no longer known for what it is.
    return masked if len(text) <= MAX_CHARS + _LONGEST else masked[:-_LONGEST] + "…"
