"""Golds that no prediction can match: a run tells of each, and each counts against it still."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from evals.metrics.plans import HANDOFF
from evals.task import Sample
from model_servers.coco_labels import COCO_LABELS

Unmatchable = Callable[[Sample], str | None]
_SHOWN = 5


def only_labels(labels: Collection[str]) -> Unmatchable:
    """A gold is one of these labels, or None."""

    def reason(sample: Sample) -> str | None:
        if sample.gold is None or sample.gold in labels:
            return None
        return f"{sample.gold!r} is none of the labels {_named(labels)}"

    return reason


def only_tags(labels: Collection[str]) -> Unmatchable:
    """A gold is a list of IOB2 tags of entities with these labels."""

    def reason(sample: Sample) -> str | None:
        tags: Any = sample.gold
        foreign = {tag.partition("-")[2] for tag in tags if tag != "O"} - {*labels}
        return f"{_named(foreign)} is none of {_named(labels)}" if foreign else None

    return reason


def only_objects(sample: Sample) -> str | None:
    """Why not all boxes can be found: some have labels that the detector has never learnt."""
    boxes: Any = sample.gold
    foreign = {box["label"] for box in boxes} - {*COCO_LABELS}
    return f"{_named(foreign)} is none of the {len(COCO_LABELS)} kinds" if foreign else None


def only_tools(known: Callable[[Sample], Collection[str]]) -> Unmatchable:
    """A gold plan, or one of its alternatives, has none but the tools that the sample knows."""

    def reason(sample: Sample) -> str | None:
        gold: Any = sample.gold
        plans = [[step["tool"] for step in gold["steps"]], *gold["alternatives"]]
        foreign = [{*tools} - {HANDOFF, *known(sample)} for tools in plans]
        return f"there is no tool {_named(foreign[0])}" if all(foreign) else None

    return reason


def only_functions(sample: Sample) -> str | None:
    """Why no calls can be a gold of calls: it calls a function that the sample does not have."""
    gold: Any = sample.gold
    known: Any = sample.inputs["functions"]
    foreign = {name for call in gold["calls"] for name in call} - {one["name"] for one in known}
    return f"there is no function {_named(foreign)}" if foreign else None


def only_extracts(sample: Sample) -> str | None:
    """Why no words of the passages can be the answer: none of the golds stands there."""
    gold: Any = sample.gold
    text = str(sample.inputs["context"]).casefold()
    if not gold["answers"] or any(str(answer).casefold() in text for answer in gold["answers"]):
        return None
    return f"no passage holds {_named(gold['answers'])}"


def _named(words: Collection[str]) -> str:
    listed = sorted(words)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(map(repr, listed[:_SHOWN])) + more
