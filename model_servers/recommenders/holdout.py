"""Measure a recommender by what people did last: the rank it gives to what it was not shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from model_servers.recommenders.contract import History, Interactions, Recommender

if TYPE_CHECKING:
    from collections.abc import Sequence

_AT_ONCE = 256
"""Histories that are scored together: (256, 100,000) scores are 100 MB."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """One person's last item, and the history before it."""

    history: History
    item: int


def last_rows(events: Interactions) -> NDArray[np.int64]:
    """The rows of everybody's last event, in order of time, of those who did more than one."""
    last = np.full(events.n_users, -1, dtype=np.int64)
    last[events.users] = np.arange(len(events))
    counts = np.bincount(events.users, minlength=events.n_users)
    return np.sort(last[counts > 1])


def hold_out_last(events: Interactions) -> tuple[Interactions, list[HeldOut]]:
    """Everybody's last event apart from the rest; who did only one thing stays in the rest."""
    held = last_rows(events)
    keep = np.ones(len(events), dtype=bool)
    keep[held] = False
    rest = Interactions(
        users=events.users[keep],
        items=events.items[keep],
        values=events.values[keep],
        times=events.times[keep],
        n_users=events.n_users,
        n_items=events.n_items,
    )
    histories = rest.histories()
    return rest, [HeldOut(histories[events.users[row]], int(events.items[row])) for row in held]


def ranks(model: Recommender, held: Sequence[HeldOut]) -> NDArray[np.int64]:
    """The place of each held item among all items that its person had not had, 1 is the first."""
    found = [np.empty(0, dtype=np.int64)]
    for start in range(0, len(held), _AT_ONCE):
        some = held[start : start + _AT_ONCE]
        found.append(places_of(model.scores([each.history for each in some]), some))
    return np.concatenate(found)


def places_of(scores: NDArray[np.floating[Any]], held: Sequence[HeldOut]) -> NDArray[np.int64]:
    """Places as `ranks` gives them, from the scores (len(held), n_items).

    Of items with one score the held one comes last: a model that scores all alike is given nothing.
    """
    places = np.empty(len(held), dtype=np.int64)
    for row, each in enumerate(held):
        own = scores[row, each.item]
        above = scores[row] >= own
        above[np.asarray(each.history, dtype=np.intp)] = False
        above[each.item] = True
        places[row] = np.count_nonzero(above)
    return places


def hit_rate(places: NDArray[np.int64], at: int = 10) -> float:
    """HR@k: the share of people whose held item is among the first k."""
    return float((places <= at).mean()) if len(places) else 0.0


def ndcg(places: NDArray[np.int64], at: int = 10) -> float:
    """nDCG@k with one right item: 1 / log2(1 + place) within the first k, and 0 beyond."""
    gains = np.where(places <= at, 1.0 / np.log2(1.0 + places), 0.0)
    return float(gains.mean()) if len(places) else 0.0
