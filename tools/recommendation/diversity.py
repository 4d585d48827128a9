"""One ranking out of several, and variety at its top."""

from __future__ import annotations

from collections.abc import Sequence

from tools.recommendation.shop import Item, Match

RANK_OFFSET = 60
"""k of reciprocal rank fusion, as in the paper."""
RELEVANCE = 0.85
"""λ of maximal marginal relevance: 1 looks at scores alone."""


def fused(rankings: Sequence[Sequence[Match]]) -> list[Match]:
    """One ranking of all that the rankings hold, by reciprocal ranks; scores are at most 1.

    Cormack et al., "Reciprocal Rank Fusion", SIGIR 2009; divided by the score of what is first in
    every ranking.
    """
    scores: dict[str, float] = {}
    items: dict[str, Item] = {}
    for ranking in rankings:
        for rank, match in enumerate(ranking, start=1):
            scores[match.item.id] = scores.get(match.item.id, 0.0) + 1 / (RANK_OFFSET + rank)
            items[match.item.id] = match.item
    best = len(rankings) / (RANK_OFFSET + 1)
    ordered = sorted(scores.items(), key=lambda pair: -pair[1])
    return [Match(items[id_], round(score / best, 4)) for id_, score in ordered]


def likeness(one: Item, other: Item, beside: frozenset[str] = frozenset()) -> float:
    """How alike two items are by their categories: shared ones over all, 0 to 1.

    Those that were asked for, `beside`, don't count.
    """
    first, second = set(one.categories) - beside, set(other.categories) - beside
    return len(first & second) / len(first | second) if first | second else 0.0


def varied(
    ranking: Sequence[Match], count: int, asked_for: frozenset[str] = frozenset()
) -> list[Match]:
    """`count` of a ranking, best first, each the less wanted the more it is like one before it.

    Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998) over places in the ranking
    and categories, but those that were asked for: who wants headphones wants several of them. The
    first stays first.
    """
    left = list(ranking)
    relevance = {match.item.id: 1 - place / len(left) for place, match in enumerate(left)}
    chosen: list[Match] = []
    nearest: dict[str, float] = dict.fromkeys(relevance, 0.0)
    while left and len(chosen) < count:
        best = max(
            left,
            key=lambda match: (
                RELEVANCE * relevance[match.item.id] - (1 - RELEVANCE) * nearest[match.item.id]
            ),
        )
        chosen.append(best)
        left.remove(best)
        for match in left:
            alike = likeness(match.item, best.item, asked_for)
            nearest[match.item.id] = max(nearest[match.item.id], alike)
    return chosen
