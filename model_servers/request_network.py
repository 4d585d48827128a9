"""The network that reads requests, as ONNX: multilingual E5 with what was learnt on top of it.

An adapter of low rank (Hu et al., "LoRA", ICLR 2022) is added to the upper layers' matrices. For
each label the network looks where in the request it is said (a softmax over the tokens, after
Yang et al., "Hierarchical Attention Networks", NAACL 2016), and scores what it sees there and the
request's mean; for each tag it scores every token. Activations are quantised as they come and
weights once, to 8 bits each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from model_servers.contracts import WeightsError
from model_servers.e5_weights import E5Weights, Matrix, tokenizer
from model_servers.onnx_graph import GraphWriter

ADAPTER_FILE = "request_adapter.npz"
NETWORK_FILE = "network.onnx"
TOKENIZER_FILE = "tokenizer.json"
LABELS_FILE = "labels.json"
LORA_SCALE = 2.0
"""What the product of the two small matrices is multiplied by; part of how they were trained."""
PARTS = ("q", "k", "v", "ao", "fi", "fo")
"""A layer's matrices: query, key, value, attention output, and the two of the inner layer."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """What was learnt.

    Attributes:
        labels: what the network tells apart, in the order of its outputs.
        tags: what it finds the words of, likewise.
        low, high: by the name of the matrix ("l11.q"), shapes (rank, in) and (out, rank).
        head: "place", "seen" and "mean", each (labels, width), and "bias", (labels,); "tag",
            (tags, width), and "tag_bias", (tags,).
        combinations: which of the labels that say what is wanted came together in what was learnt
            from; a request is read as one of them.
    """

    labels: tuple[str, ...]
    tags: tuple[str, ...]
    low: Mapping[str, Matrix]
    high: Mapping[str, Matrix]
    head: Mapping[str, Matrix]
    combinations: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def read(cls, path: Path | None = None) -> Adapter:
        """The adapter in a file; the one that Switchboard ships where it is left out.

        Raises WeightsError.
        """
        path = path or Path(str(files("model_servers") / ADAPTER_FILE))
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
        except (OSError, ValueError, EOFError, BadZipFile) as error:
            raise WeightsError(
                f"{path} is no adapter; train one: `switchboard models train`."
            ) from error
        if missing := {"labels", "tags", "combinations"} - arrays.keys():
            raise WeightsError(
                f"{path} has no {min(missing)}: it was trained for an earlier version. Train it "
                "anew with `switchboard models train`."
            )
        named = {
            kind: {
                name.removeprefix(f"{kind}/"): value.astype(np.float32)
                for name, value in arrays.items()
                if name.startswith(f"{kind}/")
            }
            for kind in ("low", "high", "head")
        }
        combinations = tuple(map(tuple, json.loads(str(arrays["combinations"]))))
        labels, tags = (tuple(map(str, arrays[which])) for which in ("labels", "tags"))
        return cls(labels, tags, **named, combinations=combinations)

    @classmethod
    def mean(cls, adapters: Sequence[Adapter]) -> Adapter:
        """The mean of one adapter or more, of which each went on from one before it: only then do
        their matrices mean the same. It is steadier than any of them (Wortsman et al., "Model
        soups", ICML 2022). One given twice counts twice.

        Raises ValueError where their labels, tags or matrices differ.
        """
        first = adapters[0]
        for each in adapters:
            if (each.labels, each.tags) != (first.labels, first.tags):
                raise ValueError("adapters of different labels or tags have no mean")
            if (each.low.keys(), each.head.keys()) != (first.low.keys(), first.head.keys()):
                raise ValueError("adapters of different matrices have no mean")
        low, high, head = (
            {name: _mean([each[name] for each in matrices]) for name in matrices[0]}
            for matrices in (
                [each.low for each in adapters],
                [each.high for each in adapters],
                [each.head for each in adapters],
            )
        )
        together = sorted({one for each in adapters for one in each.combinations})
        return cls(first.labels, first.tags, low, high, head, tuple(together))

    def write(self, path: Path) -> None:
        """Keep it in half precision, under exactly this name; a reader sees the whole file or none.

        Raises OSError.
        """
        arrays: dict[str, NDArray[np.generic]] = {
            "labels": np.array(self.labels),
            "tags": np.array(self.tags),
            "combinations": np.array(json.dumps(self.combinations)),
        }
        for kind, values in (("low", self.low), ("high", self.high), ("head", self.head)):
            arrays |= {f"{kind}/{name}": array.astype(np.float16) for name, array in values.items()}
        beside = path.with_name(f".{path.name}.writing")
        with beside.open("wb") as file:  # given a name alone NumPy would put ".npz" behind it
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
        beside.replace(path)

    def added(self, name: str) -> Matrix | float:
        """What is added to a matrix of the encoder, (out, in); 0 where nothing was learnt."""
        if name not in self.low:
            return 0.0
        return np.asarray(LORA_SCALE * self.high[name] @ self.low[name], dtype=np.float32)


def _mean(matrices: Sequence[Matrix]) -> Matrix:
    """The mean of matrices; one of a lower rank is filled up with zeros."""
    whole = np.zeros(np.max([matrix.shape for matrix in matrices], axis=0), dtype=np.float32)
    for matrix in matrices:
        whole[tuple(map(slice, matrix.shape))] += matrix / len(matrices)
    return whole


def build(inputs: Mapping[str, Path], target: Path) -> None:
    """Writes the network, its tokenizer and its labels into a folder. The catalogue's builder."""
    del inputs  # the encoder comes with the environment, the adapter with this package
    write(Adapter.read(), target)


def write(adapter: Adapter, target: Path) -> None:
    """The folder of a network with this adapter.

    Its inputs are "embeddings" (n, tokens, width), the sums of the tokens' vectors with those of
    their places, and "mask" (n, tokens), 1 for a token and 0 for padding. Its outputs are "scores"
    (n, labels) and "tags" (n, tokens, tags), logits, and "places" (n, tokens, labels), which add
    up to 1 over the tokens.
    """
    weights = E5Weights()
    target.mkdir(parents=True, exist_ok=True)
    tokenizer(weights).save(str(target / TOKENIZER_FILE))
    learnt = {"labels": adapter.labels, "tags": adapter.tags, "combinations": adapter.combinations}
    (target / LABELS_FILE).write_text(json.dumps(learnt), encoding="utf-8")
    graph = _Graph(weights, adapter)
    scores, places, tags = graph.written("embeddings", "mask")
    graph.writer.save(
        target / NETWORK_FILE,
        {"embeddings": ("batch", "tokens", weights.shape.width), "mask": ("batch", "tokens")},
        {"scores": scores, "places": places, "tags": tags},
    )


class _Graph:
    def __init__(self, weights: E5Weights, adapter: Adapter) -> None:
        self.writer = GraphWriter()
        self._weights = weights
        self._adapter = adapter

    def written(self, embeddings: str, mask: str) -> tuple[str, str, str]:
        """The names of the scores, the places and the tags."""
        writer = self.writer
        hidden = self._normed(embeddings, "emb.ln")
        # (n, 1, 1, tokens): nothing looks at padding.
        wide = writer.add("Unsqueeze", mask, writer.integers(1, 2))
        away = writer.add("Sub", wide, writer.number(1.0))
        hush = writer.add("Mul", away, writer.number(1e4))
        for layer in range(self._weights.shape.layers):
            hidden = self._layer(layer, hidden, hush)
        tags = writer.add("MatMul", hidden, writer.constant(self._adapter.head["tag"].T))
        tags = writer.add("Add", tags, writer.constant(self._adapter.head["tag_bias"]))
        return *self._head(hidden, mask), tags

    def _layer(self, layer: int, hidden: str, hush: str) -> str:
        writer, shape = self.writer, self._weights.shape
        size = shape.width // shape.heads
        quantised = self._quantised(hidden)
        heads = []
        for part in ("q", "k", "v"):
            value = self._linear(f"l{layer}.{part}", quantised, shape.width, shape.width)
            split = writer.add("Reshape", value, writer.integers(0, 0, shape.heads, size))
            turn = [0, 2, 3, 1] if part == "k" else [0, 2, 1, 3]
            heads.append(writer.add("Transpose", split, perm=turn))
        query, key, value = heads
        alike = writer.add("MatMul", query, key)
        scaled = writer.add("Mul", alike, writer.number(size**-0.5))
        looks = writer.add("Softmax", writer.add("Add", scaled, hush), axis=-1)
        seen = writer.add("Transpose", writer.add("MatMul", looks, value), perm=[0, 2, 1, 3])
        joined = writer.add("Reshape", seen, writer.integers(0, 0, shape.width))
        out = self._linear(f"l{layer}.ao", self._quantised(joined), shape.width, shape.width)
        hidden = self._normed(writer.add("Add", hidden, out), f"l{layer}.aln")
        inner = self._linear(f"l{layer}.fi", self._quantised(hidden), shape.inner, shape.width)
        out = self._linear(
            f"l{layer}.fo", self._quantised(self._gelu(inner)), shape.width, shape.inner
        )
        return self._normed(writer.add("Add", hidden, out), f"l{layer}.oln")

    def _head(self, hidden: str, mask: str) -> tuple[str, str]:
        writer, head = self.writer, self._adapter.head
        column = writer.add("Unsqueeze", mask, writer.integers(2))
        hush = writer.add("Mul", writer.add("Sub", column, writer.number(1.0)), writer.number(1e4))
        matrices = {name: writer.constant(head[name].T) for name in ("place", "seen", "mean")}
        looks = writer.add("Add", writer.add("MatMul", hidden, matrices["place"]), hush)
        places = writer.add("Softmax", looks, axis=1)
        seen = writer.add("Mul", places, writer.add("MatMul", hidden, matrices["seen"]))
        tokens = writer.integers(1)
        total = writer.add("ReduceSum", writer.add("Mul", hidden, column), tokens, keepdims=0)
        count = writer.add("ReduceSum", mask, tokens, keepdims=1)
        mean = writer.add("MatMul", writer.add("Div", total, count), matrices["mean"])
        both = writer.add("Add", writer.add("ReduceSum", seen, tokens, keepdims=0), mean)
        return writer.add("Add", both, writer.constant(head["bias"])), places

    def _quantised(self, value: str) -> list[str]:
        """The value in 8 bits, its scale and its zero, shared by the matrices that take it."""
        return self.writer.add_many("DynamicQuantizeLinear", 3, value)

    def _linear(self, name: str, quantised: list[str], out: int, width: int) -> str:
        writer = self.writer
        matrix = self._weights.matrix(f"{name}.w", out, width) + self._adapter.added(name)
        steps = np.maximum(np.abs(matrix).max(axis=1), 1e-9) / 127
        whole = np.rint(matrix / steps[:, None]).astype(np.int8)
        value, scale, zero = quantised
        product = writer.add("MatMulInteger", value, writer.constant(whole.T), zero)
        steps_of = writer.add("Mul", writer.constant(steps.astype(np.float32)), scale)
        numbers = writer.add("Mul", writer.add("Cast", product, to=_FLOAT), steps_of)
        return writer.add("Add", numbers, writer.constant(self._weights.vector(f"{name}.b", out)))

    def _normed(self, value: str, name: str) -> str:
        width = self._weights.shape.width
        weight, bias = (self._weights.vector(f"{name}.{part}", width) for part in ("w", "b"))
        writer = self.writer
        return writer.add(
            "LayerNormalization",
            value,
            writer.constant(weight),
            writer.constant(bias),
            epsilon=self._weights.shape.epsilon,
        )

    def _gelu(self, value: str) -> str:
        writer = self.writer
        bent = writer.add("Erf", writer.add("Mul", value, writer.number(0.5**0.5)))
        whole = writer.add("Mul", value, writer.add("Add", bent, writer.number(1.0)))
        return writer.add("Mul", whole, writer.number(0.5))


_FLOAT = 1
"""ONNX's number for float32."""
