"""Boxes around objects: how much two overlap, and one answer from several networks' answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


class Boxes(NamedTuple):
    """n boxes: (n, 4) left, top, right, bottom in pixels; a score (n) and a class (n) each."""

    edges: Floats
    scores: Floats
    classes: Integers

    def at(self, places: Integers | NDArray[np.bool_]) -> Boxes:
        """Those at these places, in that order."""
        return Boxes(self.edges[places], self.scores[places], self.classes[places])


def no_boxes() -> Boxes:
    return Boxes(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))


def join(some: Sequence[Boxes]) -> Boxes:
    """All of them in one, in order."""
    if not some:
        return no_boxes()
    return Boxes(
        np.concatenate([boxes.edges for boxes in some]),
        np.concatenate([boxes.scores for boxes in some]),
        np.concatenate([boxes.classes for boxes in some]),
    )


def overlaps(first: Floats, second: Floats) -> Floats:
    """Intersection over union of each of n boxes with each of m, shape (n, m)."""
    near = np.maximum(first[:, None, :2], second[None, :, :2])
    far = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.clip(far - near, 0, None).prod(axis=2)
    areas = [np.clip(b[:, 2:] - b[:, :2], 0, None).prod(axis=1) for b in (first, second)]
    union = areas[0][:, None] + areas[1][None, :] - shared
    return np.asarray(shared / np.maximum(union, 1e-9), dtype=np.float32)


def suppress(boxes: Boxes, overlap: float) -> Boxes:
    """Of boxes of one class that overlap by more than `overlap`, only the surest; surest first."""
    order = np.argsort(-boxes.scores, kind="stable")
    boxes = boxes.at(order)
    kept: list[int] = []
    alive = np.ones(len(boxes.scores), bool)
    for i in range(len(boxes.scores)):
        if alive[i]:
            kept.append(i)
            rest = np.flatnonzero(alive[i + 1 :] & (boxes.classes[i + 1 :] == boxes.classes[i]))
            rest += i + 1
            close = overlaps(boxes.edges[i : i + 1], boxes.edges[rest])[0] > overlap
            alive[rest[close]] = False
    return boxes.at(np.array(kept, np.int64))


def fuse(answers: Sequence[Boxes], overlap: float) -> Boxes:
    """Weighted boxes fusion (Solovyev, Wang and Gabruseva, 2021), surest first.

    Boxes of one class that overlap become one: their mean, weighted by their scores. Its score is
    the mean of theirs, lowered in proportion where fewer boxes than networks agreed.

    Args:
        answers: what each network found, after its own suppression.
        overlap: from how much on two boxes are taken for the same object.
    """
    boxes = join(answers)
    boxes = boxes.at(np.argsort(-boxes.scores, kind="stable"))
    groups: list[list[int]] = []
    means: list[Floats] = []
    classes: list[int] = []
    for i, kind in enumerate(boxes.classes):
        same = [g for g, other in enumerate(classes) if other == kind]
        found = None
        if same:
            close = overlaps(boxes.edges[i : i + 1], np.stack([means[g] for g in same]))[0]
            best = int(close.argmax())
            found = same[best] if close[best] > overlap else None
        if found is None:
            groups.append([i])
            means.append(boxes.edges[i])
            classes.append(int(kind))
        else:
            groups[found].append(i)
            weights = boxes.scores[groups[found]][:, None]
            means[found] = (boxes.edges[groups[found]] * weights).sum(axis=0) / weights.sum()
    if not groups:
        return no_boxes()
    scores = [
        boxes.scores[group].mean() * min(len(group), len(answers)) / len(answers)
        for group in groups
    ]
    fused = Boxes(
        np.stack(means).astype(np.float32),
        np.array(scores, np.float32),
        np.array(classes, np.int64),
    )
    return fused.at(np.argsort(-fused.scores, kind="stable"))
