"""Reads a request: which of the labels it learnt hold for it, and where its words say so."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from model_servers.contracts import WeightsError
from model_servers.e5_weights import E5Weights, unpack
from model_servers.onnx_session import open_session
from model_servers.request_network import LABELS_FILE, NETWORK_FILE, TOKENIZER_FILE

Number = TypeVar("Number", bound=np.generic)

MAX_TOKENS = 128
_LAST_TOKENS = 40
"""Of a longer request the beginning is read, and so many tokens of its end."""
_MAX_CHARS = 4_000
MAX_FILES = 4
"""Of more attachments the others are not told of."""
_NAME_CHARS = 28


class File(NamedTuple):
    """What is attached to a request; `kind` is one such as "image"."""

    kind: str
    name: str = ""


class Asked(NamedTuple):
    """A request, and what is attached to it."""

    text: str
    attached: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """What a request says.

    Attributes:
        scores: the probability of each label; they are independent of each other.
        spans: of each token that was read, where it begins and ends in the text.
        places: for each label, how much each token speaks for it, (tokens,); adds up to 1.
        combinations: the labels that are known to come together, of those that say what is wanted.
        tags: for each thing that is said in words of the request, such as a question, the
            probability of each token to belong to it, (tokens,).
    """

    scores: Mapping[str, float]
    spans: NDArray[np.int64]
    places: Mapping[str, NDArray[np.float32]]
    combinations: Sequence[frozenset[str]]
    tags: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def weight(self, label: str, begin: int, end: int) -> float:
        """How much of what speaks for a label lies in this part of the text, from 0 to 1."""
        inside = (self.spans[:, 0] >= begin) & (self.spans[:, 1] <= end)
        inside &= self.spans[:, 1] > self.spans[:, 0]
        return float(self.places[label][inside].sum())

    def tagged(self, tag: str, begin: int, end: int) -> float:
        """How likely these words are what the tag means: the mean over their tokens."""
        inside = (self.spans[:, 0] < end) & (self.spans[:, 1] > begin)
        return float(self.tags[tag][inside].mean()) if inside.any() else 0.0

    def longest(self, tag: str) -> tuple[int, int] | None:
        """The part of the text that the tag means most likely: the run of tokens with the largest
        sum of what their probabilities are above one half. None where none is."""
        best, begin, total = 0.0, 0, 0.0
        found = None
        for at, above in enumerate(self._above_half(tag)):
            if total <= 0:
                begin, total = at, 0.0
            total += above
            if total > best:
                best, found = total, (int(self.spans[begin, 0]), int(self.spans[at, 1]))
        return found

    def all_of(self, tag: str) -> list[tuple[int, int]]:
        """Each part of the text that the tag means, in order."""
        parts: list[tuple[int, int]] = []
        inside = False
        for at, above in enumerate(self._above_half(tag)):
            begin, end = map(int, self.spans[at])
            if above > 0 and inside:
                parts[-1] = (parts[-1][0], end)
            elif above > 0:
                parts.append((begin, end))
            inside = above > 0
        return parts

    def _above_half(self, tag: str) -> NDArray[np.float64]:
        told = self.spans[:, 1] > self.spans[:, 0]
        return np.where(told, self.tags[tag] - 0.5, -0.5)


class RequestReader:
    """The network that `request_network.build` writes.

    Args:
        folder: what it wrote.
        threads: that one run may use.
    """

    memory_mb: ClassVar[float] = 180
    max_batch: ClassVar[int] = 8

    def __init__(self, folder: Path, threads: int) -> None:
        self._folder = folder
        self._threads = threads
        self._session: Any = None
        self._tokenizer: Any = None
        self._labels: tuple[str, ...] = ()
        self._tags: tuple[str, ...] = ()
        self._combinations: tuple[frozenset[str], ...] = ()
        self._weights: E5Weights | None = None

    def load(self) -> None:
        from tokenizers import Tokenizer

        try:
            learnt = json.loads((self._folder / LABELS_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise WeightsError(
                "What reads requests can't be read; run `switchboard models pull`."
            ) from error
        self._labels = tuple(learnt["labels"])
        self._tags = tuple(learnt["tags"])
        self._combinations = tuple(map(frozenset, learnt["combinations"]))
        self._weights = E5Weights()
        self._session = open_session(self._folder / NETWORK_FILE, self._threads)
        self._tokenizer = Tokenizer.from_file(str(self._folder / TOKENIZER_FILE))

    def predict(self, batch: Sequence[Asked]) -> list[Reading]:
        assert self._weights is not None
        read = [self._tokens(asked) for asked in batch]
        longest = max(len(ids) for ids, _ in read)
        width = self._weights.shape.width
        embeddings = np.zeros((len(read), longest, width), dtype=np.float32)
        mask = np.zeros((len(read), longest), dtype=np.float32)
        for row, (ids, _) in enumerate(read):
            embeddings[row, : len(ids)] = self._embedded(ids)
            mask[row, : len(ids)] = 1
        scores, places, tags = self._session.run(
            ["scores", "places", "tags"], {"embeddings": embeddings, "mask": mask}
        )
        odds, tagged = (1 / (1 + np.exp(-each.astype(np.float64))) for each in (scores, tags))
        return [
            Reading(
                dict(zip(self._labels, map(float, odds[row]), strict=True)),
                spans,
                dict(zip(self._labels, places[row, : len(ids)].T, strict=True)),
                self._combinations,
                dict(zip(self._tags, tagged[row, : len(ids)].T, strict=True)),
            )
            for row, (ids, spans) in enumerate(read)
        ]

    def unload(self) -> None:
        self._session = self._tokenizer = self._weights = None

    def _tokens(self, asked: Asked) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        before = f"{prefix(asked.attached)} "
        text = asked.text[:_MAX_CHARS].replace("\0", " ").encode("utf-8", "replace").decode()
        encoding = self._tokenizer.encode(before + text)
        ids = np.array(encoding.ids, dtype=np.int64)
        spans = np.maximum(np.array(encoding.offsets, dtype=np.int64) - len(before), 0)
        return shortened(ids), shortened(spans)

    def _embedded(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """The tokens' vectors with those of their places, (tokens, width)."""
        weights = self._weights
        assert weights is not None
        shape = weights.shape
        places = weights.vector("emb.pos", shape.positions, shape.width)[: len(ids)]
        kind = weights.vector("emb.type", shape.width)
        return np.asarray(unpack(weights.words[ids]) + places + kind, dtype=np.float32)


def shortened(values: NDArray[Number]) -> NDArray[Number]:
    """Of what there is for each token, as much as is read: the beginning, and the end."""
    if len(values) <= MAX_TOKENS:
        return values
    return np.concatenate([values[: MAX_TOKENS - _LAST_TOKENS], values[-_LAST_TOKENS:]])


def prefix(attached: Sequence[File]) -> str:
    """What is written before a request, as E5 wants a query and as the attachments are told."""
    told = (
        f"[{kind} {number}] {name[:_NAME_CHARS]}".strip()
        for number, (kind, name) in enumerate(attached[:MAX_FILES], start=1)
    )
    return "query: " + (" ".join(told) or "[none]")
