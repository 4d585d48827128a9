"""What a value is like, without what it says: kinds, sizes, and a mark to tell equals by."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from orchestrator.masking import mask
from tools.artifacts import Artifact

MAX_FIELDS = 24
_MARKED_BYTES = 65_536
_KEY = secrets.token_bytes(32)
"""Of this process alone: a plain hash of a telephone number is found by trying them all."""


def shape(value: Any, *, words: bool = False) -> Any:
    """The value's kind and size as JSON. With `words` a text's own, masked, stand beside them.

    Equal texts have equal marks in one run of the service.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, words=words)
    if isinstance(value, Artifact):
        return {"kind": value.kind, "media_type": value.media_type, "bytes": value.size}
    if isinstance(value, BaseModel):
        return fields(dict(value), words=words)
    if isinstance(value, Mapping):
        return {"keys": len(value)}
    if isinstance(value, list | tuple):
        return {"items": len(value)}
    return "number" if isinstance(value, int | float) else type(value).__name__


def fields(values: Mapping[str, Any], *, words: bool = False) -> dict[str, Any]:
    """The shape of each of some named values."""
    return {name: shape(value, words=words) for name, value in [*values.items()][:MAX_FIELDS]}


def _text(value: str, *, words: bool) -> dict[str, Any]:
    raw = value.encode("utf-8", "surrogatepass")
    mark = hashlib.blake2s(raw[:_MARKED_BYTES], key=_KEY, digest_size=4).hexdigest()
    found: dict[str, Any] = {"chars": len(value), "bytes": len(raw), "mark": mark}
    return found | {"text": mask(value)} if words else found
