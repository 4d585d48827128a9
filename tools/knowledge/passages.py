"""What the knowledge base holds and finds, as others see it; and how it lies in the store."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from tools.knowledge.vectors import Point, Vectors

DEFAULT_COLLECTION = "default"

_NAMESPACE = uuid.UUID("7b1d1a5e-52b7-4f0e-9c39-6a1e3c0f4d11")


class Document(BaseModel):
    """A document that was taken in. `source` says where it came from, such as a path or a URL."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    collection: str
    source: str
    language: str
    chunks: int
    content_hash: str


class Passage(BaseModel):
    """A chunk that was found. `score` is how likely it is to hold the answer, 0 to 1."""

    model_config = ConfigDict(frozen=True)

    chunk_id: str
    document_id: str
    document: str
    collection: str
    source: str
    heading: tuple[str, ...]
    text: str
    language: str
    score: float


def document_id(collection: str, name: str) -> str:
    """The id of the document of this name; a new version keeps it."""
    return str(uuid.uuid5(_NAMESPACE, f"{collection}\n{name}"))


def chunk_id(document: Document, number: int) -> str:
    """The id of a chunk; it stays while the document's content does."""
    return str(uuid.uuid5(uuid.UUID(document.id), f"{document.content_hash}\n{number}"))


def document_point(document: Document) -> Point:
    """A document's entry: a point without vectors, so that no query finds it."""
    payload = document.model_dump(exclude={"id"})
    return Point(document.id, {"kind": "document", "document": document.id, **payload})


def as_document(point: Point) -> Document:
    fields = {key: point.payload[key] for key in Document.model_fields if key != "id"}
    return Document(id=point.id, **fields)


def chunk_point(
    document: Document,
    number: int,
    *,
    heading: tuple[str, ...],
    text: str,
    language: str,
    vectors: Vectors,
) -> Point:
    return Point(
        chunk_id(document, number),
        {
            "kind": "chunk",
            "collection": document.collection,
            "document": document.id,
            "name": document.name,
            "source": document.source,
            "content_hash": document.content_hash,
            "number": number,
            "heading": list(heading),
            "text": text,
            "language": language,
        },
        vectors,
    )


def as_passage(chunk_id: str, payload: Mapping[str, Any], score: float) -> Passage:
    return Passage(
        chunk_id=chunk_id,
        document_id=payload["document"],
        document=payload["name"],
        collection=payload["collection"],
        source=payload["source"],
        heading=tuple(payload["heading"]),
        text=payload["text"],
        language=payload["language"],
        score=score,
    )
