"""What may come in: text cleaned of what no person typed, and bounded."""

from __future__ import annotations

import re
import unicodedata

from orchestrator.errors import BadRequest, PayloadTooLarge

_INVISIBLE = re.compile(
    # Lone surrogates, controls but tab and line feed, bidirectional marks, overrides and isolates,
    # zero-width space, word joiner and invisible operators, byte order mark, soft hyphen, fillers
    # and joiners that show nothing, annotations, tags and variation selectors.
    "[\ud800-\udfff\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"
    "\ufff0-\ufffb\ufe00-\ufe0e\U000e0000-\U000e01ef]"
    # Arabic, Indic and other scripts and emoji are spelt with the zero-width (non-)joiner, emoji
    # with the last variation selector; anywhere else these only hide.
    "|(?<![\u0600-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefe\u2190-\u2bff\U0001f000-\U0001faff"
    "\ufe0f])[\u200c\u200d]"
    "|(?<![#*0-9\u00a9\u00ae\u2030-\u3299\U0001f000-\U0001faff])\ufe0f"
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
