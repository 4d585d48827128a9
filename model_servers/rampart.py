"""People's names and places in English text, by Rampart, a small network that finds personal data.

It knows names that stand by themselves or in lower case, where spaCy's pipeline wants a sentence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from model_servers.contracts import ItemError, WeightsError

MAX_CHARS = 500
"""About as long as what it was trained on; its tokens always fit the network's 512."""
# One stands for one, so that offsets stay.
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_KINDS = {"GIVEN_NAME": "person", "SURNAME": "person", "CITY": "place", "STATE": "place"}


class PersonalSpan(NamedTuple):
    """`text[start:end]` in Unicode code points is a "person" or a "place"; `score` from 0 to 1."""

    start: int
    end: int
    kind: str
    score: float


class Rampart:
    """The names of each text, in order, without overlaps. A text of more than MAX_CHARS
    characters is an ItemError.

    Args:
        folder: holds the network, its configuration and its tokenizer.
        threads: that one text may use.
    """

    memory_mb: ClassVar[float] = 120
    max_batch: ClassVar[int] = 16

    def __init__(self, folder: Path, threads: int) -> None:
        self._folder = folder
        self._threads = threads
        self._session: Any = None
        self._tokenizer: Any = None
        self._labels: dict[int, str] = {}

    def load(self) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        # Threads that spin between texts would take the cores from everything else.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            config = json.loads((self._folder / "config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise WeightsError("Rampart can't be read; run `switchboard models pull`.") from error
        self._labels = {int(number): label for number, label in config["id2label"].items()}
        self._session = onnxruntime.InferenceSession(
            str(self._folder / "model_q4.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(512)

    def predict(self, batch: Sequence[str]) -> list[list[PersonalSpan] | ItemError]:
        return [
            ItemError(f"A text of {len(text)} characters is too long; the limit is {MAX_CHARS}.")
            if len(text) > MAX_CHARS
            else self._names(text)
            for text in batch
        ]

    def unload(self) -> None:
        self._session = self._tokenizer = None

    def _names(self, text: str) -> list[PersonalSpan]:
        encoding = self._tokenizer.encode(_LONE_SURROGATE.sub("\ufffd", text))
        ids = np.array([encoding.ids], dtype=np.int64)
        (logits,) = self._session.run(
            None,
            {
                "input_ids": ids,
                "attention_mask": np.ones_like(ids),
                "token_type_ids": np.zeros_like(ids),
            },
        )
        odds = np.exp(logits[0] - logits[0].max(axis=-1, keepdims=True))
        best = odds.argmax(axis=-1)
        scores = odds.max(axis=-1) / odds.sum(axis=-1)
        names: list[PersonalSpan] = []
        open_ = False
        for (start, end), number, score in zip(encoding.offsets, best, scores, strict=True):
            if start == end:
                continue
            part, _, label = self._labels[int(number)].partition("-")
            kind = _KINDS.get(label)
            if kind is None:
                open_ = False
                continue
            before = names[-1] if open_ else None
            # A given name and a surname, each with a beginning, are one person.
            goes_on = (
                before is not None
                and before.kind == kind
                and (kind == "person" or part == "I")
                and not text[before.end : start].strip()
            )
            if before is not None and goes_on:
                names[-1] = before._replace(end=end, score=min(before.score, float(score)))
            else:
                names.append(PersonalSpan(start, end, kind, float(score)))
            open_ = True
        return names
