"""A small shop for tests, with encoders that need no weights."""

from __future__ import annotations

import re
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model_servers.encoders import DIMENSIONS, Role, unit_rows
from model_servers.images import Image
from orchestrator.database import Database, open_database
from orchestrator.shop_import import ShopImport
from orchestrator.shop_store import ShopStore
from tools.knowledge.edge import EdgeStore
from tools.knowledge.qdrant import QdrantStore, memory_client
from tools.knowledge.vectors import LOOK_SIZE, VectorStore
from tools.recommendation.item_vectors import ITEMS, ItemVectors
from tools.recommendation.shop import Constraints, Match, Shop, Source


class WordHashes:
    """Texts as counts of their words, which makes texts alike that share words."""

    def __init__(self) -> None:
        self.encoded = 0

    async def __call__(
        self, texts: Sequence[str], *, language: str, role: Role, deadline: float | None = None
    ) -> NDArray[np.float32]:
        rows = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in re.findall(r"\w+", text.casefold()):
                row[zlib.crc32(word.encode()) % DIMENSIONS] += 1
        self.encoded += len(texts)
        return unit_rows(rows)


async def colours(images: Sequence[Image], *, deadline: float | None) -> NDArray[np.float32]:
    """Pictures by their mean colour."""
    rows = np.zeros((len(images), LOOK_SIZE), dtype=np.float32)
    for row, image in zip(rows, images, strict=True):
        row[:3] = image.reshape(-1, 3).mean(axis=0) + 1
    return unit_rows(rows)


@dataclass(frozen=True, slots=True)
class SmallShop:
    """What a test works with; `folder` is where its files go."""

    folder: Path
    database: Database
    store: ShopStore
    vectors: ItemVectors
    imports: ShopImport
    words: WordHashes

    def file(self, name: str, content: str | bytes) -> Path:
        """A file with this content."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path


@asynccontextmanager
async def small_shop(folder: Path, vectors: str = "qdrant") -> AsyncIterator[SmallShop]:
    """An empty shop on SQLite, its vectors in Qdrant Edge or in qdrant-client's local mode."""
    native: VectorStore = (
        EdgeStore(folder / "items", ITEMS)
        if vectors == "edge"
        else QdrantStore(memory_client, ITEMS)
    )
    words = WordHashes()
    item_vectors = ItemVectors(native, words, colours)
    database = await open_database(f"sqlite:///{folder}/state.db")
    try:
        yield SmallShop(
            folder,
            database,
            ShopStore(database),
            item_vectors,
            ShopImport(database, item_vectors),
            words,
        )
    finally:
        await item_vectors.close()
        await database.close()


async def best(shop: Shop, source: Source, where: Constraints, limit: int) -> tuple[Match, ...]:
    """What one source gives."""
    (ranking,) = (await shop.candidates([source], where, limit)).rankings
    return ranking
