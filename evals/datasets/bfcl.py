"""Function calls: the Berkeley Function-Calling Leaderboard's single-turn files (v4)."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import JsonValue

from evals.datasets.reading import Reading, RowError, list_in, objects_in, text_in
from evals.task import Dataset

_NAME = re.compile(r"BFCL_v\d+_(?P<category>.+)\.jsonl?")


def bfcl(path: Path) -> Dataset:
    """Requests with functions to call, from a folder of `BFCL_v4_*.json` or one such file.

    The right calls lie under the same name in `possible_answer/`. The categories called
    irrelevance and relevance have none: there, no call is right, or any call is.

    Returns:
        inputs {"messages": [{"role", "content"}], "functions"}, the functions as they stand, with
        BFCL's own type names ("dict", "float"). Gold {"call": "these", "calls": [{function:
        {argument: [accepted values]}}]}, in which "" among the accepted values allows to leave an
        argument out, or {"call": "none" | "any", "calls": []}. Group "category".

    Raises:
        DatasetError: there is no such file, or no request that can be read.
    """
    reading = Reading(path, "BFCL_v4_*.json with id, question and function, and possible_answer/")
    for file in reading.files("BFCL_v*.json", "BFCL_v*.jsonl"):
        named = _NAME.fullmatch(file.name)
        if named is None:
            reading.refuse("is not named BFCL_v4_CATEGORY.json")
        category = named["category"]
        answers = _answers(reading, file.parent / "possible_answer" / file.name)
        for line, row in reading.objects(file):
            with reading.row(file, line):
                id = text_in(row, "id")
                inputs: dict[str, JsonValue] = {
                    "messages": _messages(row),
                    "functions": _functions(row),
                }
                gold = _gold(category, answers.get(id))
                reading.add(id, inputs, gold, {"category": category})
    return reading.dataset()


def _answers(reading: Reading, file: Path) -> dict[str, list[JsonValue]]:
    answers: dict[str, list[JsonValue]] = {}
    if file.is_file():
        for line, row in reading.objects(file):
            with reading.row(file, line):
                calls = objects_in(row, "ground_truth")
                if not calls or any(len(call) != 1 for call in calls):
                    raise RowError("has no calls in 'ground_truth', each of one function")
                answers[text_in(row, "id")] = [*calls]
    return answers


def _gold(category: str, calls: list[JsonValue] | None) -> dict[str, JsonValue]:
    if calls is not None:
        return {"call": "these", "calls": calls}
    if "irrelevance" in category:
        return {"call": "none", "calls": []}
    if "relevance" in category:
        return {"call": "any", "calls": []}
    raise RowError("has no possible answer")


def _messages(row: dict[str, JsonValue]) -> list[JsonValue]:
    turns = list_in(row, "question")
    if len(turns) != 1:
        raise RowError(f"has {len(turns)} turns, where only single turns are read")
    messages = objects_in({"question": turns[0]}, "question")
    if not messages:
        raise RowError("has no message")
    return [{"role": text_in(m, "role"), "content": text_in(m, "content")} for m in messages]


def _functions(row: dict[str, JsonValue]) -> list[JsonValue]:
    functions = objects_in(row, "function")
    names = [text_in(function, "name") for function in functions]
    if len(set(names)) < len(names):
        raise RowError("has two functions of one name")
    return [*functions]
