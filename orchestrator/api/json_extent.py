"""How much a JSON body would be as objects, told before any is made."""

from __future__ import annotations

import re

from orchestrator.errors import PayloadTooLarge

MAX_VALUES = 160_000
"""Texts, lists, objects and separators; a list takes three bytes of JSON and sixty of memory.
20,000 examples of `classify_text` have room."""
MAX_WIDE_BYTES = 8 * 1024 * 1024
"""Of texts beyond ASCII: one emoji has every character of its text take four bytes."""
_SMALL_BYTES = 64 * 1024

_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)


def check_extent(body: bytes | bytearray) -> None:
    """Raises PayloadTooLarge where the JSON's objects would take far more room than its bytes."""
    if len(body) <= _SMALL_BYTES:
        return
    narrow = body.isascii() and b"\\u" not in body
    # What stands inside texts is counted, too, and nearly always it is few enough all the same.
    at_most = body.count(b'"') // 2 + 1 + _marks(body, 0, len(body))
    if at_most <= MAX_VALUES and (narrow or len(body) <= MAX_WIDE_BYTES):
        return
    values = wide_bytes = place = 0
    for text in _TEXT.finditer(body):
        values += 1 + _marks(body, place, text.start())
        place = text.end()
        if values > MAX_VALUES:
            break
        if not narrow and not _is_narrow(text[0]):
            wide_bytes += place - text.start()
    values += _marks(body, place, len(body))
    if values > MAX_VALUES:
        raise PayloadTooLarge(
            f"The body holds more than {MAX_VALUES:,} values; send less at once, or as a file."
        )
    if wide_bytes > MAX_WIDE_BYTES:
        raise PayloadTooLarge(
            f"The body holds more than {MAX_WIDE_BYTES:,} bytes of text; send it as a file."
        )


def _marks(body: bytes | bytearray, start: int, end: int) -> int:
    return sum(body.count(mark, start, end) for mark in (b",", b"[", b"{"))


def _is_narrow(text: bytes) -> bool:
    return text.isascii() and b"\\u" not in text
