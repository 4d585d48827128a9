"""Whether what is recommended meets what the wish says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from evals.metrics.additive import AdditiveMetric, Parts, means
from evals.metrics.forms import MetricError, shown


class WishesMet(AdditiveMetric):
    """answered: the share of wishes with an item or more. met: those whose items break nothing.
    reasoned: those whose items all have a reason.

    Golds are {"below", "at_most", "at_least", "any_of", "none_of", "count", "like",
    "cheaper_than"}, of which each may be left out; predictions {"items": [{"id", "price",
    "categories", "reasons"}]}. Fewer items than asked for break nothing, more do. An error meets
    nothing.
    """

    name = "wishes"

    def parts(self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]) -> Parts:
        rows = [_row(gold, given) for gold, given in zip(golds, predictions, strict=True)]
        return means(("answered", "met", "reasoned"), rows)


def _row(gold: JsonValue, prediction: JsonValue) -> list[float]:
    if not isinstance(gold, Mapping):
        raise MetricError(f"A wish's gold is an object: {shown(gold)}.")
    if prediction is None:
        return [0.0, 0.0, 0.0]
    items = _items(prediction)
    if not items:
        return [0.0, 0.0, 0.0]
    wanted: Mapping[str, Any] = gold
    met = len(items) <= int(wanted.get("count", len(items)))
    met = met and not any(breaks(wanted, item) for item in items)
    return [1.0, float(met), float(all(item.get("reasons") for item in items))]


def _items(prediction: JsonValue) -> list[Mapping[str, Any]]:
    found: Any = prediction.get("items") if isinstance(prediction, Mapping) else None
    if not isinstance(found, list) or not all(isinstance(item, Mapping) for item in found):
        raise MetricError(f"Recommendations are {{'items': […]}}: {shown(prediction)}.")
    return found


def breaks(gold: Mapping[str, Any], item: Mapping[str, Any]) -> list[str]:
    """What an item breaks of a wish, by the gold's own words."""
    price, kinds = item.get("price"), set(item.get("categories") or ())
    bounded = {"below", "at_most", "at_least"} & set(gold)
    if bounded and not isinstance(price, int | float):
        return sorted(bounded)
    broken = {
        "below": "below" in gold and price >= gold["below"],
        "at_most": "at_most" in gold and price > gold["at_most"],
        "at_least": "at_least" in gold and price < gold["at_least"],
        "any_of": "any_of" in gold and kinds.isdisjoint(gold["any_of"]),
        "none_of": not kinds.isdisjoint(gold.get("none_of", ())),
        "itself": item.get("id") in (gold.get("like"), gold.get("cheaper_than")),
    }
    return [name for name, is_so in broken.items() if is_so]
