"""What a vector store is to the knowledge base: one contract, kept by Qdrant Edge and by a server.

A point has up to two dense vectors, one sparse vector and a payload. A query asks each vector
that it brings and fuses the lists by reciprocal ranks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from model_servers.contracts import SwitchboardError

MINILM = "minilm"
"""Dense vector of English chunks."""
E5 = "e5"
"""Dense vector of every chunk, whatever its language."""
LEXICAL = "lexical"
"""Sparse vector of words; the store weighs it by inverse document frequency."""

DENSE_SIZE = 384
LOOK = "look"
"""Dense vector of a picture: what the image classifier sees in it."""
LOOK_SIZE = 1280
RRF_K = 60
"""Cormack, Clarke, Büttcher 2009: score = Σ 1 / (k + rank)."""
PREFETCH_LIMIT = 30
"""How many neighbours each vector brings into the fusion."""


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of these values at least; of none, nothing matches."""

    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class NoneOf:
    """Not one of these values, also where the field is missing; of none, everything matches."""

    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class Range:
    """A number within these bounds; a point without the field does not match."""

    at_least: float | None = None
    at_most: float | None = None
    below: float | None = None


Condition = str | AnyOf | NoneOf | Range
Where = Mapping[str, Condition | tuple[Condition, ...]]
"""What payload fields must meet, all of them. Of a field that is a list, any entry may.

A flag is a word, such as "yes": Qdrant Edge's binding takes True for the number 1, and finds none.
"""

FieldKind = Literal["keyword", "float"]
_PASSAGE_FIELDS: Mapping[str, FieldKind] = {
    "kind": "keyword",
    "collection": "keyword",
    "document": "keyword",
    "language": "keyword",
}


def conditions(where: Where) -> Iterator[tuple[str, Condition]]:
    """Each field with each of its conditions."""
    for name, wanted in where.items():
        for condition in wanted if isinstance(wanted, tuple) else (wanted,):
            yield name, condition


@dataclass(frozen=True, slots=True)
class Layout:
    """What a store's points are like.

    Attributes:
        name: of their collection on a server.
        dense: the size of each dense vector, by its name.
        lexical: whether points may have the sparse vector of words.
        payload_on_disk: whether payloads are so large that they are not held in memory.
        indexed: the payload fields that filters ask for, and what they hold.
    """

    name: str
    dense: Mapping[str, int]
    lexical: bool = False
    payload_on_disk: bool = False
    indexed: Mapping[str, FieldKind] = field(default_factory=lambda: _PASSAGE_FIELDS)


PASSAGES = Layout("switchboard", {MINILM: DENSE_SIZE, E5: DENSE_SIZE}, lexical=True)
PICTURES = Layout("switchboard-pictures", {LOOK: LOOK_SIZE}, payload_on_disk=True)


class StoreUnavailable(SwitchboardError):
    """The vector store can't be reached, opened, read or written just now."""

    code = "knowledge_unavailable"
    http_status = 503
    retryable = True


@dataclass(frozen=True, slots=True)
class Sparse:
    """A sparse vector; indices are unique and fit in 32 bits."""

    indices: Sequence[int]
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Vectors:
    """The vectors of a point or of a query, each under its name; absent ones are not asked."""

    dense: Mapping[str, Sequence[float]] = field(default_factory=dict)
    lexical: Sparse | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """`id` is a UUID."""

    id: str
    payload: Mapping[str, Any]
    vectors: Vectors = Vectors()


@dataclass(frozen=True, slots=True)
class Hit:
    """A point that a query found, with its fused score."""

    point: Point
    score: float


class VectorStore(Protocol):
    """Where points lie. Every method raises StoreUnavailable, and nothing else, when it can't."""

    async def upsert(self, points: Sequence[Point]) -> None:
        """Add points; one with a known id is replaced."""
        ...

    async def replace(self, points: Sequence[Point], stale: Where) -> None:
        """Add points, then delete those that match `stale` and are not among them.

        A query never finds neither the old points nor the new ones.
        """
        ...

    async def query(
        self, vectors: Vectors, where: Where, limit: int, *, with_vectors: bool = True
    ) -> list[Hit]:
        """The best points by reciprocal rank fusion, with payloads and, if wanted, vectors."""
        ...

    async def get(self, ids: Sequence[str], *, with_vectors: bool = False) -> list[Point]:
        """Points by id; unknown ids are left out."""
        ...

    async def scan(self, where: Where) -> list[Point]:
        """Every point that matches, without vectors, in no particular order."""
        ...

    async def delete(self, where: Where) -> None:
        """Delete every point that matches."""
        ...

    async def count(self, where: Where) -> int:
        """How many points match, exactly."""
        ...

    async def close(self) -> None:
        """Give files and connections back. The store must not be used after."""
        ...
