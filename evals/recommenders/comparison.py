"""All recommenders on one dataset: everybody's last event is ranked among all they had not had."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.metrics import Difference, Interval
from evals.recommenders.interactions import RatedItems
from model_servers.recommenders.biased_factors import BiasedFactors
from model_servers.recommenders.contract import Interactions, Recommender
from model_servers.recommenders.holdout import hold_out_last, last_rows, ranks
from model_servers.recommenders.registry import make_recommender, servable

AT = 10
RATING_MODELS = (BiasedFactors.name,)
SEEDED = frozenset({"als", "bpr", "sasrec", "blend", *RATING_MODELS})
"""The others have nothing of chance in them: they are fitted once."""
AGAINST = "popularity"
RESAMPLES = 2_000
_TAIL = 2.5
"""Percent beyond each bound of a 95 % interval."""

Floats = NDArray[np.float64]
Embed = Callable[[Sequence[str]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Compared:
    """What one model reached; figures that it has not are None.

    Attributes:
        hit_rate, ndcg, rmse: at 10, means over seeds and people, with 95 % bootstrap intervals
            over people; of the root mean squared error as well.
        gain: of the hit rate over popularity's, paired over people.
        by_seed: the headline figure for each seed.
        fit_s: median seconds that a fit took.
    """

    name: str
    hit_rate: Interval | None
    ndcg: Interval | None
    rmse: Interval | None
    gain: Difference | None
    by_seed: tuple[float, ...]
    fit_s: float


@dataclass(slots=True)
class _Run:
    """What was measured of a model, by seed and person."""

    name: str
    values: Floats
    fit_s: list[float]


def model_names() -> tuple[str, ...]:
    """All that can be compared, the blend last."""
    others = [name for name in servable() if name != "blend"]
    return (*others, "content", *RATING_MODELS, "blend")


class Comparison:
    """Fits and measures model after model; the intervals come at the end.

    Args:
        embed: texts to embeddings, for `content`.
        told: hears a sentence before each fit.
    """

    def __init__(
        self, data: RatedItems, seeds: Sequence[int], embed: Embed, told: Callable[[str], None]
    ) -> None:
        self._data = data
        self._seeds = seeds
        self._embed = embed
        self._told = told
        self._train, self._held = hold_out_last(data.events)
        self._places: dict[str, _Run] = {}
        self._errors: dict[str, _Run] = {}

    def measure(self, name: str) -> None:
        """Fit a model for each seed, and rank or rate what was held out."""
        seeds = self._seeds if name in SEEDED else self._seeds[:1]
        rows, took = [], []
        for seed in seeds:
            self._told(f"{name}, seed {seed}" if name in SEEDED else name)
            begun = time.monotonic()
            if name in RATING_MODELS:
                rater = BiasedFactors()
                rater.fit(self._train, seed=seed)
                took.append(time.monotonic() - begun)
                rows.append(_squared_errors(rater, self._data.events))
            else:
                model = self._make(name)
                model.fit(self._train, seed=seed)
                took.append(time.monotonic() - begun)
                rows.append(ranks(model, self._held).astype(np.float64))
        kept = self._errors if name in RATING_MODELS else self._places
        kept[name] = _Run(name, np.stack(rows), took)

    def _make(self, name: str) -> Recommender:
        if name == "content":
            from model_servers.recommenders.content import Content

            return Content(self._embed(self._data.texts))
        return make_recommender(name)

    def results(self) -> list[Compared]:
        """What was measured so far, with intervals from the same draws of people for all."""
        draws = self._draws()
        popular = self._places.get(AGAINST)
        found = []
        for run in self._places.values():
            hits, gains = _hits(run.values), _gains(run.values)
            gain = None
            if popular is not None and run.name != AGAINST:
                gain = difference(hits.mean(axis=0), _hits(popular.values).mean(axis=0), draws)
            found.append(
                Compared(
                    run.name,
                    interval(hits.mean(axis=0), draws),
                    interval(gains.mean(axis=0), draws),
                    None,
                    gain,
                    tuple(hits.mean(axis=1).tolist()),
                    float(np.median(run.fit_s)),
                )
            )
        for run in self._errors.values():
            squared = interval(run.values.mean(axis=0), draws)
            rmse = Interval(*(float(np.sqrt(value)) for value in squared))
            by_seed = tuple(np.sqrt(run.values.mean(axis=1)).tolist())
            fit_s = float(np.median(run.fit_s))
            found.append(Compared(run.name, None, None, rmse, None, by_seed, fit_s))
        return found

    def _draws(self) -> NDArray[np.intp]:
        people = len(self._held)
        return np.random.default_rng(0).integers(people, size=(RESAMPLES, people))

    def against_parts(self) -> tuple[str, Difference] | None:
        """The blend's hit rate against that of the best other model that it is made of."""
        from model_servers.recommenders.registry import BLENDED

        parts = [name for name in BLENDED if name in self._places]
        blend = self._places.get("blend")
        if blend is None or not parts:
            return None
        best = max(parts, key=lambda name: _hits(self._places[name].values).mean())
        draws = self._draws()
        own = _hits(blend.values).mean(axis=0)
        return best, difference(own, _hits(self._places[best].values).mean(axis=0), draws)


def interval(values: Floats, draws: NDArray[np.intp]) -> Interval:
    """The mean of values, and the percentile bootstrap's bounds over the draws (n, len(values))."""
    low, high = np.percentile(values[draws].mean(axis=1), (_TAIL, 100 - _TAIL))
    return Interval(float(values.mean()), float(low), float(high))


def difference(own: Floats, other: Floats, draws: NDArray[np.intp]) -> Difference:
    """How much higher the first mean is, paired."""
    return Difference(*interval(own - other, draws))


def _hits(places: Floats) -> Floats:
    return (places <= AT).astype(np.float64)


def _gains(places: Floats) -> Floats:
    return np.where(places <= AT, 1.0 / np.log2(1.0 + places), 0.0)


def _squared_errors(rater: BiasedFactors, events: Interactions) -> Floats:
    """Of the ratings that were held out, by person."""
    rows = last_rows(events)
    predicted = rater.predict(events.users[rows], events.items[rows])
    return np.asarray((predicted - events.values[rows]) ** 2)


def as_json(compared: Compared) -> dict[str, Any]:
    """Plain data of it."""
    return {
        "model": compared.name,
        "hr@10": _figures(compared.hit_rate),
        "ndcg@10": _figures(compared.ndcg),
        "rmse": _figures(compared.rmse),
        "gain": _figures(compared.gain),
        "by_seed": list(compared.by_seed),
        "fit_s": compared.fit_s,
    }


def _figures(value: Interval | Difference | None) -> dict[str, float] | None:
    return None if value is None else value._asdict()
