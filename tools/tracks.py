"""Follows things from one look at a video to the next, by how much their boxes overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from model_servers.boxes import overlaps
from tools.detect_objects import FoundObject

Box = tuple[float, float, float, float]

_LEAST_OVERLAP = 0.25
_GROWTH = 0.3
"""Boxes are this much larger on each side when they are compared, so that a thing which moves by
most of its own size between two looks is still the same (buffered IoU, Yang et al. 2023)."""
_LONGEST_GAP_S = 1.6
"""For how long a thing may be hidden before it counts as gone."""
_STEPS_TO_NEXT = 1.5
"""Where looks are rarer than that, a thing goes on if it is there at the next one."""
_FEWEST_LOOKS = 2
"""A thing seen once only is taken for an error."""


@dataclass(slots=True)
class Track:
    """One thing over time: when it was seen (seconds), where, and how sure that was."""

    number: int
    label: str
    times: list[float] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    @property
    def confirmed(self) -> bool:
        return len(self.times) >= _FEWEST_LOOKS

    def expected(self, time_s: float) -> Box:
        """Where it should be if it goes on as it did between its last two looks."""
        if len(self.times) < 2 or self.times[-1] == self.times[-2]:
            return self.boxes[-1]
        pace = (time_s - self.times[-1]) / (self.times[-1] - self.times[-2])
        last, before = self.boxes[-1], self.boxes[-2]
        moved = [now + pace * (now - was) for now, was in zip(last, before, strict=True)]
        return moved[0], moved[1], moved[2], moved[3]

    def add(self, time_s: float, thing: FoundObject) -> None:
        self.times.append(time_s)
        self.boxes.append(thing.box)
        self.scores.append(thing.score)


class Tracker:
    """Tracks of a video, look by look, in the order of time."""

    def __init__(self, step_s: float = 0.0) -> None:
        """
        Args:
            step_s: seconds from one look to the next.
        """
        self._longest_gap_s = max(_LONGEST_GAP_S, _STEPS_TO_NEXT * step_s)
        self._alive: list[Track] = []
        self._ended: list[Track] = []
        self._count = 0

    def look(self, time_s: float, things: Sequence[FoundObject], *, cut: bool = False) -> None:
        """What is seen at a time.

        Args:
            cut: a new shot began since the last look: nothing goes on.
        """
        for track in list(self._alive):
            if cut or time_s - track.times[-1] > self._longest_gap_s:
                self._alive.remove(track)
                self._ended.append(track)
        matches = self._matches(time_s, things)
        for track, place in matches:
            track.add(time_s, things[place])
        taken = {place for _, place in matches}
        for place, thing in enumerate(things):
            if place not in taken:
                self._count += 1
                track = Track(self._count, thing.label)
                track.add(time_s, thing)
                self._alive.append(track)

    def end(self) -> None:
        """Nothing goes on."""
        self._ended += self._alive
        self._alive = []

    def present(self) -> list[Track]:
        """Things seen more than once that may go on."""
        return [track for track in self._alive if track.confirmed]

    def gone(self) -> list[Track]:
        """Things seen more than once that don't go on, in the order in which they were lost."""
        return [track for track in self._ended if track.confirmed]

    def tracks(self) -> list[Track]:
        """All things seen more than once, in the order in which they came."""
        found = [*self.gone(), *self.present()]
        return sorted(found, key=lambda track: (track.times[0], track.number))

    def _matches(self, time_s: float, things: Sequence[FoundObject]) -> list[tuple[Track, int]]:
        """Which thing goes on with which track, the best overlap first."""
        if not things or not self._alive:
            return []
        expected = np.array([track.expected(time_s) for track in self._alive], np.float32)
        last = np.array([track.boxes[-1] for track in self._alive], np.float32)
        seen = np.array([thing.box for thing in things], np.float32)
        seen = _grown(seen)
        share = np.maximum(overlaps(_grown(expected), seen), overlaps(_grown(last), seen))
        same = np.array([[track.label == t.label for t in things] for track in self._alive])
        share[~same] = 0
        matches: list[tuple[Track, int]] = []
        while share.size and share.max() >= _LEAST_OVERLAP:
            row, column = np.unravel_index(int(share.argmax()), share.shape)
            matches.append((self._alive[row], int(column)))
            share[row, :] = 0
            share[:, column] = 0
        return matches


def _grown(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    size = boxes[:, 2:] - boxes[:, :2]
    grown = np.concatenate([boxes[:, :2] - _GROWTH * size, boxes[:, 2:] + _GROWTH * size], axis=1)
    return np.asarray(grown, dtype=np.float32)
