"""Which tools a request wants, and where it says so, from what reads requests."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from model_servers.request_reader import Reading
from orchestrator.assembly import Wanted
from orchestrator.clauses import split_clauses
from orchestrator.payload import Found, Span, instruction
from orchestrator.plan import missing_media, reachable
from orchestrator.wishes import works_on_text
from tools.contracts import Kind
from tools.registry import Registry

NOTHING = ("chat", "cannot_do", "missing_input")
"""Why a request may want no tool."""
_LIKELY = 0.5
_MOST_OF_IT = 0.6
_ODDS = 1e-4
"""No label is taken to be surer than this from certain."""
_RELUCTANCE = 0.75
"""By how much the log-odds of a tool are taken down: one too many is more often wrong than one too
few (chosen on the development set)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a request wants: tools, or the reason why it wants none of them.

    Attributes:
        tools: with their probabilities.
        reason: one of NOTHING where there are no tools.
        confidence: of the least sure decision.
    """

    tools: Mapping[str, float]
    reason: str | None
    confidence: float


def choose(reading: Reading, kinds: Mapping[str, Kind], registry: Registry) -> Choice:
    """The likeliest of the combinations that are known to come together, and that can run on what
    there is.

    Args:
        kinds: the inputs by name and kind.
    """
    scores = reading.scores
    offered = set(kinds.values())
    known = {tool.name for tool in registry.offered()} | {*NOTHING}
    odds = {
        label: _log_odds(score) - (_RELUCTANCE if label in registry else 0.0)
        for label, score in scores.items()
    }
    best = next(
        each
        for each in sorted(
            (each for each in reading.combinations if each <= known),
            key=lambda each: -sum(odds[label] for label in each),
        )
        if _can_run(each, offered, registry)
    )
    tools = {name: scores[name] for name in sorted(best) if name in registry}
    reason = None if tools else min(best)
    judged = [label for label in scores if label in registry or label in NOTHING]
    sure = min(scores[label] if label in best else 1 - scores[label] for label in judged)
    return Choice(tools, reason, sure)


def wants_text(reading: Reading, registry: Registry) -> bool:
    """Whether something is wanted that works on a text."""
    return any(
        score >= _LIKELY and works_on_text(registry, name) for name, score in reading.scores.items()
    )


def _can_run(labels: frozenset[str], offered: Collection[Kind], registry: Registry) -> bool:
    """Whether there is what the tools can't do without."""
    tools = [registry[label] for label in labels if label in registry]
    kinds = reachable(tools, offered)
    return all(missing_media(tool, kinds) is None for tool in tools)


def _log_odds(probability: float) -> float:
    bounded = min(max(probability, _ODDS), 1 - _ODDS)
    return math.log(bounded / (1 - bounded))


def wanted(
    reading: Reading, names: Mapping[str, float], request: str, payload: Found | None
) -> list[Wanted]:
    """Each tool with the words that ask for it."""
    clauses = _clauses(request, payload)
    if len(names) == 1 or not clauses:
        words = instruction(request, payload)
        return [Wanted(n, score, words, 0.0) for n, score in names.items()]
    found = []
    for name, score in names.items():
        weights = [reading.weight(name, span.begin, span.end) for span in clauses]
        best = max(range(len(clauses)), key=lambda i: weights[i])
        first = last = best
        total = sum(weights)
        while sum(weights[first : last + 1]) < _MOST_OF_IT * total:
            left = weights[first - 1] if first else -1.0
            right = weights[last + 1] if last + 1 < len(clauses) else -1.0
            first, last = (first - 1, last) if left >= right else (first, last + 1)
        words = request[clauses[first].begin : clauses[last].end]
        found.append(Wanted(name, score, words, _centre(reading, name)))
    return found


def _centre(reading: Reading, name: str) -> float:
    """Where in the request the wish is said, in characters."""
    middles = reading.spans.mean(axis=1)
    return float(middles @ reading.places[name])


def _clauses(request: str, payload: Found | None) -> list[Span]:
    """The clauses of the request outside of the text that it is about."""
    parts = [Span(0, len(request))]
    if payload is not None:
        parts = [Span(0, payload.span.begin), Span(payload.span.end, len(request))]
    spans = []
    for part in parts:
        at = part.begin
        for clause in split_clauses(request[part.begin : part.end]):
            begin = request.find(clause.text, at, part.end)
            if begin >= 0:
                at = begin + len(clause.text)
                spans.append(Span(begin, at))
    return spans
