"""Questions on the articles of a SQuAD set, some of them without the paragraph that answers."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from evals.datasets import squad
from evals.task import Dataset, Sample

TAKEN_AWAY = 0.2
"""The share of questions whose paragraph is not there."""


def questions(path: Path, seed: int) -> Dataset:
    """inputs {"question", "context"}, the context being the article's paragraphs, each under its
    id; gold {"answers", "lang", "citations"}, the latter the paragraph's id.

    Of some questions, drawn with `seed`, the paragraph is taken away: they have no answer. A
    question whose answer stands in another paragraph, too, keeps its own.
    """
    dataset = squad(path)
    articles: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for sample in dataset.samples:
        articles[_article(sample)][str(sample.inputs["paragraph"])] = str(sample.inputs["context"])
    made = (_made(sample, articles[_article(sample)], seed) for sample in dataset.samples)
    return replace(dataset, samples=tuple(made))


def _made(sample: Sample, article: dict[str, str], seed: int) -> Sample:
    own = str(sample.inputs["paragraph"])
    answers = [str(answer) for answer in sample.gold] if isinstance(sample.gold, list) else []
    rest = {id_: text for id_, text in article.items() if id_ != own}
    drawn = random.Random(f"{seed}:{sample.id}").random() < TAKEN_AWAY  # noqa: S311 - no secret
    elsewhere = any(answer.lower() in text.lower() for answer in answers for text in rest.values())
    away = drawn and bool(rest) and bool(answers) and not elsewhere
    known = bool(answers) and not away
    shown = rest if away else article
    return sample.model_copy(
        update={
            "inputs": {
                "question": sample.inputs["question"],
                "context": "\n\n".join(f"# {id_}\n\n{text}" for id_, text in shown.items()),
            },
            "gold": {
                "answers": list(answers) if known else [],
                "lang": sample.groups.get("lang", "en"),
                "citations": [own] if known else [],
            },
            "groups": {**sample.groups, "passage": "taken away" if away else "there"},
        }
    )


def _article(sample: Sample) -> str:
    """Unique over the files: the ids of two files' paragraphs are the same."""
    return f"{sample.id.rpartition(':')[0]}:{str(sample.inputs['paragraph']).partition('-')[0]}"
