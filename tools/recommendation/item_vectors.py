"""A shop's items as vectors: what is near in words or in looks, among those that are allowed.

Items lie under the edition of the catalogue that they came with. A new edition is written beside
the one that is asked, and the old one is deleted when nobody asks for it any more.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from model_servers.encoders import DIMENSIONS
from tools.knowledge import lexical
from tools.knowledge.base import document_language
from tools.knowledge.vectors import (
    E5,
    LOOK,
    LOOK_SIZE,
    MINILM,
    AnyOf,
    Condition,
    Layout,
    NoneOf,
    Point,
    Range,
    Vectors,
    VectorStore,
    Where,
)
from tools.recommendation.shop import Constraints, Item

if TYPE_CHECKING:
    from model_servers.images import Image
    from tools.knowledge.pictures import Looks
    from tools.knowledge.retrieve import Encode

ITEMS = Layout(
    "switchboard-items",
    {MINILM: DIMENSIONS, E5: DIMENSIONS, LOOK: LOOK_SIZE},
    lexical=True,
    indexed={
        "edition": "keyword",
        "item": "keyword",
        "categories": "keyword",
        "available": "keyword",
        "price": "float",
    },
)

_FORMAT = "1"
"""Part of every content hash: raise it when vectors are made differently."""
_NAMESPACE = uuid.UUID("5b0c0c0e-6a0b-4d0e-9c53-0f7b0e6f2c11")


class Pictured(NamedTuple):
    """An item with its picture, where it has one that could be read."""

    item: Item
    picture: Image | None = None


class Near(NamedTuple):
    """An item that was found; scores are of ranks and compare within one answer."""

    item: str
    score: float


class ItemVectors:
    """Vectors of items in a store that it owns.

    Every method raises StoreUnavailable when the store can't be reached, and what the encoders
    and the classifier raise.

    Args:
        store: of the layout ITEMS.
        encode: texts to unit vectors by language, as `model_servers.encoders.encode`.
        looks: pictures to features, as `tools.knowledge.pictures.looks`.
    """

    def __init__(self, store: VectorStore, encode: Encode, looks: Looks) -> None:
        self._store = store
        self._encode = encode
        self._looks = looks

    async def add(
        self,
        edition: int,
        items: Sequence[Pictured],
        *,
        before: int | None = None,
        deadline: float | None = None,
    ) -> None:
        """Add items to an edition; those that are there are replaced.

        Args:
            before: an edition whose vectors are taken over for items with the same words and look.
            deadline: on the clock of `time.monotonic()`.
        """
        known = {} if before is None else await self._known(before, items)
        fresh = [each for each in items if _content_hash(each) not in known]
        known |= await self._vectors(fresh, deadline)
        await self._store.upsert(
            [_point(edition, each, known[_content_hash(each)]) for each in items]
        )

    async def near_text(
        self,
        edition: int,
        text: str,
        where: Constraints,
        limit: int,
        *,
        deadline: float | None = None,
    ) -> list[Near]:
        """Items that the words may mean: by meaning in any language, and by the very words."""
        language = document_language(text)
        dense = {}
        for name in (MINILM, E5) if language == "en" else (E5,):
            (row,) = await self._encode(
                [text], language=_language(name), role="query", deadline=deadline
            )
            dense[name] = row.tolist()
        words = lexical.query_vector(text, language)
        return await self._near(edition, Vectors(dense, words), where, limit)

    async def near_item(
        self, edition: int, item: str, where: Constraints, limit: int
    ) -> list[Near]:
        """Items like another one, in words and looks; none where that one is not there."""
        found = await self._store.get([_point_id(edition, item)], with_vectors=True)
        if not found:
            return []
        but = where.model_copy(update={"excluded_items": (*where.excluded_items, item)})
        return await self._near(edition, Vectors(found[0].vectors.dense), but, limit)

    async def near_image(
        self,
        edition: int,
        image: Image,
        where: Constraints,
        limit: int,
        *,
        deadline: float | None = None,
    ) -> list[Near]:
        """Items whose pictures look like this one; none where no item has a picture."""
        (features,) = await self._looks([image], deadline=deadline)
        return await self._near(edition, Vectors({LOOK: features.tolist()}), where, limit)

    async def count(self, edition: int, where: Constraints | None = None) -> int:
        """How many items an edition has; with constraints, how many may be shown."""
        wanted = {"edition": str(edition)} if where is None else as_filter(edition, where)
        return await self._store.count(wanted)

    async def drop(self, edition: int) -> None:
        """Delete an edition."""
        await self._store.delete({"edition": str(edition)})

    async def keep_only(self, edition: int) -> None:
        """Delete all editions but one."""
        await self._store.delete({"edition": NoneOf([str(edition)])})

    async def close(self) -> None:
        """Give the store back."""
        await self._store.close()

    async def _near(
        self, edition: int, vectors: Vectors, where: Constraints, limit: int
    ) -> list[Near]:
        hits = await self._store.query(
            vectors, as_filter(edition, where), limit, with_vectors=False
        )
        return [Near(hit.point.payload["item"], hit.score) for hit in hits]

    async def _known(self, edition: int, items: Sequence[Pictured]) -> dict[str, Vectors]:
        ids = [_point_id(edition, each.item.id) for each in items]
        points = await self._store.get(ids, with_vectors=True)
        return {point.payload["content_hash"]: point.vectors for point in points}

    async def _vectors(
        self, items: Sequence[Pictured], deadline: float | None
    ) -> dict[str, Vectors]:
        """The vectors of items, by content hash."""
        texts = [_searched(each.item) for each in items]
        languages = [document_language(text) for text in texts]
        dense: list[dict[str, Sequence[float]]] = [{} for _ in items]
        english = [i for i, language in enumerate(languages) if language == "en"]
        for name, places in ((MINILM, english), (E5, list(range(len(items))))):
            rows = await self._encode(
                [texts[i] for i in places],
                language=_language(name),
                role="passage",
                deadline=deadline,
            )
            for i, row in zip(places, rows, strict=True):
                dense[i][name] = row.tolist()
        pictured = [(i, each.picture) for i, each in enumerate(items) if each.picture is not None]
        if pictured:
            looks = await self._looks([picture for _, picture in pictured], deadline=deadline)
            for (i, _), features in zip(pictured, looks, strict=True):
                dense[i][LOOK] = features.tolist()
        return {
            _content_hash(each): Vectors(vectors, lexical.document_vector(text, language))
            for each, vectors, text, language in zip(items, dense, texts, languages, strict=True)
        }


def as_filter(edition: int, where: Constraints) -> Where:
    """What a point must meet to be shown. An item whose price isn't known meets no bound on it."""
    wanted: dict[str, Condition | tuple[Condition, ...]] = {
        "edition": str(edition),
        "available": "yes",
    }
    price = Range(where.price_min, where.price_max, where.price_below)
    if price != Range():
        wanted["price"] = price
    categories: list[Condition] = []
    if where.categories:
        categories.append(AnyOf([name.casefold() for name in where.categories]))
    if where.excluded_categories:
        categories.append(NoneOf([name.casefold() for name in where.excluded_categories]))
    if categories:
        wanted["categories"] = tuple(categories)
    if where.excluded_items:
        wanted["item"] = NoneOf(where.excluded_items)
    return wanted


def _language(encoder: str) -> str:
    return "en" if encoder == MINILM else "mul"


def _searched(item: Item) -> str:
    return f"{item.title}. {item.text} {', '.join(item.categories)}".strip()


def _content_hash(each: Pictured) -> str:
    look = b"" if each.picture is None else each.picture.tobytes()
    words = f"{_FORMAT}\n{each.item.id}\n{_searched(each.item)}\n".encode()
    return hashlib.sha256(words + look).hexdigest()


def _point_id(edition: int, item: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{edition}\n{item}"))


def _point(edition: int, each: Pictured, vectors: Vectors) -> Point:
    item = each.item
    payload = {
        "edition": str(edition),
        "item": item.id,
        "categories": [name.casefold() for name in item.categories],
        "available": "yes" if item.available else "no",
        "content_hash": _content_hash(each),
    }
    priced = {} if item.price is None else {"price": item.price}
    return Point(_point_id(edition, item.id), payload | priced, vectors)
