"""How near each prediction came to its gold: only to put the samples in order.

The figures are the metrics' own. A report needs no more than to show the worst samples first,
whatever form a task's golds have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from evals.run_folder import Solved

CONFIDENCES = ("confidence", "score", "probability")
FIRST_CJK = "\u2e80"
LABELS = ("label", "prediction", "answer", "text")


def likeness(gold: JsonValue, value: JsonValue) -> float:
    """Between 0 (nothing in common) and 1 (the same).

    Texts are compared by their words and lists by their items, both as bags, by F1; objects by
    the fields of the gold. A bare gold is held against the label of a prediction that tells its
    confidence too.
    """
    if gold == value:
        return 1.0
    if isinstance(value, dict) and not isinstance(gold, dict):
        named = [value[name] for name in LABELS if name in value]
        return likeness(gold, named[0]) if named else 0.0
    if isinstance(gold, str) and isinstance(value, str):
        return _bag_f1(_words(gold), _words(value))
    if isinstance(gold, list) and isinstance(value, list):
        return _bag_f1([repr(item) for item in gold], [repr(item) for item in value])
    if isinstance(gold, list) and isinstance(value, str):
        return max((likeness(item, value) for item in gold), default=0.0)
    if isinstance(gold, dict) and isinstance(value, dict) and gold:
        return sum(likeness(part, value.get(key)) for key, part in gold.items()) / len(gold)
    return 0.0


def confidence(solved: Solved) -> float | None:
    """The confidence in [0, 1] that a prediction states, where it does."""
    for where in (solved.prediction.value, solved.prediction.details):
        if not isinstance(where, Mapping):
            continue
        for name in CONFIDENCES:
            stated = where.get(name)
            if (
                isinstance(stated, int | float)
                and not isinstance(stated, bool)
                and 0 <= stated <= 1
            ):
                return float(stated)
    return None


def worst_first(solved: Sequence[Solved]) -> list[Solved]:
    """The samples that are not right: errors, then those least like their gold, and of these the
    surest first."""
    wrong = [(one, rate) for one in solved if (rate := _rate(one)) < 1]
    wrong.sort(
        key=lambda pair: (
            pair[0].prediction.error is None,
            pair[1],
            -(confidence(pair[0]) or 0.0),
            pair[0].sample.id,
        )
    )
    return [one for one, _ in wrong]


def flips(ours: Sequence[Solved], baseline: Sequence[Solved]) -> tuple[list[str], list[str]]:
    """The ids of samples that came further from their gold than in the baseline, and nearer."""
    before = {one.sample.id: _rate(one) for one in baseline}
    moved = [
        (one.sample.id, _rate(one) - before[one.sample.id])
        for one in ours
        if one.sample.id in before
    ]
    worse = sorted((pair for pair in moved if pair[1] < 0), key=lambda pair: pair[1])
    better = sorted((pair for pair in moved if pair[1] > 0), key=lambda pair: -pair[1])
    return [name for name, _ in worse], [name for name, _ in better]


def _rate(solved: Solved) -> float:
    if solved.prediction.error is not None:
        return 0.0
    return likeness(solved.sample.gold, solved.prediction.value)


def _words(text: str) -> list[str]:
    """Words; the signs of a text in a script that parts no words."""
    folded = text.casefold()
    return list(folded) if any(sign >= FIRST_CJK for sign in folded) else folded.split()


def _bag_f1(gold: Sequence[str], found: Sequence[str]) -> float:
    common = (Counter(gold) & Counter(found)).total()
    return 2 * common / (len(gold) + len(found)) if common else 0.0
