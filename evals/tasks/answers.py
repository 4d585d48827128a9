"""Answers from documents, with their citations, or "I don't know"."""

from __future__ import annotations

import re

from evals.metrics import Citations, SquadAnswers
from evals.task import EvalTask, Prediction, Sample, Way
from evals.tasks._golds import only_extracts
from evals.tasks._paragraphs import questions

_MARK = re.compile(r"\s*\[\d+\]")


async def _solve(sample: Sample, way: Way) -> Prediction:
    data = (await way.invoke("answer_question", sample.inputs))["data"]
    # The heading under which a passage stands is its paragraph's id.
    cited = [citation["heading"][0] for citation in data["citations"] if citation["heading"]]
    whole = _MARK.sub("", data["answer"]) if data["known"] else None
    # The words that the answer rests on are as short as SQuAD's answers; its sentences are not.
    value = {
        "answer": data["extract"] or whole,
        "whole": whole,
        "citations": list(dict.fromkeys(cited)),
    }
    return Prediction(value=value, details={"said": data["answer"]})


TASK = EvalTask(
    name="answers",
    version="2",
    summary="Short answers from an article, cited, or none where its passage was taken away",
    load=questions,
    solve=_solve,
    metrics=(SquadAnswers(), Citations()),
    headline="f1",
    unmatchable=only_extracts,
    data_form="SQuAD JSON, a file or a folder",
)
