"""The task `retrieval` over a whole service with the packaged encoders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.runner import run_async
from evals.ways import open_in_process, settings_for

CORPUS = {
    "fees/late": ("Fees", "A book that is late costs €0.20 a day."),
    "films.pdf": ("Borrowing", "Films can be kept for seven days."),
    "图书": ("", "学生证丢失后，补办一张需要五欧元。"),
}
QUERIES = {
    "How long may I keep a DVD?": "films.pdf",
    "What does a delay cost?": "fees/late",
    "重新办学生证要多少钱？": "图书",
}

pytestmark = pytest.mark.models


def write_beir(folder: Path) -> Path:
    documents = [{"_id": id, "title": t, "text": text} for id, (t, text) in CORPUS.items()]
    queries = [{"_id": f"q{i}", "text": text} for i, text in enumerate(QUERIES)]
    judged = [f"q{i}\t{id}\t1" for i, id in enumerate(QUERIES.values())]
    folder.mkdir()
    for name, rows in (("corpus", documents), ("queries", queries)):
        lines = (json.dumps(row) for row in rows)
        (folder / f"{name}.jsonl").write_text("\n".join(lines), "utf-8")
    lines = "\n".join(["query-id\tcorpus-id\tscore", *judged])
    (folder / "qrels.tsv").write_text(lines, "utf-8")
    return folder


async def test_each_query_finds_its_document_and_a_run_that_goes_on_adds_none(
    tmp_path: Path,
) -> None:
    data, out = write_beir(tmp_path / "beir"), tmp_path / "run"
    first = await run_async("retrieval", data=data, out=out)
    assert first.figure("recall@1") == 1.0
    assert first.errors == 0

    samples = out / "samples.jsonl"
    kept = samples.read_text("utf-8").splitlines(keepends=True)
    samples.write_text(kept[0], "utf-8")
    again = await run_async("retrieval", data=data, out=out)
    assert again.figure("recall@1") == 1.0
    async with open_in_process(settings_for(out / "service", None)) as way:
        documents = (await way.api("GET", "/v1/kb/documents"))["data"]
    assert len(documents) == len(CORPUS)
