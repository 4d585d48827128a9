"""What a value is like, without what it says: kinds, sizes, and a mark to tell equals by."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from itertools import islice
from typing import Any

from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema

from orchestrator.masking import mask
from tools.artifacts import Artifact

MAX_FIELDS = 24
_MARKED_BYTES = 65_536
_KEY = secrets.token_bytes(32)
"""Of this process alone: a plain hash of a telephone number is found by trying them all."""

_words: ContextVar[bool] = ContextVar("words_are_kept", default=False)


@contextmanager
def keeping_words(wanted: bool) -> Iterator[None]:
    """Whether a text's own words, masked, stand beside its shape; they do not by default."""
    token = _words.set(wanted)
    try:
        yield
    finally:
        _words.reset(token)


def shape(value: Any) -> Any:
    """The value's kind and size, as JSON. Equal texts have equal marks in one run of a process."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Artifact):
        return {"kind": value.kind, "media_type": value.media_type, "bytes": value.size}
    if isinstance(value, Mapping):
        return {"keys": len(value)}
    if isinstance(value, list | tuple):
        return {"items": len(value)}
    return "number" if isinstance(value, int | float) else type(value).__name__


def fields(data: BaseModel) -> dict[str, Any]:
    """The shape of each field; a field that takes one of a few words keeps its value.

    Such a field (a language, a task) tells nothing of a person, and the model has checked it.
    """
    closed = _closed(type(data))
    return {
        name: value if name in closed else shape(value)
        for name, value in islice(data, MAX_FIELDS)
        if value is not None
    }


@cache
def _closed(model: type[BaseModel]) -> frozenset[str]:
    try:
        schema = model.model_json_schema()
    except PydanticInvalidForJsonSchema:  # what no schema can tell is no list of words
        return frozenset()
    return frozenset(
        name for name, about in schema.get("properties", {}).items() if _takes_few_words(about)
    )


def _takes_few_words(schema: Mapping[str, Any]) -> bool:
    if "anyOf" in schema:
        return all(_takes_few_words(option) for option in schema["anyOf"])
    if schema.get("type") == "array":
        return _takes_few_words(schema.get("items", {}))
    return (
        "enum" in schema
        or "const" in schema
        or schema.get("type") in ("boolean", "null")
        or schema.get("pattern") == "^[a-z]{2}$"
    )


def _text(value: str) -> dict[str, Any]:
    raw = value.encode("utf-8", "surrogatepass")
    mark = hashlib.blake2s(raw[:_MARKED_BYTES], key=_KEY, digest_size=4).hexdigest()
    found: dict[str, Any] = {"chars": len(value), "bytes": len(raw), "mark": mark}
    return found | {"text": mask(value)} if _words.get() else found
