"""The knowledge base over a real Edge shard, with an encoder that counts words."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tools.errors import InvalidInput, NotFound
from tools.knowledge.base import KnowledgeBase
from tools.knowledge.edge import EdgeStore
from tools.knowledge.retrieve import relevance
from tools.knowledge.vectors import DENSE_SIZE, E5, MINILM, Point, StoreUnavailable, Where

SHOES = "# Shoes\n\nShoes may be sent back within 100 days of delivery, unworn and in their box."
LAPTOPS = "# Laptops\n\nA laptop may be sent back within 30 days of delivery, with its charger."
CHINESE = "# 鞋子\n\n顾客购买的鞋子，自送达之日起有一百天的时间可以退回，条件是没有在室外穿过。"


class WordCounts:
    """Each word adds to a dimension of its own, or nearly so. Keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, int]] = []

    async def __call__(
        self, texts: Sequence[str], *, language: str, role: str, deadline: float | None = None
    ) -> NDArray[np.float32]:
        self.asked.append((language, role, len(texts)))
        rows = np.full((len(texts), DENSE_SIZE), 1e-3, dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split():
                row[hashlib.sha256(word.encode()).digest()[0]] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def encoder() -> WordCounts:
    return WordCounts()


@pytest.fixture
async def knowledge(tmp_path: Path, encoder: WordCounts) -> AsyncIterator[KnowledgeBase]:
    knowledge = KnowledgeBase(EdgeStore(tmp_path / "vectors"), encoder)
    yield knowledge
    await knowledge.close()


async def test_a_document_is_found_with_its_place(knowledge: KnowledgeBase) -> None:
    added = await knowledge.add("returns/shoes.md", SHOES, source="https://shop.example/shoes")
    await knowledge.add("returns/laptops.md", LAPTOPS)

    best, *_ = await knowledge.search("When may shoes be sent back?")

    assert best.document == "returns/shoes.md"
    assert best.document_id == added.id
    assert best.source == "https://shop.example/shoes"
    assert best.heading == ("Shoes",)
    assert best.language == "en"
    assert "100 days" in best.text
    assert 0 <= best.score <= 1
    assert (await knowledge.passage(best.chunk_id)).text == best.text


async def test_an_unchanged_document_is_not_encoded_again(
    knowledge: KnowledgeBase, encoder: WordCounts
) -> None:
    first = await knowledge.add("shoes.md", SHOES)
    encoder.asked.clear()

    assert await knowledge.add("shoes.md", SHOES) == first
    assert encoder.asked == []


async def test_a_changed_document_takes_the_place_of_the_old_one(knowledge: KnowledgeBase) -> None:
    first = await knowledge.add("shoes.md", SHOES)
    second = await knowledge.add("shoes.md", SHOES.replace("100", "60"))

    assert second.id == first.id
    assert await knowledge.list() == [second]
    passages = await knowledge.search("When may shoes be sent back?")
    assert len(passages) == 1
    assert "60 days" in passages[0].text


async def test_a_search_during_a_change_sees_one_version(knowledge: KnowledgeBase) -> None:
    versions = [SHOES.replace("100", str(days)) for days in range(10, 20)]
    await knowledge.add("shoes.md", versions[0])

    async def change() -> None:
        for version in versions[1:]:
            await knowledge.add("shoes.md", version)

    changing = asyncio.create_task(change())
    while not changing.done():
        assert len(await knowledge.search("When may shoes be sent back?")) == 1
    await changing


async def test_a_document_cut_short_is_taken_in_again(tmp_path: Path, encoder: WordCounts) -> None:
    class Dying(EdgeStore):
        async def upsert(self, points: Sequence[Point]) -> None:
            raise StoreUnavailable("gone")

    dying = KnowledgeBase(Dying(tmp_path / "vectors"), encoder)
    with pytest.raises(StoreUnavailable):
        await dying.add("shoes.md", SHOES)
    await dying.close()

    knowledge = KnowledgeBase(EdgeStore(tmp_path / "vectors"), encoder)
    assert await knowledge.list() == []
    added = await knowledge.add("shoes.md", SHOES)
    assert await knowledge.list() == [added]
    assert len(await knowledge.search("shoes")) == 1
    await knowledge.close()


async def test_everything_is_there_after_a_reopen(tmp_path: Path, encoder: WordCounts) -> None:
    first = KnowledgeBase(EdgeStore(tmp_path / "vectors"), encoder)
    added = await first.add("shoes.md", SHOES)
    await first.close()

    second = KnowledgeBase(EdgeStore(tmp_path / "vectors"), encoder)
    assert await second.list() == [added]
    await second.close()


async def test_collections_are_apart(knowledge: KnowledgeBase) -> None:
    ours = await knowledge.add("shoes.md", SHOES)
    theirs = await knowledge.add("shoes.md", LAPTOPS, collection="other")

    assert ours.id != theirs.id
    assert await knowledge.list("other") == [theirs]
    assert await knowledge.list() == [ours, theirs]
    found = await knowledge.search("sent back", collection="other")
    assert {passage.document_id for passage in found} == {theirs.id}


@pytest.mark.parametrize("by", ["name", "id"])
async def test_a_removed_document_is_gone(knowledge: KnowledgeBase, by: str) -> None:
    added = await knowledge.add("shoes.md", SHOES)
    (passage,) = await knowledge.search("shoes")

    assert await knowledge.remove(getattr(added, by)) == added

    assert await knowledge.list() == []
    assert await knowledge.search("shoes") == []
    with pytest.raises(NotFound):
        await knowledge.passage(passage.chunk_id)
    with pytest.raises(NotFound):
        await knowledge.remove(added.name)


@pytest.mark.parametrize("chunk_id", ["", "x", "../etc", "0" * 32])
async def test_an_unknown_passage_is_not_found(knowledge: KnowledgeBase, chunk_id: str) -> None:
    with pytest.raises(NotFound):
        await knowledge.passage(chunk_id)


async def test_a_document_is_no_passage(knowledge: KnowledgeBase) -> None:
    added = await knowledge.add("shoes.md", SHOES)
    with pytest.raises(NotFound):
        await knowledge.passage(added.id)


@pytest.mark.parametrize(
    ("name", "text", "collection"),
    [
        ("", SHOES, "default"),
        ("a\nb", SHOES, "default"),
        ("x" * 301, SHOES, "default"),
        ("a.md", "", "default"),
        ("a.md", " \n\t ", "default"),
        ("a.md", SHOES, ""),
        ("a.md", SHOES, "../x"),
        ("a.md", SHOES, "x" * 65),
    ],
)
async def test_bad_input_is_refused(
    knowledge: KnowledgeBase, name: str, text: str, collection: str
) -> None:
    with pytest.raises(InvalidInput):
        await knowledge.add(name, text, collection=collection)
    assert await knowledge.list() == []


async def test_an_empty_query_is_refused(knowledge: KnowledgeBase) -> None:
    with pytest.raises(InvalidInput):
        await knowledge.search("  ")


async def test_only_english_chunks_go_to_the_english_encoder(
    knowledge: KnowledgeBase, encoder: WordCounts
) -> None:
    await knowledge.add("shoes.md", CHINESE)
    assert {language for language, _, _ in encoder.asked} == {"mul"}

    encoder.asked.clear()
    await knowledge.add("laptops.md", LAPTOPS)
    assert [language for language, _, _ in encoder.asked] == ["en", "mul"]

    encoder.asked.clear()
    await knowledge.add("belts.md", LAPTOPS.replace("laptop", "belt"), multilingual=False)
    assert [language for language, _, _ in encoder.asked] == ["en"]


async def test_a_sure_english_search_asks_one_encoder(
    knowledge: KnowledgeBase, encoder: WordCounts
) -> None:
    await knowledge.add("laptops.md", LAPTOPS)
    encoder.asked.clear()

    await knowledge.search("A laptop may be sent back within 30 days of delivery?")
    await knowledge.search("顾客购买的鞋子")
    await knowledge.search("Who was the first king of Denmark?")

    assert encoder.asked == [
        ("en", "query", 1),
        ("en", "passage", 1),  # the sentences of what it found, once
        ("mul", "query", 1),
        ("en", "query", 1),
        ("mul", "query", 1),
    ]


async def test_one_sentence_on_the_point_outdoes_a_passage_of_the_same_words(
    knowledge: KnowledgeBase,
) -> None:
    filler = "Our team reads every letter with care and likes to hear from you. " * 4
    await knowledge.add("point.md", f"# A\n\n{filler}Parcels cost five euros. {filler}")
    await knowledge.add("words.md", f"# B\n\n{filler}Parcels go out. Stamps cost more. {filler}")

    best, other = await knowledge.search("Parcels cost")

    assert best.document == "point.md"
    assert best.score > other.score


async def test_progress_ends_at_one(knowledge: KnowledgeBase) -> None:
    told: list[float] = []
    text = "\n\n".join(f"# Part {i}\n\n" + "Words about a thing. " * 30 for i in range(40))

    await knowledge.add("long.md", text, progress=told.append)

    assert told == sorted(told)
    assert len(told) > 3
    assert told[-1] == 1.0


async def test_text_with_half_of_a_surrogate_pair_is_taken(knowledge: KnowledgeBase) -> None:
    await knowledge.add("shoes.md", SHOES + " \ud83d")
    assert await knowledge.search("shoes \ud83d")


async def test_a_store_that_is_gone_leaves_a_typed_error(encoder: WordCounts) -> None:
    class Gone(EdgeStore):
        async def get(self, ids: Sequence[str], *, with_vectors: bool = False) -> list[Point]:
            raise StoreUnavailable("gone")

        async def scan(self, where: Where) -> list[Point]:
            raise StoreUnavailable("gone")

    knowledge = KnowledgeBase(Gone(Path("never-opened")), encoder)
    with pytest.raises(StoreUnavailable):
        await knowledge.add("shoes.md", SHOES)
    with pytest.raises(StoreUnavailable):
        await knowledge.list()
    await knowledge.close()


@pytest.mark.parametrize("encoder_name", [MINILM, E5])
def test_relevance_rises_with_likeness_and_shared_words(encoder_name: str) -> None:
    def score(cosine: float, overlap: float) -> float:
        return relevance(encoder_name, cosine=cosine, overlap=overlap, same_language=True)

    assert 0 <= score(-1, 0) < score(0.5, 0) < score(0.5, 1) < score(1, 1) <= 1
