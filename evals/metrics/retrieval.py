"""Whether what was sought stands high in the ranking, by trec_eval's own code."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import JsonValue

from evals.metrics.additive import AdditiveMetric, Parts, means
from evals.metrics.forms import MetricError, read_list, shown


class Ranking(AdditiveMetric):
    """recall@k and ndcg@k for each k, and mrr, the mean of one over the first right rank.

    Golds are the ids of what is relevant, or {id: gain} with gains of at least 1. Predictions are
    ids, the best first, or {"ids": [...]}; an id that comes again counts once. An error is a
    ranking without anything. nDCG takes the gain as it is and discounts by log2 (Järvelin and
    Kekäläinen 2002, as trec_eval has it).
    """

    name = "retrieval"

    def __init__(self, ks: Sequence[int] = (1, 5, 10)) -> None:
        self.ks = tuple(ks)

    def parts(self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]) -> Parts:
        from pytrec_eval import RelevanceEvaluator

        wanted = {str(i): _gains(gold) for i, gold in enumerate(golds)}
        runs = {
            str(i): _scores(prediction)
            for i, prediction in enumerate(predictions)
            if prediction is not None
        }
        cuts = ",".join(map(str, self.ks))
        measures = {"recip_rank", f"recall.{cuts}", f"ndcg_cut.{cuts}"}
        found = RelevanceEvaluator(wanted, measures).evaluate(runs)
        keys = [
            *(f"recall_{k}" for k in self.ks),
            "recip_rank",
            *(f"ndcg_cut_{k}" for k in self.ks),
        ]
        names = [*(f"recall@{k}" for k in self.ks), "mrr", *(f"ndcg@{k}" for k in self.ks)]
        rows = [[found.get(query, {}).get(key, 0.0) for key in keys] for query in wanted]
        return means(names, np.array(rows).tolist())


def _gains(gold: JsonValue) -> dict[str, int]:
    if isinstance(gold, dict):
        gains = {key: int(gain) for key, gain in gold.items() if isinstance(gain, int | float)}
    else:
        gains = {str(key): 1 for key in read_list(gold, "ids")}
    if not any(gain > 0 for gain in gains.values()):
        raise MetricError(f"No prediction can match a gold without anything: {shown(gold)}.")
    return gains


def _scores(prediction: JsonValue) -> dict[str, float]:
    """A score for each id that keeps the order; trec_eval sorts by score."""
    ids = dict.fromkeys(str(key) for key in read_list(prediction, "ids"))
    return {key: float(-rank) for rank, key in enumerate(ids)}
