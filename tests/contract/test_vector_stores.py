"""One contract, kept by Qdrant Edge and by qdrant-client (local mode for a server)."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest

from tools.knowledge.edge import EdgeStore
from tools.knowledge.qdrant import QdrantStore, server_client
from tools.knowledge.vectors import (
    DENSE_SIZE,
    E5,
    MINILM,
    RRF_K,
    AnyOf,
    NoneOf,
    Point,
    Range,
    Sparse,
    StoreUnavailable,
    Vectors,
    VectorStore,
    Where,
)

Open = Callable[[], VectorStore]


@pytest.fixture(params=["edge", "qdrant"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    if request.param == "edge":
        return lambda: EdgeStore(tmp_path / "vectors")

    def local() -> VectorStore:
        from qdrant_client import AsyncQdrantClient

        return QdrantStore(lambda: AsyncQdrantClient(path=str(tmp_path / "server")))

    return local


@pytest.fixture
async def store(open_store: Open) -> AsyncIterator[VectorStore]:
    store = open_store()
    yield store
    await store.close()


def _id(number: int) -> str:
    return str(uuid.UUID(int=number))


def _axis(number: int, lean: float = 0.0) -> list[float]:
    """A unit vector along one axis, leaning a little towards the last one."""
    vector = np.zeros(DENSE_SIZE)
    vector[number] = 1.0
    vector[-1] += lean
    return [float(x) for x in vector / np.linalg.norm(vector)]


def _point(
    number: int, *, collection: str = "a", words: tuple[int, ...] = (), **payload: str
) -> Point:
    return Point(
        _id(number),
        {"collection": collection, "number": number, **payload},
        Vectors({E5: _axis(number)}, Sparse(words, [1.0] * len(words)) if words else None),
    )


async def test_points_come_back_as_they_went_in(store: VectorStore) -> None:
    payload = {"collection": "a", "heading": ["退货", "Retours"], "number": 7, "text": "naïve 🙂"}
    await store.upsert([Point(_id(1), payload)])

    (point,) = await store.get([_id(1), _id(2)])

    assert point == Point(_id(1), payload)
    assert await store.count({"collection": "a"}) == 1


async def test_a_known_id_is_replaced(store: VectorStore) -> None:
    await store.upsert([_point(1, text="old")])
    await store.upsert([_point(1, text="new")])

    assert await store.count({}) == 1
    assert (await store.get([_id(1)]))[0].payload["text"] == "new"


async def test_a_query_sees_only_what_its_filter_allows(store: VectorStore) -> None:
    await store.upsert([_point(1, collection="a"), _point(2, collection="b")])

    hits = await store.query(Vectors({E5: _axis(2)}), {"collection": "a"}, 5)

    assert [hit.point.id for hit in hits] == [_id(1)]


async def test_lists_are_fused_by_reciprocal_ranks(store: VectorStore) -> None:
    """Point 1 is first in one list and second in the other; it must win with 1/61 + 1/62.

    Both count ranks from 1 or both from 0: what matters is the order and the ratio.
    """
    await store.upsert(
        [
            Point(_id(1), {}, Vectors({MINILM: _axis(0), E5: _axis(1, lean=0.5)})),
            Point(_id(2), {}, Vectors({MINILM: _axis(5), E5: _axis(1)})),
            Point(_id(3), {}, Vectors({MINILM: _axis(0, lean=0.5), E5: _axis(9)})),
        ]
    )

    hits = await store.query(Vectors({MINILM: _axis(0), E5: _axis(1)}), {}, 3)

    assert hits[0].point.id == _id(1)
    ranks = {_id(1): (1, 2), _id(2): (3, 1), _id(3): (2, 3)}
    for start in (0, 1):  # the libraries differ in where they start to count
        expected = {i: sum(1 / (RRF_K + rank - 1 + start) for rank in r) for i, r in ranks.items()}
        if hits[0].score == pytest.approx(expected[_id(1)], rel=1e-3):
            break
    assert {hit.point.id: hit.score for hit in hits} == pytest.approx(expected, rel=1e-3)


async def test_rare_words_weigh_more(store: VectorStore) -> None:
    await store.upsert(
        [
            _point(1, words=(10, 11)),
            _point(2, words=(10,)),
            _point(3, words=(10,)),
            _point(4, words=(12,)),
        ]
    )

    hits = await store.query(Vectors(lexical=Sparse([10, 11], [1.0, 1.0])), {}, 5)

    assert hits[0].point.id == _id(1)
    assert {hit.point.id for hit in hits} == {_id(1), _id(2), _id(3)}  # ties in either order


async def test_vectors_come_with_the_hits(store: VectorStore) -> None:
    await store.upsert([_point(1, words=(4_294_967_295,))])

    (hit,) = await store.query(Vectors({E5: _axis(1)}), {}, 5)

    assert list(hit.point.vectors.dense[E5]) == pytest.approx(_axis(1))
    assert hit.point.vectors.lexical is not None
    assert list(hit.point.vectors.lexical.indices) == [4_294_967_295]


async def test_replace_leaves_only_the_new_points_of_its_kind(store: VectorStore) -> None:
    await store.upsert([_point(1, document="x"), _point(2, document="x"), _point(3, document="y")])

    await store.replace([_point(2, document="x"), _point(4, document="x")], {"document": "x"})

    assert {point.id for point in await store.scan({})} == {_id(2), _id(3), _id(4)}


async def test_replace_by_nothing_deletes(store: VectorStore) -> None:
    await store.upsert([_point(1, document="x"), _point(3, document="y")])
    await store.replace([], {"document": "x"})
    assert [point.id for point in await store.scan({})] == [_id(3)]


async def test_delete_by_filter(store: VectorStore) -> None:
    await store.upsert([_point(1, collection="a"), _point(2, collection="b")])
    await store.delete({"collection": "a"})
    assert [point.id for point in await store.scan({})] == [_id(2)]
    assert await store.query(Vectors({E5: _axis(1)}), {"collection": "a"}, 5) == []


async def test_points_survive_a_reopen(open_store: Open) -> None:
    first = open_store()
    await first.upsert([_point(1, words=(10,), text="kept")])
    await first.close()

    second = open_store()
    try:
        hits = await second.query(
            Vectors({E5: _axis(1)}, Sparse([10], [1.0])), {"collection": "a"}, 5
        )
        assert [hit.point.payload["text"] for hit in hits] == ["kept"]
    finally:
        await second.close()


async def test_thousands_of_points(store: VectorStore) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(3_000, DENSE_SIZE)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    await store.upsert(
        [
            Point(
                _id(i),
                {"collection": "a" if i % 2 else "b"},
                Vectors({E5: vector.tolist()}, Sparse([i % 97], [1.0])),
            )
            for i, vector in enumerate(vectors)
        ]
    )
    query = vectors[1_001] + 0.1 * vectors[2]
    exact = [i for i in np.argsort(-(vectors @ query)) if i % 2][:10]

    hits = await store.query(Vectors({E5: query.tolist()}), {"collection": "a"}, 10)

    assert await store.count({"collection": "a"}) == 1_500
    assert len(await store.scan({"collection": "b"})) == 1_500
    assert [hit.point.id for hit in hits] == [_id(int(i)) for i in exact]


async def test_an_empty_store_answers(store: VectorStore) -> None:
    assert await store.query(Vectors({E5: _axis(1)}), {"collection": "a"}, 5) == []
    assert await store.scan({}) == []
    assert await store.get([_id(1)]) == []
    await store.delete({"collection": "a"})
    await store.upsert([])


async def test_a_vector_of_the_wrong_size_is_a_typed_error(store: VectorStore) -> None:
    with pytest.raises(StoreUnavailable):
        await store.upsert([Point(_id(1), {}, Vectors({E5: [1.0, 2.0]}))])


async def test_a_second_owner_of_the_folder_is_refused_and_the_first_goes_on(
    tmp_path: Path,
) -> None:
    first, second = EdgeStore(tmp_path / "vectors"), EdgeStore(tmp_path / "vectors")
    await first.upsert([_point(1)])
    with pytest.raises(StoreUnavailable, match="Another process"):
        await second.count({})
    await first.upsert([_point(2)])
    assert await first.count({}) == 2
    await second.close()
    await first.close()


async def test_a_server_that_is_gone_is_a_retryable_error(unused_tcp_port: int) -> None:
    store = QdrantStore(lambda: server_client(f"http://127.0.0.1:{unused_tcp_port}", None))
    with pytest.raises(StoreUnavailable) as raised:
        await store.count({})
    assert raised.value.retryable
    await store.close()


async def test_a_damaged_folder_is_a_typed_error(tmp_path: Path) -> None:
    folder = tmp_path / "vectors"
    folder.mkdir()
    (folder / "edge_config.json").write_text("not json")
    store = EdgeStore(folder)
    with pytest.raises(StoreUnavailable) as raised:
        await store.count({})
    assert str(tmp_path) not in raised.value.message
    await store.close()


@pytest.mark.parametrize(
    ("where", "matching"),
    [
        ({"price": Range(at_least=20.0)}, {2, 3}),
        ({"price": Range(at_most=20.0)}, {1, 2}),
        ({"price": Range(below=20.0)}, {1}),
        ({"price": Range(at_least=10.0, below=60.0)}, {2}),
        ({"categories": AnyOf(["tents", "gifts"])}, {1, 2}),
        ({"categories": AnyOf([])}, set()),
        ({"categories": NoneOf(["gifts"])}, {2, 3, 4}),
        ({"categories": NoneOf([])}, {1, 2, 3, 4}),
        ({"categories": (AnyOf(["outdoor"]), NoneOf(["gifts"]))}, {2, 3}),
        ({"available": "yes"}, {1, 2, 4}),
        ({"item": NoneOf(["i1", "i3"])}, {2, 4}),
        ({"item": (NoneOf(["i1"]), NoneOf(["i4"])), "available": "yes"}, {2}),
    ],
)
async def test_filters_by_number_list_flag_and_exclusion(
    store: VectorStore, where: Where, matching: set[int]
) -> None:
    def item(number: int, available: str, categories: list[str], price: float | None) -> Point:
        payload = {"item": f"i{number}", "available": available, "categories": categories}
        priced = {} if price is None else {"price": price}
        return Point(_id(number), payload | priced, Vectors({E5: _axis(number)}))

    await store.upsert(
        [
            item(1, "yes", ["outdoor", "gifts"], 9.9),
            item(2, "yes", ["outdoor", "tents"], 20.0),
            item(3, "no", ["outdoor"], 60.0),
            item(4, "yes", [], None),
        ]
    )
    wanted = {_id(number) for number in matching}

    assert {hit.point.id for hit in await store.query(Vectors({E5: _axis(1)}), where, 9)} == wanted
    assert {point.id for point in await store.scan(where)} == wanted
    assert await store.count(where) == len(wanted)
    await store.delete(where)
    assert await store.count({}) == 4 - len(wanted)


async def test_vectors_come_only_where_they_are_wanted(store: VectorStore) -> None:
    await store.upsert([_point(1)])
    (bare,) = await store.query(Vectors({E5: _axis(1)}), {}, 1, with_vectors=False)
    (known,) = await store.get([_id(1)], with_vectors=True)
    assert bare.point.vectors == Vectors()
    assert list(known.vectors.dense[E5]) == pytest.approx(_axis(1))
