"""How near a passage's nearest sentence is to a query: what a passage's one vector averages out."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tools.knowledge.vectors import Point
from tools.sentences import split_sentences

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tools.knowledge.retrieve import Encode

KEPT_PASSAGES = 1_000
"""About 12 MB of vectors."""


class SentenceVectors:
    """Vectors of the sentences of English passages, made when a passage first comes up and kept
    for the next time."""

    def __init__(self, encode: Encode, kept: int = KEPT_PASSAGES) -> None:
        self._encode = encode
        self._kept = kept
        self._vectors: OrderedDict[str, NDArray[Any]] = OrderedDict()

    async def nearest(
        self, query: Sequence[float], points: Sequence[Point], *, deadline: float | None = None
    ) -> list[float]:
        """The cosine of each point's nearest sentence to a query's unit vector."""
        missing = [point for point in points if point.id not in self._vectors]
        if missing:
            await self._add(missing, deadline)
        found = [float((self._vectors[point.id] @ query).max()) for point in points]
        for point in points:
            self._vectors.move_to_end(point.id)
        while len(self._vectors) > self._kept:
            self._vectors.popitem(last=False)
        return found

    async def _add(self, points: Sequence[Point], deadline: float | None) -> None:
        texts = [_sentences(point) for point in points]
        rows = await self._encode(
            [text for each in texts for text in each],
            language="en",
            role="passage",
            deadline=deadline,
        )
        start = 0
        for point, each in zip(points, texts, strict=True):
            self._vectors[point.id] = rows[start : start + len(each)]
            start += len(each)


def _sentences(point: Point) -> list[str]:
    """Each sentence below its heading, which often says what it is about."""
    text = point.payload["text"]
    heading = f"{point.payload['heading'][-1]}: " if point.payload["heading"] else ""
    return [heading + text[start:end] for start, end in split_sentences(text)]
