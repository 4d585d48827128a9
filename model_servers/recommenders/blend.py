"""A blend: the scores of several recommenders, weighted by what served best on validation."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from model_servers.recommenders.contract import (
    History,
    Interactions,
    Progress,
    Recommender,
    ignore,
)
from model_servers.recommenders.errors import RecommenderError
from model_servers.recommenders.holdout import HeldOut, hold_out_last, ndcg, places_of

Make = Callable[[str], Recommender]
_STEPS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
_ROUNDS = 2


class Blend(Recommender):
    """Adds standardised scores.

    The weights are found by coordinate ascent of nDCG@10 on everybody's last event, which the parts
    don't see then; the parts are fitted anew on all events after that. It starts from the best part
    alone, so on validation it is never below it.

    Args:
        parts: names of recommenders.
        make: gives a new recommender by its name.
    """

    name: ClassVar[str] = "blend"

    def __init__(self, parts: Sequence[str], make: Make) -> None:
        self._names = tuple(parts)
        self._make = make
        self._parts: list[Recommender] = []
        self.weights: NDArray[np.float64] = np.zeros(len(self._names))

    def fit(self, train: Interactions, *, seed: int = 0, progress: Progress = ignore) -> None:
        rest, held = hold_out_last(train)
        if not held:
            raise RecommenderError("A blend needs people who did more than one thing.")
        whole = 2 * len(self._names)
        tried = []
        for place, name in enumerate(self._names):
            part = self._make(name)
            part.fit(rest, seed=seed, progress=_within(progress, place, whole))
            tried.append(_standard(part.scores([each.history for each in held])))
        self.weights = tuned(tried, held)
        self._parts = []
        for place, name in enumerate(self._names, start=len(self._names)):
            part = self._make(name)
            if self.weights[place - len(self._names)]:
                part.fit(train, seed=seed, progress=_within(progress, place, whole))
            self._parts.append(part)
        progress(1.0)

    def scores(self, histories: Sequence[History]) -> NDArray[np.float32]:
        used = [
            weight * _standard(part.scores(histories))
            for part, weight in zip(self._parts, self.weights, strict=True)
            if weight
        ]
        return np.asarray(np.sum(used, axis=0), dtype=np.float32)

    def because(self, history: History, items: Sequence[int]) -> list[int | None]:
        """For each what the heaviest part that can tell says."""
        found: list[int | None] = [None] * len(items)
        for place in np.argsort(-self.weights):
            if self.weights[place] and None in found:
                told = self._parts[int(place)].because(history, items)
                found = [t if f is None else f for f, t in zip(found, told, strict=True)]
        return found

    def save(self, folder: Path) -> None:
        told = {"parts": self._names, "weights": self.weights.tolist()}
        (folder / "blend.json").write_text(json.dumps(told), encoding="utf-8")
        for name, part, weight in zip(self._names, self._parts, self.weights, strict=True):
            if weight:
                (folder / name).mkdir()
                part.save(folder / name)

    @classmethod
    def load(cls, folder: Path) -> Self:
        from model_servers.recommenders.registry import make_recommender, recommender_class

        try:
            told = json.loads((folder / "blend.json").read_bytes())
            names, weights = told["parts"], np.array(told["weights"], dtype=np.float64)
        except (OSError, ValueError, KeyError) as error:
            raise RecommenderError("The blend can't be read; train it anew.") from error
        model = cls(names, make_recommender)
        model.weights = weights
        model._parts = [
            recommender_class(name).load(folder / name) if weight else make_recommender(name)
            for name, weight in zip(names, weights, strict=True)
        ]
        return model


def tuned(scores: Sequence[NDArray[np.float32]], held: Sequence[HeldOut]) -> NDArray[np.float64]:
    """Weights of parts by coordinate ascent of nDCG@10, from the best part alone.

    Args:
        scores: for each part (len(held), n_items), standardised.
        held: what was held out, a row each.
    """

    def worth(weights: NDArray[np.float64]) -> float:
        total = np.sum([w * part for w, part in zip(weights, scores, strict=True) if w], axis=0)
        return ndcg(places_of(total, held))

    alone = np.eye(len(scores))
    weights = max(alone, key=worth)
    best = worth(weights)
    for _ in range(_ROUNDS):
        for place in range(len(scores)):
            for step in _STEPS:
                other = weights.copy()
                other[place] = step
                if other.any() and (found := worth(other)) > best:
                    weights, best = other, found
    return np.asarray(weights)


def _standard(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows with a mean of 0 and a deviation of 1, so that weights mean the same for all parts."""
    spread = scores.std(axis=1, keepdims=True)
    return np.asarray(
        (scores - scores.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1.0),
        dtype=np.float32,
    )


def _within(progress: Progress, place: int, whole: int) -> Progress:
    return lambda done: progress((place + done) / whole)
