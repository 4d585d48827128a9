"""The time of a request reaches every call of a model that a tool makes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHAT_CALLS = {"complete", "stream", "call"}
PASSED_ON = ("deadline", "ctx.deadline", "self._ctx.deadline")


def _calls() -> Iterator[tuple[str, ast.Call]]:
    """Calls of models in tools/, each with where it is."""
    for file in sorted((ROOT / "tools").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            of = ast.unparse(node.func.value)
            chat = node.func.attr in CHAT_CALLS and of.rpartition(".")[2].strip("_") == "chat"
            if chat or node.func.attr == "predict":
                yield f"{file.relative_to(ROOT)}:{node.lineno} {ast.unparse(node.func)}", node


CALLS = dict(_calls())


def test_the_calls_are_found() -> None:
    assert sum(".predict" in where for where in CALLS) >= 2
    assert sum("chat." in where for where in CALLS) >= 6


@pytest.mark.parametrize("where", CALLS)
def test_a_model_is_given_what_is_left_of_the_requests_time(where: str) -> None:
    given = {word.arg: ast.unparse(word.value) for word in CALLS[where].keywords}
    if "predict" in where:
        assert given.get("deadline") in PASSED_ON
    else:
        assert given.get("timeout_s", "").endswith(".remaining_s()")
