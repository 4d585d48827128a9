"""What the README says of tests is so."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
README = (TESTS.parent / "README.md").read_text(encoding="utf-8")
_SECTION = README.partition("## What happens when things break")[2].partition("\n## ")[0]
_FAULTS, _, _HOSTILE = _SECTION.partition("| hostile input |")
NAMED = [
    (folder, found)
    for folder, table in (("faults", _FAULTS), ("hostile", _HOSTILE))
    for found in re.findall(r"`([\w/]+\.py(?:::\w+)?)`", table)
]


def test_each_fault_and_each_hostile_input_has_a_row() -> None:
    assert len(re.findall(r"^\| ", _FAULTS, re.MULTILINE)) > 20
    assert len(re.findall(r"^\| ", _HOSTILE, re.MULTILINE)) > 15


@pytest.mark.parametrize(("folder", "named"), NAMED, ids=[named for _, named in NAMED])
def test_a_test_that_is_named_is_there(folder: str, named: str) -> None:
    path, _, function = named.partition("::")
    file = TESTS / (path if "/" in path else f"{folder}/{path}")
    functions = {
        node.name
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert functions
    assert not function or function in functions
