"""Signs that a person must answer: one is asked for, there is distress, or a legal threat.

A linear head over the router's encoders tells them, in milliseconds and without the LLM. Only
what the customer says counts: what is quoted, and the text that a wish is about, is looked past.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import cast

from orchestrator.clauses import MAX_INSTRUCTION_CHARS, in_own_words, part, points, split_clauses
from orchestrator.router import Example, Heads, Router, Scores, fit_heads, training_examples
from orchestrator.turn import HandoffReason
from orchestrator.wishes import MAX_CLAUSES, begins_a_wish, request_language, works_on_text
from tools.contracts import Kind
from tools.registry import Registry

NONE = "none"
"""The class of words that give no such sign."""
SURE = 0.5
_C = 100.0
"""The classes lie close together: "I don't want a human" is not "I want a human"."""
_PERHAPS = 0.3
"""A text that is set off is passed over even if its wish is not quite clear."""


@dataclass(frozen=True, slots=True)
class Sign:
    """What calls for a person; `confidence` is its calibrated probability."""

    reason: HandoffReason
    confidence: float


class Signs:
    """Looks for a sign in a request. Build it with `fit`."""

    def __init__(self, registry: Registry, router: Router, heads: Heads) -> None:
        self._registry = registry
        self._router = router
        self._heads = heads

    @classmethod
    async def fit(cls, registry: Registry, router: Router, cache_dir: Path) -> Signs:
        """Fit the heads on the examples, or take them from the cache."""
        heads = await fit_heads(sign_examples(registry), router.encode, cache_dir, c=_C)
        return cls(registry, router, heads)

    async def __call__(self, request: str, kinds: Mapping[str, Kind]) -> Sign | None:
        """The clearest sign in a request's own words, or None. `kinds` are its attachments'."""
        words = in_own_words(request)
        if not words:
            return None
        language = request_language(words)
        clauses = await self._said(words, bool(kinds), language)
        vectors = await self._router.encode(clauses, language=language)
        found = [
            Sign(cast(HandoffReason, label), score)
            for scores in self._heads(vectors, language)
            for label, score in scores.items()
            if label != NONE and score >= SURE
        ]
        return max(found, key=lambda sign: sign.confidence, default=None)

    async def _said(self, words: str, has_files: bool, language: str) -> list[str]:
        """The clauses in which the customer speaks, without the text that a wish is about."""
        parted = part(words)
        if parted.payload is not None:
            clauses = _clauses(parted.instruction)
            scores = await self._router.score(clauses, language=language)
            if any(self._asks_for_text(each, _PERHAPS) for each in scores):
                return clauses
        clauses = _clauses(words)
        if len(clauses) == 1 or has_files:
            return clauses
        # "Is this review good or bad? I'll sue you." has its text in the other clause.
        wishes = [
            clause
            for clause, each in zip(
                clauses, await self._router.score(clauses, language=language), strict=True
            )
            if self._asks_for_text(each, SURE) and _reads_as_wish(clause)
        ]
        # Two sentences may only together say what is meant.
        return wishes or [*clauses, words[:MAX_INSTRUCTION_CHARS]]

    def _asks_for_text(self, scores: Scores, least: float) -> bool:
        return any(
            score >= least and works_on_text(self._registry, name) for name, score in scores.items()
        )


def _reads_as_wish(clause: str) -> bool:
    """Whether the words are an order or a question; of scripts without either's marks, perhaps."""
    asks = clause.rstrip().endswith(("?", "？", "؟")) or begins_a_wish(clause)
    return asks or (points(clause) and not clause.isascii())


def _clauses(text: str) -> list[str]:
    """A request's clauses; of a long text only its ends, where something is asked."""
    clauses = [clause.text for clause in split_clauses(text)] or [text]
    return clauses if len(clauses) <= MAX_CLAUSES else [*clauses[: MAX_CLAUSES - 2], *clauses[-2:]]


def sign_examples(registry: Registry) -> list[Example]:
    """Our own list, and the router's examples: a wish for a tool is no sign."""
    from model_servers.languages import identify

    path = files("orchestrator").joinpath("handoff_examples.tsv")
    lines = path.read_text("utf-8").splitlines()
    listed = (line.split("\t", 1) for line in lines if line and not line.startswith("#"))
    ours = [Example(text, label, identify(text).code) for label, text in listed]
    others = [Example(e.text, NONE, e.language) for e in training_examples(registry.values())]
    return ours + others
