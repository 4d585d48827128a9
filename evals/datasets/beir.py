"""Retrieval: BEIR's corpus.jsonl, queries.jsonl and judgements (qrels)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from evals.datasets.classification import split_of
from evals.datasets.reading import Reading, RowError, text_in
from evals.task import Dataset

_EXPECTED = (
    "corpus.jsonl (_id, title, text), queries.jsonl (_id, text) and qrels.tsv or qrels/*.tsv"
    " (query-id, corpus-id, score)"
)


@dataclass(frozen=True, slots=True)
class Document:
    """One text of a corpus; the title may be empty."""

    id: str
    title: str
    text: str


def beir(path: Path) -> Dataset:
    """The judged queries of a folder. What they search in is `beir_documents(path)`.

    Returns:
        inputs {"query"}, gold {document id: score} with the scores above 0, and the group "split"
        where the judgements' file is named after one. Queries without judgement are of another
        split and left out.

    Raises:
        DatasetError: a file is missing, or no judged query can be read.
    """
    return _read(path)[0]


def beir_documents(path: Path) -> tuple[Document, ...]:
    """The corpus, in the order of the file. Raises DatasetError as `beir` does."""
    return _read(path)[1]


def _read(path: Path) -> tuple[Dataset, tuple[Document, ...]]:
    reading = Reading(path, _EXPECTED)
    if path.is_file():
        reading.refuse("is a file")
    documents: dict[str, Document] = {}
    for file in reading.files("corpus.jsonl"):
        for line, row in reading.objects(file):
            with reading.row(file, line):
                id = text_in(row, "_id")
                if id in documents:
                    raise RowError(f"has the id {id!r} of an earlier row")
                documents[id] = Document(id, str(row.get("title") or ""), text_in(row, "text"))
    queries: dict[str, tuple[Path, int, str]] = {}
    for file in reading.files("queries.jsonl"):
        for line, row in reading.objects(file):
            with reading.row(file, line):
                id = text_in(row, "_id")
                if id in queries:
                    raise RowError(f"has the id {id!r} of an earlier row")
                queries[id] = (file, line, text_in(row, "text"))
    for judgements in reading.files("qrels.tsv", "qrels/*.tsv"):
        split = split_of(judgements.stem)
        for query, gold in _relevant(reading, judgements, queries, documents).items():
            file, line, text = queries[query]
            with reading.row(file, line):
                id = f"{split}:{query}" if split else query
                reading.add(id, {"query": text}, {**gold}, {"split": split} if split else {})
    return reading.dataset(), tuple(documents.values())


def _relevant(
    reading: Reading,
    file: Path,
    queries: dict[str, tuple[Path, int, str]],
    documents: dict[str, Document],
) -> dict[str, dict[str, int]]:
    """The documents that fit each query, with their scores."""
    header, rows = reading.table(file)
    if header != ["query-id", "corpus-id", "score"]:
        reading.refuse(f"has a file with another header: {file.name!r}")
    relevant: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for line, (query, document, score) in rows:
        with reading.row(file, line):
            if query not in queries or document not in documents:
                kind, id = ("query", query) if query not in queries else ("document", document)
                raise RowError(f"judges a {kind} that can't be read: {id[:80]!r}")
            if not score.strip().removeprefix("-").isdecimal() or len(score) > 6:
                raise RowError(f"has {score[:40]!r} for a score")
            if int(score) > 0:
                relevant[query][document] = int(score)
    return dict(relevant)
