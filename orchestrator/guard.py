"""What may come in: text cleaned of what no person typed, and bounded."""

from __future__ import annotations

import re
import unicodedata

from orchestrator.errors import BadRequest, PayloadTooLarge

_INVISIBLE = re.compile(
    # Lone surrogates, controls but tab and line feed, bidirectional overrides and isolates,
    # zero-width space, word joiner, byte order mark, soft hyphen, and tag characters. The
    # zero-width (non-)joiner stays: Hindi, Persian and emoji are spelt with it.
    "[\ud800-\udfff\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f"
    "\u2060\ufeff\u00ad\U000e0000-\U000e007f]"
)
MAX_ATTACHMENTS = 16


def clean(text: str) -> str:
    """The text in NFC, with line feeds for line ends and without what can't be seen."""
    return unicodedata.normalize(
        "NFC", _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    ).strip()


def admit(text: str, attachments: int, *, max_chars: int) -> str:
    """The cleaned request. Raises BadRequest where nothing is asked, PayloadTooLarge."""
    if len(text) > max_chars:
        raise PayloadTooLarge(
            f"The request has {len(text):,} characters and may have {max_chars:,}; "
            "attach long texts as files.",
            param="messages",
        )
    if attachments > MAX_ATTACHMENTS:
        raise PayloadTooLarge(
            f"{attachments} files came with the request; it may have {MAX_ATTACHMENTS}.",
            param="messages",
        )
    cleaned = clean(text)
    if not cleaned:
        raise BadRequest("The request is empty: say what is to be done.", param="messages")
    return cleaned
