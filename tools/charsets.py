"""Bytes to text: byte order marks, UTF-8, UTF-16, then the likeliest older charset."""

from __future__ import annotations

import codecs
import re

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_OLDER_CHARSETS = [
    *("cp1252", "gb18030", "big5", "cp932", "euc_jp", "cp949", "cp1250"),
    *("cp1251", "koi8_r", "cp1253", "cp1255", "cp1256"),
]
_SAMPLE_BYTES = 65_536


def decode_text(data: bytes) -> str | None:
    """The text that the bytes spell, without a byte order mark; None where they are no text."""
    for mark, marked in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return _clean(data, marked)
    if b"\x00" in data[:4096]:
        # UTF-16 without a mark: every second byte of most Western text is zero.
        sample = data[:4096]
        if sample[1::2].count(0) > 0.4 * len(sample) / 2:
            return _clean(data, "utf-16-le")
        if sample[::2].count(0) > 0.4 * len(sample) / 2:
            return _clean(data, "utf-16-be")
        return None
    text = _clean(data, "utf-8")
    if text is not None:
        return text
    encoding = _older_charset(data[:_SAMPLE_BYTES])
    return None if encoding is None else _clean(data, encoding)


def charset_of(beginning: bytes) -> str | None:
    """The charset of a long text by its first bytes, as Python calls it; None where it is no text.

    Those bytes may end inside a character.
    """
    for mark, marked in _BYTE_ORDER_MARKS:
        if beginning.startswith(mark):
            return marked
    if b"\x00" in beginning:
        return None
    try:
        codecs.getincrementaldecoder("utf-8")().decode(beginning, final=False)
    except UnicodeDecodeError:
        return _older_charset(beginning[:_SAMPLE_BYTES])
    return "utf-8"


def _clean(data: bytes, encoding: str) -> str | None:
    """The decoded text; None where it doesn't decode or is full of control characters."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    controls = sum(1 for _ in _CONTROLS.finditer(text))
    return text if controls * 200 <= len(text) else None


def _older_charset(sample: bytes) -> str | None:
    import charset_normalizer

    if charset_normalizer.is_binary(sample):
        return None
    matches = charset_normalizer.from_bytes(sample, cp_isolation=_OLDER_CHARSETS)
    best = matches.best()
    if best is None:
        return None
    # Central European cp1250 reads Western text without an error; between equals Western wins.
    for match in matches:
        if match.encoding == "cp1252" and (
            match.chaos <= best.chaos and match.coherence >= best.coherence
        ):
            return "cp1252"
    return best.encoding
