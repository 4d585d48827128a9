"""Questions on paragraphs: SQuAD's JSON, 1.1 and 2.0, as XQuAD has it too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from evals.datasets.classification import split_of
from evals.datasets.reading import Reading, RowError, objects_in, text_in
from evals.task import Dataset

_LANGUAGE = re.compile(r".+\.([a-z]{2})\.json")


def squad(path: Path) -> Dataset:
    """Questions with the paragraph that answers them, from a file or from a folder's files.

    A file has few lines, or one: a bad row's reason names its place instead, as in
    `data[0].paragraphs[2].qas[1]`.

    Returns:
        inputs {"question", "context", "title", "paragraph"}, where the paragraph's id is the
        number of its article and its own, as "0-2". Gold is the list of right answers, empty where
        the paragraph has none. Groups: language and split, where the file's name tells.

    Raises:
        DatasetError: there is no such file, it is of another form, or no question can be read.
    """
    reading = Reading(path, "SQuAD JSON: data[].paragraphs[] with a context and qas[]")
    for file in reading.files("*.json"):
        document = reading.document(file)
        if not isinstance(document, dict) or not isinstance(document.get("data"), list):
            reading.refuse(f"has a file of another form: {file.name!r}")
        language, split = _LANGUAGE.fullmatch(file.name), split_of(file.stem)
        groups = {"lang": language[1]} if language else {}
        groups |= {"split": split} if split else {}
        prefix = language[1] if language else file.stem
        for place, article in reading.nested(file, document, "data"):
            for inner, paragraph in reading.nested(file, article, "paragraphs", place):
                about: dict[str, JsonValue] = {
                    "title": str(article.get("title", "")),
                    "paragraph": "-".join(re.findall(r"\[(\d+)\]", inner)),
                }
                for innermost, question in reading.nested(file, paragraph, "qas", inner):
                    with reading.row(file, 1, innermost):
                        inputs: dict[str, JsonValue] = {
                            "question": text_in(question, "question"),
                            "context": text_in(paragraph, "context"),
                        }
                        id = f"{prefix}:{text_in(question, 'id')}"
                        reading.add(id, inputs | about, _answers(question), groups)
    return reading.dataset()


def _answers(question: Mapping[str, JsonValue]) -> list[JsonValue]:
    """The right answers, each once; none in SQuAD 2.0's questions without an answer."""
    if question.get("is_impossible") is True:
        return []
    answers = [text_in(answer, "text") for answer in objects_in(question, "answers")]
    if not answers:
        raise RowError("has no answer")
    return [*dict.fromkeys(answers)]
