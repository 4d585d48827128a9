"""The default vector store: a Qdrant Edge shard in a folder of this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

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
    from filelock import FileLock
    from qdrant_edge import EdgeShard, FieldCondition, Filter

T = TypeVar("T")
_PAGE = 1_000


class EdgeStore:
    """A shard in `folder`, opened at its first use and held by one process at a time.

    One worker thread does every call in turn: the shard blocks, and what it does in one call no
    other call sees half done.
    """

    def __init__(self, folder: Path, layout: Layout = PASSAGES) -> None:
        self._folder = folder
        self._layout = layout
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="vectors")
        self._shard: EdgeShard | None = None
        self._lock: FileLock | None = None

    async def upsert(self, points: Sequence[Point]) -> None:
        await self._run(lambda shard: _upsert(shard, points))

    async def replace(self, points: Sequence[Point], stale: Where) -> None:
        def work(shard: EdgeShard) -> None:
            from qdrant_edge import UpdateOperation

            _upsert(shard, points)
            others = _filter(stale, but=[point.id for point in points])
            shard.update(UpdateOperation.delete_points_by_filter(others))

        await self._run(work)

    async def query(
        self, vectors: Vectors, where: Where, limit: int, *, with_vectors: bool = True
    ) -> list[Hit]:
        def work(shard: EdgeShard) -> list[Hit]:
            from qdrant_edge import Fusion, Prefetch, Query, QueryRequest

            wanted = _filter(where)
            asked = {**vectors.dense, LEXICAL: _native_sparse(vectors.lexical)}
            found = shard.query(
                QueryRequest(
                    prefetches=[
                        Prefetch(
                            query=Query.Nearest(vector, using=name),
                            limit=max(limit, PREFETCH_LIMIT),
                            filter=wanted,
                        )
                        for name, vector in asked.items()
                        if vector is not None
                    ],
                    query=cast(Fusion, Fusion.Rrf(k=RRF_K)),  # the stubs miss the base class
                    limit=limit,
                    with_payload=True,
                    with_vector=with_vectors,
                )
            )
            return [Hit(_point(each), each.score) for each in found]

        return await self._run(work)

    async def get(self, ids: Sequence[str], *, with_vectors: bool = False) -> list[Point]:
        return await self._run(
            lambda shard: [
                _point(record)
                for record in shard.retrieve(list(ids), with_payload=True, with_vector=with_vectors)
            ]
        )

    async def scan(self, where: Where) -> list[Point]:
        def work(shard: EdgeShard) -> list[Point]:
            from qdrant_edge import ScrollRequest

            points: list[Point] = []
            offset = None
            while True:
                records, offset = shard.scroll(
                    ScrollRequest(
                        offset=offset, limit=_PAGE, filter=_filter(where), with_payload=True
                    )
                )
                points += map(_point, records)
                if offset is None:
                    return points

        return await self._run(work)

    async def delete(self, where: Where) -> None:
        def work(shard: EdgeShard) -> None:
            from qdrant_edge import UpdateOperation

            shard.update(UpdateOperation.delete_points_by_filter(_filter(where)))

        await self._run(work)

    async def count(self, where: Where) -> int:
        def work(shard: EdgeShard) -> int:
            from qdrant_edge import CountRequest

            return int(shard.count(CountRequest(exact=True, filter=_filter(where))))

        return await self._run(work)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._release)
        self._thread.shutdown()

    async def _run(self, work: Callable[[EdgeShard], T]) -> T:
        def call() -> T:
            try:
                return work(self._opened())
            except StoreUnavailable:
                raise
            except Exception as error:  # the library raises nothing narrower
                cause = str(error).strip().partition("\n")[0][:200]
                raise StoreUnavailable(
                    "The knowledge base's vector store failed: "
                    + cause.replace(str(self._folder), "its folder")
                ) from error

        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    def _opened(self) -> EdgeShard:
        if self._shard is None:
            from filelock import FileLock, Timeout
            from qdrant_edge import EdgeShard

            self._folder.mkdir(parents=True, exist_ok=True)
            # A second open is refused by the shard too, but then breaks the owner's next flush.
            lock = FileLock(self._folder.with_name(self._folder.name + ".lock"), timeout=0)
            try:
                lock.acquire()
            except Timeout:
                raise StoreUnavailable(
                    "Another process has this knowledge base open; "
                    "ask the running service, or stop it first."
                ) from None
            try:
                existing = any(self._folder.iterdir())
                path = str(self._folder)
                self._shard = EdgeShard.load(path) if existing else _create(path, self._layout)
            except BaseException:
                lock.release()
                raise
            self._lock = lock
        return self._shard

    def _release(self) -> None:
        if self._shard is not None:
            self._shard.close()
            self._shard = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None


def _create(path: str, layout: Layout) -> EdgeShard:
    from qdrant_edge import (
        Distance,
        EdgeConfig,
        EdgeShard,
        EdgeSparseVectorParams,
        EdgeVectorParams,
        Modifier,
        PayloadSchemaType,
        UpdateOperation,
    )

    words = {LEXICAL: EdgeSparseVectorParams(modifier=Modifier.Idf)}
    shard = EdgeShard.create(
        path,
        EdgeConfig(
            vectors={
                name: EdgeVectorParams(size=size, distance=Distance.Cosine)
                for name, size in layout.dense.items()
            },
            sparse_vectors=words if layout.lexical else None,
            on_disk_payload=layout.payload_on_disk,
        ),
    )
    kinds = {"keyword": PayloadSchemaType.Keyword, "float": PayloadSchemaType.Float}
    for name, kind in layout.indexed.items():
        shard.update(UpdateOperation.create_field_index(name, kinds[kind]))
    return shard


def _upsert(shard: EdgeShard, points: Sequence[Point]) -> None:
    from qdrant_edge import Point as NativePoint
    from qdrant_edge import UpdateOperation

    if points:
        shard.update(
            UpdateOperation.upsert_points(
                [
                    NativePoint(
                        id=point.id,
                        vector=_native_vectors(point.vectors),
                        payload=dict(point.payload),
                    )
                    for point in points
                ]
            )
        )


def _native_vectors(vectors: Vectors) -> dict[str, Any]:
    native: dict[str, Any] = {name: list(vector) for name, vector in vectors.dense.items()}
    if vectors.lexical is not None:
        native[LEXICAL] = _native_sparse(vectors.lexical)
    return native


def _native_sparse(sparse: Sparse | None) -> Any:
    from qdrant_edge import SparseVector

    return sparse and SparseVector(indices=list(sparse.indices), values=list(sparse.values))


def _filter(where: Where, but: Sequence[str] = ()) -> Filter:
    from qdrant_edge import Filter, HasIdCondition

    must: list[Any] = []
    must_not: list[Any] = [HasIdCondition(set(but))] if but else []
    for name, condition in conditions(where):
        (must_not if isinstance(condition, NoneOf) else must).append(_native(name, condition))
    return Filter(must=must, must_not=must_not or None)


def _native(name: str, condition: Condition) -> FieldCondition:
    from qdrant_edge import FieldCondition, MatchAny, MatchValue, RangeFloat

    if isinstance(condition, Range):
        bounds = RangeFloat(gte=condition.at_least, lte=condition.at_most, lt=condition.below)
        return FieldCondition(key=name, range=bounds)
    if isinstance(condition, AnyOf | NoneOf):
        return FieldCondition(key=name, match=MatchAny(list(condition.values)))
    return FieldCondition(key=name, match=MatchValue(condition))


def _point(native: Any) -> Point:
    dense = dict(native.vector or {})
    sparse = dense.pop(LEXICAL, None)
    return Point(
        id=str(native.id),
        payload=native.payload or {},
        vectors=Vectors(dense, sparse and Sparse(sparse.indices, sparse.values)),
    )
