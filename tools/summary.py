"""Summarises a text of any length, sentence by sentence, each checked before it is shown."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from model_servers.contracts import ChatMessage, Usage
from model_servers.languages import identify
from tools.contracts import RunContext
from tools.extracts import extract_sentences
from tools.language_names import language_name
from tools.numbers import unfounded_numbers
from tools.sentences import split_sentences
from tools.summary_prompts import again_messages, summary_messages, without_preamble
from tools.translation import is_dense
from tools.windows import split_windows

_WINDOW_CHARS = 6_000
_WINDOW_CHARS_DENSE = 2_500
_WINDOW_SENTENCES = 3
_CONCURRENT_WINDOWS = 2
_SHARE_FOR_WINDOWS = 0.7
"""Of the time left; the rest is for putting their summaries together."""
_TOKENS_A_SENTENCE = 70
_LIST_MARK = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+")
_SURE = 0.9
_LETTERS_TO_TELL = 20


@dataclass(frozen=True, slots=True)
class Summarized:
    """A summary, and what its reader should know."""

    text: str
    warnings: tuple[str, ...] = ()
    note: str | None = None
    usage: Usage = Usage()


class Summary:
    """One run of the tool.

    Args:
        ctx: the chat model, the deadline, and where sentences are written to.
        language: ISO 639-1, of the summary.
        sentences: the most that it may have.
    """

    def __init__(self, ctx: RunContext, language: str, sentences: int) -> None:
        self._ctx = ctx
        self._language = language
        self._sentences = sentences
        self._usage = Usage()

    async def of(self, text: str) -> Summarized:
        """Summarise; a text longer than a window by way of its windows' summaries.

        Raises ModelError, DeadlineExceeded.
        """
        material, note = await self._condensed(text)
        done = await self._written(material, text)
        self._ctx.progress(1.0)
        return replace(done, note=note, usage=self._usage)

    async def _condensed(self, text: str) -> tuple[str, str | None]:
        """The text itself where it fits into one window, else its windows' summaries.

        Where there is no time to read every window, only the most telling sentences of the rest
        are read, and a note says so.
        """
        limit = _WINDOW_CHARS_DENSE if is_dense(text[:2000]) else _WINDOW_CHARS
        note = None
        while len(text) > limit:
            windows = [text[start:end] for start, end in split_windows(text, limit)]
            before_s = self._ctx.remaining_s()
            first = await self._window(windows[0])
            left_s = self._ctx.remaining_s()
            rest = windows[1:]
            affordable = max(1, int(_SHARE_FOR_WINDOWS * left_s / max(before_s - left_s, 1e-3)))
            if len(rest) > affordable:
                extract = extract_sentences("\n\n".join(rest), affordable * limit * 9 // 10)
                rest = [extract[start:end] for start, end in split_windows(extract, limit)]
                note = (
                    "The text is too long to be read in full in the time allowed: after its "
                    "beginning, only its most telling sentences were read."
                )
            text = "\n\n".join([first, *await self._windows(rest)])
        return text, note

    async def _windows(self, windows: Sequence[str]) -> list[str]:
        turn = asyncio.Semaphore(_CONCURRENT_WINDOWS)
        read = 0

        async def one(window: str) -> str:
            nonlocal read
            async with turn:
                summary = await self._window(window)
            read += 1
            self._ctx.progress((1 + read) / (2 + len(windows)))
            return summary

        tasks = [asyncio.create_task(one(window)) for window in windows]
        try:
            return [await task for task in tasks]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _window(self, window: str) -> str:
        """In the window's own language, which a small model does best."""
        reply = await self._ctx.chat.complete(
            summary_messages(window, _language_of(window, self._language), _WINDOW_SENTENCES),
            max_tokens=_WINDOW_SENTENCES * _TOKENS_A_SENTENCE,
            timeout_s=self._ctx.remaining_s(),
        )
        self._usage += reply.usage
        return without_preamble(reply.text.strip())

    async def _written(self, material: str, text: str) -> Summarized:
        """Write the summary of `material`, every sentence once its numbers were found in `text`."""
        asked = summary_messages(material, self._language, self._sentences)
        kept: list[str] = []
        left_out: list[str] = []
        async with aclosing(self._sentences_of(asked)) as sentences:
            async for sentence in sentences:
                checked = await self._checked(sentence, asked, text)
                if checked is None:
                    left_out.append(sentence)
                else:
                    self._write(checked, kept)
                if len(kept) + len(left_out) >= self._sentences:
                    break
        warnings = []
        numbers = unfounded_numbers(text, " ".join(left_out))
        if kept and left_out:
            warnings.append(
                f"{len(left_out)} sentence(s) were left out: they held numbers that the text does "
                f"not ({', '.join(numbers)})."
            )
        elif left_out:
            for sentence in left_out:
                self._write(sentence, kept)
            warnings.append(f"These numbers are not in the text: {', '.join(numbers)}.")
        summary = self._between.join(kept)
        if not _is_in(summary, self._language):
            warnings.append(f"The summary may not be in {language_name(self._language)}.")
        return Summarized(summary, tuple(warnings))

    @property
    def _between(self) -> str:
        return "" if self._language in {"zh", "ja"} else " "

    def _write(self, sentence: str, kept: list[str]) -> None:
        self._ctx.write(self._between + sentence if kept else sentence)
        kept.append(sentence)

    async def _checked(self, sentence: str, asked: Sequence[ChatMessage], text: str) -> str | None:
        """The sentence where all its numbers are in the text, else another try at it, or None."""
        numbers = unfounded_numbers(text, sentence)
        if not numbers:
            return sentence
        reply = await self._ctx.chat.complete(
            again_messages(asked, sentence, numbers),
            max_tokens=2 * _TOKENS_A_SENTENCE,
            timeout_s=self._ctx.remaining_s(),
        )
        self._usage += reply.usage
        again = " ".join(reply.text.split())
        founded = again and not unfounded_numbers(text, again)
        return again if founded and reply.finish_reason == "stop" else None

    async def _sentences_of(self, asked: Sequence[ChatMessage]) -> AsyncGenerator[str, None]:
        """The model's sentences, each as soon as the next one begins; one that was cut is not."""
        stream = self._ctx.chat.stream(
            asked,
            max_tokens=self._sentences * _TOKENS_A_SENTENCE + 30,
            timeout_s=self._ctx.remaining_s(),
        )
        reply, given = "", 0
        usage, was_cut = Usage(llm_calls=1), False
        try:
            async with aclosing(stream) as deltas:
                async for delta in deltas:
                    reply += delta.text
                    usage = delta.usage or usage
                    was_cut = delta.finish_reason == "length"
                    for sentence in _sentences(reply)[given:-1]:
                        given += 1
                        yield sentence
        finally:
            self._usage += usage
        rest = _sentences(reply)[given:]
        for sentence in rest[:-1] if was_cut and given else rest:
            yield sentence


def _sentences(reply: str) -> list[str]:
    """On one line each, without list marks and without "Here is a summary:" before them."""
    lines = "\n".join(_LIST_MARK.sub("", line) for line in without_preamble(reply).splitlines())
    return [" ".join(lines[start:end].split()) for start, end in split_sentences(lines)]


def _language_of(text: str, default: str) -> str:
    guess = identify(text)
    return guess.code if guess.probability >= _SURE else default


def _is_in(text: str, language: str) -> bool:
    """Whether a text is in a language, as far as it can be told."""
    guess = identify(text)
    letters = sum(map(str.isalpha, text)) * (3 if is_dense(text) else 1)
    return letters < _LETTERS_TO_TELL or guess.probability < _SURE or guess.code == language
