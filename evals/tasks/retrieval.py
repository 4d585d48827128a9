"""Queries and the documents that answer them, out of a corpus in the knowledge base."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from evals.datasets import Document, beir, beir_documents
from evals.metrics import Ranking
from evals.task import Dataset, EvalTask, Prediction, Sample, Way
from evals.tasks._library import fill, search

_PASSAGES = 30
"""A document may have several; ten documents are judged."""
_CORPORA: dict[str, tuple[Document, ...]] = {}


def _load(path: Path, _seed: int) -> Dataset:
    dataset = beir(path)
    collection = f"eval-{dataset.version}"
    _CORPORA[collection] = beir_documents(path)
    samples = (s.model_copy(update={"inputs": {**s.inputs, "collection": collection}})
               for s in dataset.samples)  # fmt: skip
    return replace(dataset, samples=tuple(samples))


async def _solve(sample: Sample, way: Way) -> Prediction:
    collection = str(sample.inputs["collection"])
    await fill(way, collection, _CORPORA[collection])
    begun = time.monotonic()  # of the search alone: the corpus is taken in once a run
    found = await search(way, collection, str(sample.inputs["query"]), _PASSAGES)
    return Prediction(value=list(found[:10]), seconds=round(time.monotonic() - begun, 4))


TASK = EvalTask("retrieval", "1", "The right documents among the first", _load, _solve,
                (Ranking(),), "recall@5",
                data_form="a BEIR folder with corpus, queries and qrels")  # fmt: skip
