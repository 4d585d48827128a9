"""Chinese text as words with their tags, by Baidu's LAC: words, names and times at once.

A recurrent network scores each character's tags, and the tags' transitions choose the best
sequence. Traditional characters are looked up by their simplified forms.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model_servers.contracts import ItemError, WeightsError

MAX_CHARS = 1_000


class TaggedWord(NamedTuple):
    """`text[start:end]` in Unicode code points. Names are "PER", "LOC" and "ORG", times "TIME";
    other tags are parts of speech: "n" a noun, "nz" another proper name, "m" a number with its
    unit, "w" punctuation."""

    start: int
    end: int
    tag: str


class Lac:
    """The words of each text, in order; together they are the text. One of more than MAX_CHARS
    characters is an ItemError.

    Args:
        folder: holds the network, the transitions, and the dictionaries of both.
        threads: that one text may use.
    """

    memory_mb: ClassVar[float] = 150
    max_batch: ClassVar[int] = 16

    def __init__(self, folder: Path, threads: int) -> None:
        self._folder = folder
        self._threads = threads
        self._session: Any = None
        self._ids: dict[str, int] = {}
        self._plain: dict[str, str] = {}
        self._tags: dict[int, str] = {}
        self._transitions: NDArray[np.float32] = np.zeros((0, 0), dtype=np.float32)

    def load(self) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        # Threads that spin between texts would take the cores from everything else.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(
                str(self._folder / "lac_encoder.onnx"), options, providers=["CPUExecutionProvider"]
            )
            self._transitions = np.load(
                self._folder / "lac_crf_transitions.npy", allow_pickle=False
            ).astype(np.float32)
            self._ids = {char: int(id_) for id_, char in self._pairs("word.dic")}
            self._plain = dict(self._pairs("q2b.dic"))
            # An id may stand twice, as a part of speech and as a name: the name comes last.
            self._tags = {int(id_): tag for id_, tag in self._pairs("tag.dic")}
        except (OSError, ValueError) as error:
            raise WeightsError("LAC can't be read; run `switchboard models pull`.") from error

    def _pairs(self, name: str) -> list[tuple[str, str]]:
        lines = (self._folder / name).read_text(encoding="utf-8").split("\n")
        rows = [line.split("\t", 1) for line in lines]
        return [(row[0], row[1]) for row in rows if len(row) == 2]

    def predict(self, batch: Sequence[str]) -> list[list[TaggedWord] | ItemError]:
        return [
            ItemError(f"A text of {len(text)} characters is too long; the limit is {MAX_CHARS}.")
            if len(text) > MAX_CHARS
            else self._words(text)
            for text in batch
        ]

    def unload(self) -> None:
        self._session = None
        self._ids, self._plain, self._tags = {}, {}, {}

    def _words(self, text: str) -> list[TaggedWord]:
        if not text:
            return []
        unknown = self._ids["OOV"]
        ids = [self._ids.get(self._plain.get(char, char), unknown) for char in text]
        (scores,) = self._session.run(
            None,
            {
                "token_ids": np.array([ids], dtype=np.int64),
                "length": np.array([len(ids)], dtype=np.int64),
            },
        )
        words: list[TaggedWord] = []
        for place, number in enumerate(best_path(scores[0], self._transitions)):
            tag, _, part = self._tags.get(number, "n-B").rpartition("-")
            if part == "I" and words:
                words[-1] = words[-1]._replace(end=place + 1)
            else:
                words.append(TaggedWord(place, place + 1, tag))
        return words


def best_path(scores: NDArray[np.float32], transitions: NDArray[np.float32]) -> list[int]:
    """Viterbi's: the sequence of tags with the highest sum of scores and transitions."""
    total = scores[0]
    came_from: list[NDArray[np.intp]] = []
    for row in scores[1:]:
        ways = total[:, None] + transitions
        best = ways.argmax(axis=0)
        came_from.append(best)
        total = ways[best, np.arange(len(row))] + row
    path = [int(total.argmax())]
    for best in reversed(came_from):
        path.append(int(best[path[-1]]))
    return path[::-1]
