"""The error tree as it is drawn, and the shape in which errors leave."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from model_servers.contracts import DeadlineExceeded, ModelBusy, SwitchboardError
from orchestrator import errors
from tools.errors import NotFound

ROOT = Path(__file__).parents[2]
_LINE = re.compile(
    r"^    [│ ├└─]*(?P<name>\w+) +(?P<code>\w+) +(?P<status>\d{3})(?: +(?P<retry>retryable))?"
)


class Drawn(NamedTuple):
    name: str
    code: str
    status: int
    retryable: bool


def _classes() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Name, first base and literal class attributes of every class in our packages."""
    for package in ("model_servers", "tools", "orchestrator", "evals"):
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef) and node.bases:
                    base = node.bases[0]
                    name = base.id if isinstance(base, ast.Name) else ""
                    yield node.name, name, dict(_attributes(node))


def _attributes(node: ast.ClassDef) -> Iterator[tuple[str, object]]:
    for line in node.body:
        targets = line.targets if isinstance(line, ast.Assign) else [getattr(line, "target", None)]
        value = getattr(line, "value", None)
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(value, ast.Constant):
                yield target.id, value.value


def _written() -> set[Drawn]:
    """Every error class of the packages, as its code has it."""
    listed = [*_classes()]
    by_name = {name: (base, own) for name, base, own in listed}
    root = {"code": "internal_error", "http_status": 500, "retryable": False}
    found = {Drawn("SwitchboardError", "internal_error", 500, False)}
    for name, first_base, own in listed:
        base, attributes = first_base, own
        while base in by_name and base != "SwitchboardError":
            base, inherited = by_name[base]
            attributes = inherited | attributes
        if base == "SwitchboardError":
            is_ = root | attributes
            found.add(Drawn(name, is_["code"], is_["http_status"], is_["retryable"]))
    return found


def test_the_tree_is_drawn_as_it_is() -> None:
    drawn = {
        Drawn(match["name"], match["code"], int(match["status"]), match["retry"] is not None)
        for match in map(_LINE.match, (errors.__doc__ or "").split("\n"))
        if match is not None
    }
    written = _written()
    assert len(written) > 20
    assert drawn == written, "orchestrator/errors.py draws the errors at its top"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.BadRequest("No.", param="n"), "invalid_request_error"),
        (errors.AuthenticationFailed("No."), "authentication_error"),
        (errors.PermissionDenied("No."), "permission_error"),
        (NotFound("No."), "not_found_error"),
        (ModelBusy("No."), "rate_limit_error"),
        (DeadlineExceeded("No."), "server_error"),
        (SwitchboardError("No."), "server_error"),
    ],
)
def test_the_shape_is_openais(error: SwitchboardError, kind: str) -> None:
    assert errors.to_openai(error) == {
        "error": {"message": "No.", "type": kind, "param": error.param, "code": error.code}
    }
