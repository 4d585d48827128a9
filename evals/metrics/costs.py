"""What a run took: time, tokens, and how often the chat model was not asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evals.metrics.additive import Array
from evals.metrics.bootstrap import LEVEL, RESAMPLES, Interval
from evals.task import Prediction

COSTS_WHERE_HIGHER_IS_BETTER = frozenset({"no_llm_share"})


def costs(predictions: Sequence[Prediction]) -> dict[str, float]:
    """The figures of every run; none where there are no predictions.

    Figures: latency_median_s and latency_p95_s, wall-clock over all samples, those with an error
    too, as somebody waited for them; prompt_tokens, completion_tokens and llm_calls, means a
    sample; no_llm_share, of the samples that were solved, the share that asked the chat model
    nothing; error_share.
    """
    if not predictions:
        return {}
    values = _figures(_table(predictions)[None])
    return {name: float(value[0]) for name, value in values.items() if not np.isnan(value[0])}


def cost_intervals(
    predictions: Sequence[Prediction],
    seed: int,
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> dict[str, Interval]:
    """The same with bootstrap intervals; the same seed gives the same bounds."""
    if not predictions:
        return {}
    table, random = _table(predictions), np.random.default_rng(seed)
    draws = [
        _figures(table[random.integers(len(table), size=(1, len(table)))]) for _ in range(resamples)
    ]
    tail = (1 - level) / 2
    return {
        name: Interval(
            value,
            *map(float, np.nanquantile([draw[name][0] for draw in draws], [tail, 1 - tail])),
        )
        for name, value in costs(predictions).items()
    }


def _table(predictions: Sequence[Prediction]) -> Array:
    return np.array(
        [
            (p.seconds, p.prompt_tokens, p.completion_tokens, p.llm_calls, p.error is not None)
            for p in predictions
        ],
        dtype=float,
    )


def _figures(tables: Array) -> dict[str, Array]:
    """Of each of the tables, which are stacked."""
    seconds, prompt, completion, calls, failed = np.moveaxis(tables, -1, 0)
    solved = (failed == 0).sum(axis=1)
    free = ((failed == 0) & (calls == 0)).sum(axis=1)
    return {
        "latency_median_s": np.median(seconds, axis=1),
        "latency_p95_s": np.quantile(seconds, 0.95, axis=1),
        "prompt_tokens": prompt.mean(axis=1),
        "completion_tokens": completion.mean(axis=1),
        "llm_calls": calls.mean(axis=1),
        "no_llm_share": np.where(solved == 0, np.nan, free / np.maximum(solved, 1)),
        "error_share": failed.mean(axis=1),
    }
