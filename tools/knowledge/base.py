"""The knowledge base: documents in collections, cut into chunks, searched, cited."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence

from model_servers.languages import UNDETERMINED, identify
from tools.errors import InvalidInput, NotFound, ToolError
from tools.knowledge import lexical
from tools.knowledge.chunks import Chunk, count_words, split_chunks
from tools.knowledge.names import check_collection, check_name, is_uuid
from tools.knowledge.passages import (
    DEFAULT_COLLECTION,
    Document,
    Passage,
    as_document,
    as_passage,
    chunk_point,
    document_id,
    document_point,
)
from tools.knowledge.pictures import PictureBase
from tools.knowledge.retrieve import Encode, retrieve
from tools.knowledge.sentence_vectors import SentenceVectors
from tools.knowledge.vectors import E5, MINILM, Point, Vectors, VectorStore

MAX_CHUNKS = 20_000

_FORMAT = "1"
"""Part of every content hash: raise it when chunks or vectors are made differently."""
_BATCH = 16
_SURE = 0.9
_ENOUGH_WORDS = 20
"""From here a chunk's own language is believed rather than its document's."""

# `list` the method would hide `list` the type below it.
_Documents = list[Document]
_Passages = list[Passage]


class KnowledgeBase:
    """Documents to search, in a vector store that it owns.

    Every method raises StoreUnavailable when the store can't be reached, and what the encoders
    raise; bad names raise InvalidInput.

    Args:
        store: where the vectors lie.
        encode: texts to unit vectors by language, as `model_servers.encoders.encode`.
        pictures: what pictures are compared with; None where only text is kept.
    """

    def __init__(
        self, store: VectorStore, encode: Encode, pictures: PictureBase | None = None
    ) -> None:
        self._store = store
        self._pictures = pictures
        self._encode = encode
        self._sentences = SentenceVectors(encode)
        self._writing = asyncio.Lock()

    async def add(
        self,
        name: str,
        text: str,
        *,
        collection: str = DEFAULT_COLLECTION,
        source: str | None = None,
        multilingual: bool = True,
        deadline: float | None = None,
        progress: Callable[[float], None] = lambda _: None,
    ) -> Document:
        """Take a document in, or its new version; one whose text is known already is left alone.

        A search sees the old version or the new one, never neither.

        Args:
            name: unique in its collection.
            source: where it came from, such as a path or a URL; its name where not given.
            multilingual: whether questions in other languages than English must find it, too;
                without it an English text is taken in twenty times as fast.
            deadline: on the clock of `time.monotonic()`.
            progress: told the share that is done, 0 to 1.
        """
        check_name(name)
        check_collection(collection)
        text = _storable(text)
        identity = document_id(collection, name)
        content_hash = hashlib.sha256(f"{_FORMAT}{multilingual:d}\n{text}".encode()).hexdigest()
        async with self._writing:
            known = await self._store.get([identity])
            if known and known[0].payload["content_hash"] == content_hash:
                progress(1.0)
                return as_document(known[0])
            chunks = await asyncio.to_thread(split_chunks, text)
            if not chunks:
                raise InvalidInput(f"{name} holds no text.")
            if len(chunks) > MAX_CHUNKS:
                raise InvalidInput(f"{name} is too long for the knowledge base; split it.")
            document = Document(
                id=identity,
                name=name,
                collection=collection,
                source=source or name,
                language=document_language(text),
                chunks=len(chunks),
                content_hash=content_hash,
            )
            points = await self._points(document, chunks, multilingual, deadline, progress)
            await self._store.replace(points, {"kind": "chunk", "document": identity})
            # Last, so that a document cut short is not taken for complete.
            await self._store.upsert([document_point(document)])
            return document

    async def remove(self, document: str, collection: str = DEFAULT_COLLECTION) -> Document:
        """Remove a document, by its name in a collection or by its id. Raises NotFound."""
        check_collection(collection)
        async with self._writing:
            ids = [document_id(collection, document), *([document] if is_uuid(document) else [])]
            points = await self._store.get(ids)
            found = [each for each in points if each.payload["kind"] == "document"]
            if not found:
                raise NotFound(f"There is no document {document!r} in {collection!r}.")
            await self._store.delete({"document": found[0].id})
            return as_document(found[0])

    async def list(self, collection: str | None = None) -> _Documents:
        """The documents of a collection, or of all, by collection and name."""
        where = {"kind": "document"}
        if collection is not None:
            check_collection(collection)
            where["collection"] = collection
        documents = map(as_document, await self._store.scan(where))
        return sorted(documents, key=lambda each: (each.collection, each.name))

    async def search(
        self,
        query: str,
        *,
        collection: str = DEFAULT_COLLECTION,
        limit: int = 5,
        language: str | None = None,
        deadline: float | None = None,
    ) -> _Passages:
        """The passages likeliest to answer a query, the best first, each with its score.

        Args:
            language: the query's; found out where not given.
            deadline: on the clock of `time.monotonic()`.
        """
        check_collection(collection)
        if not query.strip():
            raise InvalidInput("The query is empty.", param="query")
        where = {"kind": "chunk", "collection": collection}
        found = await retrieve(
            self._store,
            self._encode,
            self._sentences,
            _storable(query),
            where=where,
            limit=limit,
            language=language or document_language(query),
            deadline=deadline,
        )
        return [as_passage(point.id, point.payload, score) for point, score in found]

    async def passage(self, chunk_id: str) -> Passage:
        """The passage that a citation names. Raises NotFound when it is no longer there."""
        points = await self._store.get([chunk_id]) if is_uuid(chunk_id) else []
        if not points or points[0].payload["kind"] != "chunk":
            raise NotFound("There is no such passage; its document was changed or removed.")
        return as_passage(points[0].id, points[0].payload, 1.0)

    @property
    def pictures(self) -> PictureBase:
        """The pictures. Raises ToolError where this knowledge base holds text alone."""
        if self._pictures is None:
            raise ToolError("This knowledge base holds text alone; there are no pictures in it.")
        return self._pictures

    async def close(self) -> None:
        """Give the stores back."""
        try:
            await self._store.close()
        finally:
            if self._pictures is not None:
                await self._pictures.close()

    async def _points(
        self,
        document: Document,
        chunks: Sequence[Chunk],
        multilingual: bool,
        deadline: float | None,
        progress: Callable[[float], None],
    ) -> Sequence[Point]:
        languages = [_chunk_language(chunk.text, document.language) for chunk in chunks]
        english = [i for i, language in enumerate(languages) if language == "en"]
        others = [i for i, language in enumerate(languages) if multilingual or language != "en"]
        dense: list[dict[str, Sequence[float]]] = [{} for _ in chunks]
        done = 0
        for encoder, language, places in ((MINILM, "en", english), (E5, "mul", others)):
            for start in range(0, len(places), _BATCH):
                batch = places[start : start + _BATCH]
                texts = [chunks[i].searched for i in batch]
                rows = await self._encode(
                    texts, language=language, role="passage", deadline=deadline
                )
                for place, row in zip(batch, rows.tolist(), strict=True):
                    dense[place][encoder] = row
                done += len(batch)
                progress(done / (len(english) + len(others)))
        return [
            chunk_point(
                document,
                chunk.number,
                heading=chunk.heading,
                text=chunk.text,
                language=language,
                vectors=Vectors(vectors, lexical.document_vector(chunk.searched, language)),
            )
            for chunk, language, vectors in zip(chunks, languages, dense, strict=True)
        ]


def _storable(text: str) -> str:
    """Without halves of surrogate pairs, which no store takes."""
    return text.encode("utf-8", "replace").decode()


def document_language(text: str) -> str:
    """The language of a text as a whole, or of a query; English where it has no letters."""
    guess = identify(text)
    return "en" if guess.code == UNDETERMINED else guess.code


def _chunk_language(text: str, otherwise: str) -> str:
    """The language of a chunk, which may differ from its document's where it is sure."""
    guess = identify(text)
    sure = guess.probability >= _SURE and count_words(text) >= _ENOUGH_WORDS
    return guess.code if sure and guess.code != UNDETERMINED else otherwise
