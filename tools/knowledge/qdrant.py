"""The vector store on a Qdrant server or cluster, through qdrant-client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from tools.knowledge.vectors import (
    LEXICAL,
    PASSAGES,
    PREFETCH_LIMIT,
    RRF_K,
    AnyOf,
    Condition,
    Hit,
    Layout,
    NoneOf,
    Point,
    Range,
    Sparse,
    StoreUnavailable,
    Vectors,
    Where,
    conditions,
)

if TYPE_CHECKING:
    from qdrant_client import AsyncQdrantClient
    from qdrant_client.models import Condition as NativeCondition
    from qdrant_client.models import FieldCondition, Filter, PointStruct

_PAGE = 1_000
_UPSERT = 128
"""Points a request: a server refuses bodies over 32 MiB."""


class QdrantStore:
    """Points in one collection of a server, made at the first use where it is not there.

    Args:
        connect: gives the client; called once, at the first use.
        layout: what the points are like, and what their collection is called.
    """

    def __init__(self, connect: Callable[[], AsyncQdrantClient], layout: Layout = PASSAGES) -> None:
        self._connect = connect
        self._layout = layout
        self._connected: AsyncQdrantClient | None = None
        self._connecting = asyncio.Lock()

    async def upsert(self, points: Sequence[Point]) -> None:
        async with self._client() as client:
            for start in range(0, len(points), _UPSERT):
                await client.upsert(
                    self._layout.name, [_struct(each) for each in points[start : start + _UPSERT]]
                )

    async def replace(self, points: Sequence[Point], stale: Where) -> None:
        await self.upsert(points)
        async with self._client() as client:
            from qdrant_client.models import FilterSelector

            others = _filter(stale, but=[point.id for point in points])
            await client.delete(self._layout.name, FilterSelector(filter=others))

    async def query(
        self, vectors: Vectors, where: Where, limit: int, *, with_vectors: bool = True
    ) -> list[Hit]:
        from qdrant_client.models import Prefetch, Rrf, RrfQuery

        wanted = _filter(where)
        asked: dict[str, Any] = {name: list(vector) for name, vector in vectors.dense.items()}
        if vectors.lexical is not None:
            asked[LEXICAL] = _native_sparse(vectors.lexical)
        async with self._client() as client:
            found = await client.query_points(
                self._layout.name,
                prefetch=[
                    Prefetch(
                        query=vector, using=name, limit=max(limit, PREFETCH_LIMIT), filter=wanted
                    )
                    for name, vector in asked.items()
                ],
                query=RrfQuery(rrf=Rrf(k=RRF_K)),
                limit=limit,
                with_payload=True,
                with_vectors=with_vectors,
            )
        return [Hit(_point(each), each.score) for each in found.points]

    async def get(self, ids: Sequence[str], *, with_vectors: bool = False) -> list[Point]:
        async with self._client() as client:
            found = await client.retrieve(self._layout.name, list(ids), with_vectors=with_vectors)
        return [_point(each) for each in found]

    async def scan(self, where: Where) -> list[Point]:
        points: list[Point] = []
        offset: Any = None
        async with self._client() as client:
            while True:
                records, offset = await client.scroll(
                    self._layout.name, scroll_filter=_filter(where), limit=_PAGE, offset=offset
                )
                points += map(_point, records)
                if offset is None:
                    return points

    async def delete(self, where: Where) -> None:
        from qdrant_client.models import FilterSelector

        async with self._client() as client:
            await client.delete(self._layout.name, FilterSelector(filter=_filter(where)))

    async def count(self, where: Where) -> int:
        async with self._client() as client:
            return (await client.count(self._layout.name, _filter(where), exact=True)).count

    async def close(self) -> None:
        if self._connected is not None:
            await self._connected.close()
            self._connected = None

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[AsyncQdrantClient]:
        """The client, its collection there; whatever fails inside is StoreUnavailable."""
        from httpx import HTTPError
        from qdrant_client.common.client_exceptions import QdrantException
        from qdrant_client.http.exceptions import ApiException

        try:
            async with self._connecting:
                if self._connected is None:
                    client = self._connect()
                    try:
                        await _ensure_collection(client, self._layout)
                    except BaseException:
                        await client.close()
                        raise
                    self._connected = client
            yield self._connected
        except (ApiException, QdrantException, HTTPError, OSError, ValueError) as error:
            raise StoreUnavailable(
                f"The knowledge base's Qdrant server does not answer as it should "
                f"({type(error).__name__}); try again when it is back."
            ) from error


def server_client(url: str, api_key: str | None) -> AsyncQdrantClient:
    """A client of the server at `url`. Connects when first asked."""
    from qdrant_client import AsyncQdrantClient

    return AsyncQdrantClient(url=url, api_key=api_key, timeout=30, check_compatibility=False)


def memory_client() -> AsyncQdrantClient:
    """A client whose points lie in this process and go with it."""
    from qdrant_client import AsyncQdrantClient

    return AsyncQdrantClient(":memory:")


async def _ensure_collection(client: AsyncQdrantClient, layout: Layout) -> None:
    from qdrant_client.http.exceptions import UnexpectedResponse
    from qdrant_client.models import (
        Distance,
        Modifier,
        PayloadSchemaType,
        SparseVectorParams,
        VectorParams,
    )

    if await client.collection_exists(layout.name):
        return
    words = {LEXICAL: SparseVectorParams(modifier=Modifier.IDF)}
    try:
        await client.create_collection(
            layout.name,
            vectors_config={
                name: VectorParams(size=size, distance=Distance.COSINE)
                for name, size in layout.dense.items()
            },
            sparse_vectors_config=words if layout.lexical else None,
            on_disk_payload=layout.payload_on_disk,
        )
    except UnexpectedResponse as error:
        if error.status_code != 409:  # another process made it meanwhile
            raise
    if not _is_local(client):
        for name, kind in layout.indexed.items():
            await client.create_payload_index(layout.name, name, PayloadSchemaType(kind))


def _is_local(client: AsyncQdrantClient) -> bool:
    from qdrant_client.local.async_qdrant_local import AsyncQdrantLocal

    return isinstance(client._client, AsyncQdrantLocal)


def _struct(point: Point) -> PointStruct:
    from qdrant_client.models import PointStruct

    vector: dict[str, Any] = {name: list(each) for name, each in point.vectors.dense.items()}
    if point.vectors.lexical is not None:
        vector[LEXICAL] = _native_sparse(point.vectors.lexical)
    return PointStruct(id=point.id, vector=vector, payload=dict(point.payload))


def _native_sparse(sparse: Sparse) -> Any:
    from qdrant_client.models import SparseVector

    return SparseVector(indices=list(sparse.indices), values=list(sparse.values))


def _filter(where: Where, but: Sequence[str] = ()) -> Filter:
    from qdrant_client.models import Filter, HasIdCondition

    must: list[NativeCondition] = []
    must_not: list[NativeCondition] = [HasIdCondition(has_id=list(but))] if but else []
    for name, condition in conditions(where):
        (must_not if isinstance(condition, NoneOf) else must).append(_native(name, condition))
    return Filter(must=must, must_not=must_not or None)


def _native(name: str, condition: Condition) -> FieldCondition:
    from qdrant_client.models import FieldCondition, MatchAny, MatchValue
    from qdrant_client.models import Range as NativeRange

    if isinstance(condition, Range):
        bounds = NativeRange(gte=condition.at_least, lte=condition.at_most, lt=condition.below)
        return FieldCondition(key=name, range=bounds)
    if isinstance(condition, AnyOf | NoneOf):
        return FieldCondition(key=name, match=MatchAny(any=list(condition.values)))
    return FieldCondition(key=name, match=MatchValue(value=condition))


def _point(native: Any) -> Point:
    dense = dict(native.vector or {})
    sparse = dense.pop(LEXICAL, None)
    return Point(
        id=str(native.id),
        payload=native.payload or {},
        vectors=Vectors(dense, sparse and Sparse(sparse.indices, sparse.values)),
    )
