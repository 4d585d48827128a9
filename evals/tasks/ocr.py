"""Pictures and what is written on them."""

from __future__ import annotations

from pathlib import Path

import evals
from evals.datasets import printed_pages, written_pictures
from evals.metrics import ErrorRates, ExactTranscripts, printed_words
from evals.task import Dataset, EvalTask, Prediction, Sample, Way
from evals.tasks._files import sent
from evals.tasks._printed import printed_page

OWN_PAGES = Path(evals.__file__).parent / "data" / "printed_pages.jsonl"
"""Short pages in four languages and six fonts, some of them small, noisy or turned."""


def _load(path: Path, _seed: int) -> Dataset:
    return printed_pages(path) if path == OWN_PAGES else written_pictures(path)


async def _solve(sample: Sample, way: Way) -> Prediction:
    page = sample.inputs.get("page")
    image = await (printed_page(page) if page else sent(sample.inputs["image"]))
    found = await way.invoke("read_text", {"image": image})
    return Prediction(value={"text": found["data"]["text"]})


TASK = EvalTask(
    name="ocr",
    version="1",
    summary="What is written on pictures, to the letter",
    load=_load,
    solve=_solve,
    metrics=(ErrorRates(printed_words), ExactTranscripts(printed_words)),
    headline="cer",
    default_data=OWN_PAGES,
)
