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
_MOST_OF_FILES = 56
"""Tokens; where the attachments' names take more, only their kinds are told."""
_NAME_ENDS = (16, 12)
"""Of a long name its beginning and its end are told."""


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
            if above > 0 and inside and begin <= parts[-1][1] + 1:
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
            self._labels, self._tags = (tuple(learnt[which]) for which in ("labels", "tags"))
            self._combinations = tuple(map(frozenset, learnt["combinations"]))
        except (OSError, ValueError, KeyError) as error:
            raise WeightsError(
                "What reads requests can't be read; run `switchboard models pull`."
            ) from error
        self._weights = E5Weights()
        self._session = open_session(self._folder / NETWORK_FILE, self._threads)
        self._tokenizer = Tokenizer.from_file(str(self._folder / TOKENIZER_FILE))

    def predict(self, batch: Sequence[Asked]) -> list[Reading]:
        assert self._weights is not None
        read = [tokens(self._tokenizer, asked) for asked in batch]
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

    def _embedded(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """The tokens' vectors with those of their places, (tokens, width)."""
        weights = self._weights
        assert weights is not None
        shape = weights.shape
        places = weights.vector("emb.pos", shape.positions, shape.width)[: len(ids)]
        kind = weights.vector("emb.type", shape.width)
        return np.asarray(unpack(weights.words[ids]) + places + kind, dtype=np.float32)


def tokens(words: Any, asked: Asked) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What is read of a request: its tokens, and where in the text each begins and ends, (n, 2);
    those that tell of attachments have no place in it."""
    files = asked.attached
    before = f"{prefix(files)} "
    if len(words.encode(before).ids) > _MOST_OF_FILES:
        before = f"{prefix([File(file.kind) for file in files])} "
    cut = max(0, len(asked.text) - _MAX_CHARS)
    half = _MAX_CHARS // 2
    text = asked.text if not cut else asked.text[:half] + asked.text[-half:]
    encoding = words.encode(before + clean(text))
    spans = np.array(encoding.offsets, dtype=np.int64) - len(before)
    # A word's first token begins with the space before it.
    for row, (begin, end) in enumerate(spans):
        if 0 <= begin < end and text[begin].isspace():
            spans[row, 0] = begin + 1
    spans = np.maximum(spans, 0)
    spans[:, 0] += np.where(spans[:, 0] >= half, cut, 0)
    spans[:, 1] += np.where(spans[:, 1] > half, cut, 0)
    told = int(np.argmax(spans[:, 1] > 0)) if (spans[:, 1] > 0).any() else len(spans)
    kept = shortened(np.arange(told, len(spans)), MAX_TOKENS - told)
    rows = np.concatenate([np.arange(told), kept])
    return np.array(encoding.ids, dtype=np.int64)[rows], spans[rows]


def shortened(values: NDArray[Number], most: int = MAX_TOKENS) -> NDArray[Number]:
    """Of what there is for each token, as much as is read: the beginning, and the end."""
    if len(values) <= most:
        return values
    return np.concatenate([values[: most - _LAST_TOKENS], values[-_LAST_TOKENS:]])


def clean(text: str) -> str:
    """The text as a tokenizer takes it, each sign in its place."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode()


def prefix(attached: Sequence[File]) -> str:
    """What is written before a request, as E5 wants a query and as the attachments are told."""
    told = (
        f"[{kind} {number}] {_short(name)}".strip()
        for number, (kind, name) in enumerate(attached[:MAX_FILES], start=1)
    )
    return "query: " + (" ".join(told) or "[none]")


def _short(name: str) -> str:
    """A file's name, in which nothing looks like another attachment."""
    begin, end = _NAME_ENDS
    plain = clean(name).replace("[", "(").replace("]", ")")
    return plain if len(plain) <= begin + end else f"{plain[:begin]}…{plain[-end:]}"
