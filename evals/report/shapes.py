"""How single values are written for people: numbers with their units, and what data holds."""

from __future__ import annotations

import json

from pydantic import JsonValue

from evals.report.comparison import Change
from evals.report.plots import as_seconds
from evals.report.run_files import Figure

MISSING = "–"
LONGEST_TEXT = 3_000
"""Signs of a value that are shown; how many more there are is said."""

OF_HUNDRED = frozenset({"chrf", "bleu", "ter"})


def number(value: float | None, name: str = "") -> str:
    """A figure as people read it; one in seconds has its unit."""
    if value is None:
        return MISSING
    if _in_seconds(name):
        return as_seconds(value)
    if float(value).is_integer() and abs(value) >= 2:
        return f"{value:,.0f}"
    size = abs(value)
    return f"{value:.3f}" if size < 10 else f"{value:.1f}" if size < 1000 else f"{value:,.0f}"


def interval(figure: Figure, name: str = "") -> str:
    if figure.low is None or figure.high is None:
        return MISSING
    return f"{number(figure.low, name)} to {number(figure.high, name)}"


def difference(change: Change) -> str:
    """With its sign."""
    if change.difference == 0:
        return "0"
    sign = "+" if change.difference > 0 else "−"
    return sign + number(abs(change.difference), change.figure)


def top_of(name: str, figure: Figure) -> float | None:
    """The most that a figure can be, where that is known: the length of its scale."""
    if figure.value is None or _in_seconds(name):
        return None
    largest = max(figure.value, figure.high or 0.0)
    if largest <= 1 and min(figure.value, figure.low or 0.0) >= 0:
        return 1.0
    words = name.partition("/")[0].lower().split("_")
    return 100.0 if largest <= 100 and not OF_HUNDRED.isdisjoint(words) else None


def text_of(value: JsonValue, longest: int = LONGEST_TEXT) -> str:
    """Text as it is, anything else as JSON; what is too long is cut, and by how much is said."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    if len(text) <= longest:
        return text
    return f"{text[:longest]}… ({len(text) - longest:,} more)"


def line_of(value: JsonValue, longest: int = 140) -> str:
    """On one line."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text[: longest * 4].split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _in_seconds(name: str) -> bool:
    words = name.partition("/")[0].lower().split("_")
    return "seconds" in words or "latency" in words or words[-1] == "s"
