"""Whether names are found where they stand, and as what they are. An entity counts whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from pydantic import JsonValue

from evals.metrics.additive import AdditiveMetric, Array, Parts, precision_recall_f1, ratio
from evals.metrics.forms import MetricError, check_pairs, read_list, shown

Span = tuple[int, int, str]
"""Begin, end and label."""


class TaggedEntities(AdditiveMetric):
    """Entities over IOB2 tags, by seqeval in its strict mode: a tag sequence that IOB2 does not
    allow makes no entity.

    Golds and predictions are lists of tags, or {"tags": [...]}, one tag a token; an error finds
    nothing. Figures: micro precision, recall and f1; macro_f1, over the labels among the golds;
    precision/L, recall/L and f1/L for each of them.
    """

    name = "entities"

    def __call__(
        self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]
    ) -> dict[str, float]:
        from seqeval.metrics import classification_report
        from seqeval.scheme import IOB2

        wanted, found = _tags(golds, predictions)
        labels = _begun(wanted)
        if not labels and not _begun(found):
            return {}
        report = classification_report(
            wanted, found, mode="strict", scheme=IOB2, output_dict=True, zero_division=0
        )
        figures = {
            part: float(report["micro avg"][name])
            for part, name in zip(_PARTS, _SEQEVAL, strict=True)
        }
        if labels:
            figures["macro_f1"] = float(np.mean([report[label]["f1-score"] for label in labels]))
        for label in sorted(labels):
            for part, name in zip(_PARTS, _SEQEVAL, strict=True):
                figures[f"{part}/{label}"] = float(report[label][name])
        return figures

    def parts(self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]) -> Parts:
        wanted, found = _tags(golds, predictions)
        return _parts(_spans_of(wanted), _spans_of(found))


class SpanEntities(AdditiveMetric):
    """The same figures over spans with offsets: begin, end and label must all be right.

    Golds and predictions are lists of {"start", "end", "label"}, or {"entities": [...]}. What
    is found twice is wrong once.
    """

    name = "spans"

    def parts(self, golds: Sequence[JsonValue], predictions: Sequence[JsonValue]) -> Parts:
        return _parts([*map(_spans, golds)], [*map(_spans, predictions)])


_PARTS = ("precision", "recall", "f1")
_SEQEVAL = ("precision", "recall", "f1-score")


def _parts(wanted: Sequence[Sequence[Span]], found: Sequence[Sequence[Span]]) -> Parts:
    labels = sorted({span[2] for spans in (*wanted, *found) for span in spans})
    known = {span[2] for spans in wanted for span in spans}
    size, ids = len(labels), {label: i for i, label in enumerate(labels)}
    columns = np.zeros((len(wanted), 3 * size))
    for row, gold, given in zip(columns, map(Counter, wanted), map(Counter, found), strict=True):
        for block, spans in enumerate((gold & given, given, gold)):
            for (*_, label), count in spans.items():
                row[block * size + ids[label]] += count

    def figures(sums: Array) -> dict[str, Array]:
        if not size:
            return {}
        matched, predicted, gold = (sums[:, i * size : (i + 1) * size] for i in range(3))
        nothing = predicted.sum(1) + gold.sum(1) == 0
        micro = precision_recall_f1(matched.sum(1), predicted.sum(1), gold.sum(1))
        figures = {
            part: np.where(nothing, np.nan, values)
            for part, values in zip(_PARTS, micro, strict=True)
        }
        # A label that a resample lacks says nothing there.
        absent = gold == 0
        classes = [
            np.where(absent, np.nan, values)
            for values in precision_recall_f1(matched, predicted, gold)
        ]
        if known:
            total = np.nansum(classes[2], axis=1)
            figures["macro_f1"] = ratio(total, (~absent).sum(axis=1).astype(float))
        for label in sorted(known):
            for part, values in zip(_PARTS, classes, strict=True):
                figures[f"{part}/{label}"] = values[:, ids[label]]
        return figures

    return Parts(columns, figures)


def _tags(
    golds: Sequence[JsonValue], predictions: Sequence[JsonValue]
) -> tuple[list[list[str]], list[list[str]]]:
    check_pairs(golds, predictions)
    wanted = [[str(tag) for tag in read_list(gold, "tags")] for gold in golds]
    found = [
        ["O"] * len(tags) if given is None else [str(tag) for tag in read_list(given, "tags")]
        for tags, given in zip(wanted, predictions, strict=True)
    ]
    for tags, given in zip(wanted, found, strict=True):
        if len(tags) != len(given):
            raise MetricError(f"There are {len(tags)} tokens and {len(given)} predicted tags.")
        for tag in (*tags, *given):
            if tag != "O" and not (tag[:2] in ("B-", "I-") and len(tag) > 2):
                raise MetricError(f"{shown(tag)} is no IOB2 tag: O, B-LABEL or I-LABEL.")
    return wanted, found


def _begun(sequences: list[list[str]]) -> set[str]:
    """The labels of the entities: in IOB2 each begins with a B-."""
    return {tag[2:] for tags in sequences for tag in tags if tag.startswith("B-")}


def _spans_of(sequences: list[list[str]]) -> list[list[Span]]:
    """Entities as seqeval reads them, with token offsets."""
    from seqeval.scheme import IOB2, Entities

    return [
        [(entity.start, entity.end, entity.tag) for entity in entities]
        for entities in Entities(sequences, IOB2).entities
    ]


def _spans(value: JsonValue) -> list[Span]:
    spans: list[Span] = []
    for item in read_list(value, "entities"):
        match item:
            case {"start": int(start), "end": int(end), "label": str(label)}:
                spans.append((start, end, label))
            case _:
                raise MetricError(f'An entity is {{"start", "end", "label"}}, not {shown(item)}.')
    return spans
