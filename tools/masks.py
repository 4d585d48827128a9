"""Masks of things in a picture: people by a network, whatever else by its colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from model_servers.object_mask import BoxInPicture
from tools.contracts import RunContext
from tools.detect_objects import FoundObject

if TYPE_CHECKING:
    from model_servers.images import Image

MaskMethod = Literal["network", "colours", "box"]
Box = tuple[float, float, float, float]

PERSON = "person"
SCENE = "scene"
MOST_OBJECTS = 12
"""Of one picture; the surest ones."""
_LEAST_SHARE = 0.1
"""Of its box that an object fills; with less its colours did not tell it from what is around."""
_AROUND = 0.3
_SURE = 0.5
_SMALL = 0.6
"""A person whose box takes less than this of the picture's sides is looked at by itself."""


@dataclass(frozen=True, slots=True)
class FoundMask:
    """A thing's points in the whole picture.

    `alpha` (h, w) is from 0 to 1: soft at the edges where a network drew it. `method` says how:
    "colours" is approximate, and "box" means that the colours told nothing, so that it is the
    whole box.
    """

    label: str
    score: float
    box: Box
    alpha: NDArray[np.float32]
    method: MaskMethod

    @property
    def inside(self) -> NDArray[np.bool_]:
        return self.alpha >= _SURE


async def mask_kind(image: Image, kind: str, ctx: RunContext) -> FoundMask | None:
    """All points of one kind of thing ("wall", "sky"), where the profile tells kinds apart.

    None where the picture shows none of it, or where the network doesn't know the kind. It tells
    no probability, so the mask's `score` is the share of its box that the kind fills.
    """
    (scene,) = await ctx.models.predict(SCENE, [image], deadline=ctx.deadline)
    wanted = kind.casefold()
    places = [n for n, name in enumerate(scene.names) if wanted in _synonyms(name)]
    inside = np.isin(scene.kinds, places)
    if not inside.any():
        return None
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    box = (float(left), float(top), float(right), float(bottom))
    filled = round(float(inside[top:bottom, left:right].mean()), 4)
    return FoundMask(kind, filled, box, inside.astype(np.float32), "network")


def _synonyms(name: str) -> set[str]:
    """ADE20K's names are several words for one kind, such as "floor, flooring"."""
    return {word.strip().casefold() for word in name.replace(";", ",").split(",")}


async def mask_people(
    image: Image, people: Sequence[FoundObject], ctx: RunContext
) -> list[FoundMask]:
    """A mask for each person found.

    The network takes whatever stands out for a person, so it is asked only where one was found;
    and it is made for people who fill a picture: a smaller one is cut out for it first.
    """
    if not people:
        return []
    height, width = image.shape[:2]
    people = people[:MOST_OBJECTS]
    parts = [_around(person.box, width, height) for person in people]
    cut = [np.ascontiguousarray(image[y0:y1, x0:x1]) for x0, y0, x1, y1 in parts]
    alphas = await ctx.models.predict("person-mask", cut, deadline=ctx.deadline)
    found = []
    for person, (x0, y0, x1, y1), alpha in zip(people, parts, alphas, strict=True):
        whole = np.zeros((height, width), np.float32)
        whole[y0:y1, x0:x1] = alpha
        kept = _only_inside(whole, person.box)
        found.append(_checked(person, kept, "network"))
    return found


async def mask_objects(
    image: Image, objects: Sequence[FoundObject], ctx: RunContext
) -> list[FoundMask]:
    """An approximate mask for each thing, by how its colours differ from what is around it."""
    objects = objects[:MOST_OBJECTS]
    items = [BoxInPicture(image, thing.box) for thing in objects]
    masks = await ctx.models.predict("object-mask", items, deadline=ctx.deadline)
    return [
        _checked(thing, mask.astype(np.float32), "colours")
        for thing, mask in zip(objects, masks, strict=True)
    ]


def joint_alpha(masks: Sequence[FoundMask]) -> NDArray[np.float32]:
    """What any of the masks covers."""
    return np.asarray(np.maximum.reduce([mask.alpha for mask in masks]), dtype=np.float32)


def cut_out(image: Image, alpha: NDArray[np.float32]) -> Image:
    """The part of the picture that a mask covers, (h, w, 4), transparent elsewhere."""
    rows, columns = np.nonzero(alpha >= 0.02)
    if not len(rows):
        rows, columns = np.array([0]), np.array([0])
    frame = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    opacity = np.round(alpha[frame] * 255).astype(np.uint8)
    return np.dstack([image[frame], opacity])


def mask_picture(alpha: NDArray[np.float32]) -> Image:
    """A mask as a picture (h, w, 4): white where it is, transparent where it is not."""
    opacity = np.round(alpha * 255).astype(np.uint8)
    return np.dstack([np.full((*alpha.shape, 3), 255, np.uint8), opacity])


def _around(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """The part of the picture to look at for a person: all of it where the person fills it."""
    left, top, right, bottom = box
    if right - left > _SMALL * width and bottom - top > _SMALL * height:
        return 0, 0, width, height
    space = _AROUND * max(right - left, bottom - top)
    return (
        max(0, int(left - space)),
        max(0, int(top - space)),
        min(width, int(right + space) + 1),
        min(height, int(bottom + space) + 1),
    )


def _only_inside(alpha: NDArray[np.float32], box: Box) -> NDArray[np.float32]:
    """The mask within its box, and a little around it: boxes cut hands and feet off."""
    left, top, right, bottom = box
    space_x, space_y = 0.06 * (right - left), 0.06 * (bottom - top)
    kept = np.zeros_like(alpha)
    frame = np.s_[
        max(0, int(top - space_y)) : int(bottom + space_y) + 1,
        max(0, int(left - space_x)) : int(right + space_x) + 1,
    ]
    kept[frame] = alpha[frame]
    return kept


def _checked(thing: FoundObject, alpha: NDArray[np.float32], method: MaskMethod) -> FoundMask:
    """The mask, or its whole box where it is next to nothing."""
    left, top, right, bottom = thing.box
    area = max((right - left) * (bottom - top), 1.0)
    if float(alpha.sum()) >= _LEAST_SHARE * area:
        return FoundMask(thing.label, thing.score, thing.box, alpha, method)
    whole = np.zeros_like(alpha)
    whole[int(top) : int(bottom) + 1, int(left) : int(right) + 1] = 1.0
    return FoundMask(thing.label, thing.score, thing.box, whole, "box")
