"""What collections, documents and pictures of the knowledge base may be called."""

from __future__ import annotations

import re
from uuid import UUID

from tools.errors import InvalidInput

MAX_NAME_CHARS = 300

_COLLECTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def check_collection(name: str) -> None:
    """Raises InvalidInput for a name that no collection may have."""
    if not _COLLECTION.fullmatch(name):
        raise InvalidInput(
            "A collection's name is 1 to 64 letters, digits, '.', '_' or '-'.", param="collection"
        )


def check_name(name: str, noun: str = "document") -> None:
    """Raises InvalidInput for a name that no document, or no picture, may have."""
    if not name.strip() or len(name) > MAX_NAME_CHARS or not name.isprintable():
        raise InvalidInput(
            f"A {noun}'s name is 1 to {MAX_NAME_CHARS} characters on one line.", param="name"
        )


def is_uuid(text: str) -> bool:
    """Whether a text is an id, as the store's points have them."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True
