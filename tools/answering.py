"""One answer from passages: asked of the chat model, checked sentence by sentence, streamed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from model_servers.contracts import ChatMessage, Usage
from model_servers.languages import identify
from tools.answer_extracts import (
    Extract,
    Reply,
    find_extract,
    length,
    read_reply,
    says,
    shared_words,
)
from tools.answer_prompts import again_messages, answer_messages, urged_messages
from tools.contracts import RunContext
from tools.grounding import (
    Sentence,
    best_sentence,
    cited_sentences,
    is_refusal,
    joined,
    supporting,
    unfounded,
    with_marks,
)
from tools.knowledge.passages import Passage

MAX_SENTENCES = 4
_MAX_TOKENS = 220
_QUOTED_FROM = 0.3
"""A passage this relevant is quoted where the model can't put it in words that stand."""
_URGED_FROM = 0.5
"""A passage this relevant is read twice before it is said not to answer: none of the sample shop's
questions without an answer finds one."""
_SHORT = 8
"""Words of an answer that may be nothing but what its passage says."""
_SURE_LANGUAGE = 0.9
_ENOUGH_CHARS = 24


@dataclass(slots=True)
class Answer:
    """The text that stands so far, with marks, and the passages cited, the first as [1].

    `extract` are the words of a cited passage that the answer rests on, where the model named some
    that are there.
    """

    text: str = ""
    cited: list[Passage] = field(default_factory=list)
    extract: str | None = None
    usage: Usage = Usage()


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why a reply can't stand."""

    reply: str
    numbers: tuple[str, ...] = ()


class _Refused(Exception):
    """The model says that the passages don't hold the answer."""


async def answer_from(
    question: str, passages: Sequence[Passage], language: str, ctx: RunContext
) -> Answer:
    """The answer in a language; its text is empty where the passages don't hold it.

    Every sentence is written to `ctx` once it stands: its numbers are in the passages, and the
    first one is in the language asked for. A reply that fails is asked for once more; after that
    a passage that is surely the right one is quoted.

    Raises ModelError, DeadlineExceeded.
    """
    answering = _Answering(question, passages, language, ctx)
    asked = answer_messages(question, passages, language)
    try:
        try:
            fault = await answering.ask(asked)
        except _Refused:
            if passages[0].score < _URGED_FROM:
                raise
            asked = urged_messages(asked)
            fault = await answering.ask(asked)
        if fault is not None:
            asked = again_messages(asked, fault.reply, language, fault.numbers)
            fault = await answering.ask(asked, last=True)
            if fault is not None and passages[0].score >= _QUOTED_FROM:
                answering.quote()
    except _Refused:
        pass
    return answering.answer


class _Answering:
    def __init__(
        self, question: str, passages: Sequence[Passage], language: str, ctx: RunContext
    ) -> None:
        self.answer = Answer()
        self._question = question
        self._passages = passages
        self._language = language
        self._ctx = ctx
        self._extract: Extract | None = None

    async def ask(self, messages: Sequence[ChatMessage], *, last: bool = False) -> _Fault | None:
        """Take in one reply. Gives the fault where not even its first sentence stands."""
        reply = ""
        taken = 0
        read = Reply("")
        stream = self._ctx.chat.stream(
            messages, max_tokens=_MAX_TOKENS, timeout_s=self._ctx.remaining_s()
        )
        async with aclosing(stream) as deltas:
            async for delta in deltas:
                reply += delta.text
                if delta.usage is not None:
                    self.answer.usage += delta.usage
                ended = delta.finish_reason == "stop"
                read = read_reply(reply, self._passages, whole=ended)
                self._extract = read.extract
                # The last sentence may still grow, and its marks may follow its full stop.
                whole = cited_sentences(read.prose)
                ready = whole if ended else whole[:-1]
                for sentence in ready[taken:MAX_SENTENCES]:
                    fault = self._take(sentence, reply, last=last)
                    if fault is not None:
                        return fault if not self.answer.text else None
                    taken += 1
                if taken == MAX_SENTENCES:
                    break
        if self.answer.text:
            return None
        if read.extract is not None:
            return self._let_speak(read.extract, reply, last=last)
        if read.named:
            return self._take(Sentence("", read.named, ()), reply, last=last)
        raise _Refused  # nothing at all, or one sentence without an end

    def _let_speak(self, extract: Extract, reply: str, *, last: bool) -> _Fault | None:
        """The passage's own sentence, where the model only named words of it."""
        passage = self._passages[extract.number - 1]
        if passage.language != self._language and not last:
            return _Fault(reply)
        self.answer.extract = extract.words
        self._quote(passage, extract.words)
        return None

    def _take(self, sentence: Sentence, reply: str, *, last: bool) -> _Fault | None:
        """Write a sentence that stands; give the fault of one that doesn't."""
        if is_refusal(sentence.text):
            if not self.answer.text:
                raise _Refused
            return _Fault(reply)
        numbers = unfounded(sentence.text, self._question, self._passages)
        if numbers:
            return _Fault(reply, tuple(numbers))
        if not last and not self.answer.text and not _is_in(sentence.text, self._language):
            return _Fault(reply)
        marks = supporting(sentence, self._question, self._passages, self._language)
        if not self.answer.text:
            if self._extract is not None and self._extract.number not in marks:
                marks = (self._extract.number,)
            self.answer.extract = self._rested_on(sentence.text, self._passages[marks[0] - 1])
        self._write(sentence, [self._passages[mark - 1] for mark in marks])
        return None

    def _rested_on(self, sentence: str, passage: Passage) -> str | None:
        """The words named, where the sentence has them or says it in other words; else the words
        that it has from its passage."""
        named = self._extract.words if self._extract is not None else ""
        if passage.language != self._language or (named and says(sentence, named)):
            return named or None
        if length(sentence) <= _SHORT and (itself := find_extract(sentence, [passage])):
            return itself.words
        shared = shared_words(sentence, passage.text, self._question)
        return max(named, shared, key=length) or None

    def quote(self) -> None:
        """Let the best passage speak for itself."""
        self._quote(self._passages[0], self._question)

    def _quote(self, passage: Passage, words: str) -> None:
        """Write the passage's sentence that has most of these words."""
        sentence = best_sentence(passage, words, passage.language)
        self._write(Sentence("", f"“{' '.join(sentence.split())}”", ()), [passage])

    def _write(self, sentence: Sentence, passages: Sequence[Passage]) -> None:
        """Passages are numbered in the order in which the answer comes to them."""
        cited = self.answer.cited
        cited += [passage for passage in passages if passage not in cited]
        marks = [cited.index(passage) + 1 for passage in passages]
        piece = joined(self.answer.text, sentence, with_marks(sentence.text, marks))
        self.answer.text += piece
        self._ctx.write(piece)


def _is_in(text: str, language: str) -> bool:
    """Whether a text may be in a language; short ones and proper names say little."""
    guess = identify(text)
    sure = guess.probability >= _SURE_LANGUAGE and len(text.encode()) >= _ENOUGH_CHARS
    return guess.code == language or not sure
