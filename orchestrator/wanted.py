"""Which tools a request wants, and where it says so, from what reads requests."""

from __future__ import annotations

from collections.abc import Mapping

from model_servers.request_reader import Reading
from orchestrator.assembly import Wanted
from orchestrator.clauses import split_clauses
from orchestrator.payload import Found, Span, instruction
from orchestrator.plan import missing_media, reachable
from tools.contracts import Kind
from tools.registry import Registry

WANTED = 0.4
"""From here on a tool is part of the plan."""
_MOST_OF_IT = 0.6
_AT_LEAST = 0.2
"""A request that wants something wants what it wants most, if it is as likely as this."""
NOTHING = ("chat", "cannot_do", "missing_input")
"""Why a request may want no tool."""


def wanted_names(
    reading: Reading, kinds: Mapping[str, Kind], registry: Registry
) -> dict[str, float]:
    """The tools that are wanted and can run on what there is, with their probabilities."""
    scores = {name: reading.scores[name] for name in registry if name in reading.scores}
    likely = {name: score for name, score in scores.items() if score >= WANTED}
    if not likely:
        best = max(scores, key=lambda name: scores[name])
        if scores[best] >= _AT_LEAST:
            likely = {best: scores[best]}
    offered = reachable((registry[name] for name in likely), kinds.values())
    return {n: s for n, s in likely.items() if missing_media(registry[n], offered) is None}


def nothing(reading: Reading) -> tuple[str, float]:
    """The likeliest reason why the request wants no tool, and how likely that is."""
    best = max(NOTHING, key=lambda name: reading.scores[name])
    return best, reading.scores[best]


def confidence(reading: Reading, names: Mapping[str, float], registry: Registry) -> float:
    """How sure it is that these tools are wanted and no others: its least sure decision."""
    others = [
        1 - score
        for name, score in reading.scores.items()
        if name in registry and name not in names
    ]
    return min([*names.values(), *others], default=0.0)


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
        total = sum(weights) or 1.0
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
