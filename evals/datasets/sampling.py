"""Parts of a dataset: by split, and drawn with a seed so that the same seed draws the same."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from evals.datasets.reading import DatasetError
from evals.task import Dataset, Sample


def split(dataset: Dataset, name: str) -> Dataset:
    """The samples of one split ("train", "val", "test"), without their group "split".

    Raises DatasetError where the dataset has no such split.
    """
    found = [sample for sample in dataset.samples if sample.groups.get("split") == name]
    if not found:
        there = sorted({s.groups["split"] for s in dataset.samples if "split" in s.groups})
        raise DatasetError(
            f"{dataset.name!r} has no {name!r} split. It has {', '.join(there) or 'none'};"
            f" name a file after it, as in {name}.csv."
        )
    return _part(
        dataset,
        (
            sample.model_copy(
                update={"groups": {k: v for k, v in sample.groups.items() if k != "split"}}
            )
            for sample in found
        ),
    )


def limited(dataset: Dataset, n: int, seed: int) -> Dataset:
    """At most `n` samples, every label and group by its share, in the order of the files.

    The same seed draws the same, and a larger `n` adds to what a smaller one drew.
    """
    ranks = _ranks(dataset, seed)
    drawn = {
        sample.id for sample in sorted(dataset.samples, key=lambda s: ranks[s.id])[: max(n, 0)]
    }
    return _part(dataset, (sample for sample in dataset.samples if sample.id in drawn))


def divided(dataset: Dataset, share: float, seed: int) -> tuple[Dataset, Dataset]:
    """Two parts, the first with that share of the samples, of every label and group alike."""
    first = limited(dataset, round(len(dataset.samples) * share), seed)
    taken = {sample.id for sample in first.samples}
    return first, _part(dataset, (sample for sample in dataset.samples if sample.id not in taken))


def per_label(dataset: Dataset, n: int, seed: int) -> Dataset:
    """At most `n` samples of each label (a gold that is text), in the order of the files."""
    by_label: defaultdict[str, list[str]] = defaultdict(list)
    for sample in dataset.samples:
        by_label[str(sample.gold)].append(sample.id)
    drawn: set[str] = set()
    for label, ids in by_label.items():
        drawn.update(_random(seed, label).sample(ids, min(n, len(ids))))
    return _part(dataset, (sample for sample in dataset.samples if sample.id in drawn))


def _ranks(dataset: Dataset, seed: int) -> Mapping[str, float]:
    """A place from 0 to 1 for each sample, such that the n lowest are a stratified draw.

    Systematic sampling: a stratum of m samples, shuffled, stands at (r + u) / m for r = 0 … m-1,
    with one random u a stratum, so that any prefix holds each stratum by its share.
    """
    golds = Counter(sample.gold for sample in dataset.samples if isinstance(sample.gold, str))
    strata: defaultdict[str, list[str]] = defaultdict(list)
    for sample in dataset.samples:
        # A gold that stands once is no label, but a translation or a transcript.
        label = sample.gold if isinstance(sample.gold, str) and golds[sample.gold] > 1 else ""
        strata[repr((label, sorted(sample.groups.items())))].append(sample.id)
    ranks: dict[str, float] = {}
    for stratum, ids in strata.items():
        draw = _random(seed, stratum)
        start = draw.random()
        shuffled = draw.sample(ids, len(ids))
        ranks.update((id, (place + start) / len(ids)) for place, id in enumerate(shuffled))
    return ranks


def _random(seed: int, name: str) -> random.Random:
    """Seeded by text, not by hash(), which differs from process to process."""
    return random.Random(f"{seed}:{name}")  # noqa: S311


def _part(dataset: Dataset, samples: Iterable[Sample]) -> Dataset:
    return replace(dataset, samples=tuple(samples))
