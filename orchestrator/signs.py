"""Signs that a person must answer: one is asked for, there is distress, or a legal threat.

What reads requests tells them, in milliseconds and without the LLM. Only what the customer says
counts: a sign that goes away with what is quoted, or with the text that a wish is about, is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from model_servers.request_reader import Reading
from orchestrator.clauses import in_own_words, part, points
from orchestrator.payload import find_payload, instruction
from orchestrator.turn import HandoffReason
from orchestrator.understanding import Understand
from orchestrator.wanted import wants_text
from orchestrator.wishes import works_on_text
from tools.contracts import Kind
from tools.registry import Registry
from tools.sentences import split_sentences

REASONS: tuple[HandoffReason, ...] = ("human_requested", "legal_threat", "distress")
SURE = 0.3
"""Who needs a person and gets a machine loses more than who gets a person without need."""
_OWN_TEXT = 0.5
_PERHAPS = 0.2
"""A tool that is perhaps wanted may be what a text was brought for."""


@dataclass(frozen=True, slots=True)
class Sign:
    """What calls for a person; `confidence` is its probability."""

    reason: HandoffReason
    confidence: float


class Signs:
    """Looks for a sign in a request."""

    def __init__(self, registry: Registry, understand: Understand) -> None:
        self._registry = registry
        self._understand = understand

    async def __call__(self, request: str, kinds: Mapping[str, Kind]) -> Sign | None:
        """The clearest sign in a request's own words, or None. `kinds` are its attachments'."""
        if not request.strip():
            return None
        reading = await self._understand(request, kinds)
        found = _clearest(reading)
        if found.confidence < SURE:
            return None
        # What a file is called says nothing of how the customer is.
        nameless: dict[str, Kind] = {str(at): kind for at, kind in enumerate(kinds.values())}
        if kinds and _clearest(await self._understand(request, nameless)).confidence < SURE:
            return None
        for own in (
            self._asked(request, kinds, reading),
            await self._set_apart(request, kinds),
            await self._beside(request, kinds),
        ):
            said = in_own_words(own)
            if said != request:
                again = _clearest(await self._understand(said, kinds)) if said else None
                if again is None or again.confidence < SURE:
                    return None
        return found

    async def _set_apart(self, request: str, kinds: Mapping[str, Kind]) -> str:
        """What stands before a colon or a blank line, where that alone wants a text: what comes
        after it is the text, however loudly it calls."""
        parted = part(request)
        if parted.payload is None or parted.mark == "quotes":
            return request
        reading = await self._understand(parted.instruction, kinds)
        return parted.instruction if wants_text(reading, self._registry) else request

    async def _beside(self, request: str, kinds: Mapping[str, Kind]) -> str:
        """The sentence at one end of the request that points at a text and wants it worked on, as
        in "Is this review good or bad?": what stands beside it is the text."""
        sentences = split_sentences(request)
        if kinds or len(sentences) < 2:  # with a file to work on, a sentence more is no text
            return request
        for sentence in (sentences[0], sentences[-1]):
            words = request[sentence.start : sentence.end].strip()
            if points(words) and wants_text(await self._understand(words, kinds), self._registry):
                return words
        return request

    def _asked(self, request: str, kinds: Mapping[str, Kind], reading: Reading) -> str:
        """The request without the text that it is about."""
        takers = [
            name
            for name, score in reading.scores.items()
            if score >= _PERHAPS and works_on_text(self._registry, name)
        ]
        # With a file to work on, a sentence more is no text.
        if not takers or (kinds and reading.scores["reads_text"] < _OWN_TEXT):
            return request
        payload = find_payload(
            request,
            lambda begin, end: max(reading.weight(name, begin, end) for name in takers),
            is_there=reading.scores["reads_text"] >= _OWN_TEXT,
        )
        return instruction(request, payload)


def _clearest(reading: Reading) -> Sign:
    best = max(REASONS, key=lambda reason: reading.scores[reason])
    return Sign(best, reading.scores[best])
