"""What commands write: results on stdout, everything about the work on stderr."""

from __future__ import annotations

import contextlib
import difflib
import json
import re
import sys
import traceback
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, NoReturn, TextIO

import typer
from typer.exceptions import TyperException

from model_servers.contracts import SwitchboardError

FAILED = 1
USAGE = 2
UNAVAILABLE = 3

_PIPE_COLUMNS = 240
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class BadUsage(SwitchboardError):
    """The command line asks for something that can't be."""

    code: ClassVar[str] = "bad_usage"
    http_status = 400


def exit_code(error: BaseException) -> int:
    """The code that `switchboard` exits with after an error."""
    if isinstance(error, TyperException):
        return error.exit_code
    if isinstance(error, SwitchboardError):
        if error.http_status == 503:
            return UNAVAILABLE
        return USAGE if error.http_status in (400, 404, 413, 415) else FAILED
    return USAGE if _bad_settings(error) else FAILED


def one_line(error: BaseException) -> str:
    """What went wrong and what to do, in one line."""
    if isinstance(error, SwitchboardError):
        return " ".join(error.message.split())
    if isinstance(error, TyperException):
        context = getattr(error, "ctx", None)
        more = f" (see {context.command_path} --help)" if context is not None else ""
        return " ".join(error.format_message().split()) + more
    wrong = _bad_settings(error)
    if wrong:
        return wrong
    if _debug():
        traceback.print_exception(error, file=sys.stderr)
    return f"internal error: {type(error).__name__} (set SWITCHBOARD_DEBUG=1 for the traceback)"


def _bad_settings(error: BaseException) -> str:
    """What is wrong with a variable of the environment, where that is the error."""
    from pydantic import ValidationError

    if not isinstance(error, ValidationError) or error.title != "Settings":
        return ""
    first = error.errors(include_url=False, include_input=False)[0]
    name = "_".join(str(part) for part in first["loc"]).upper()
    return f"SWITCHBOARD_{name}: {first['msg']}."


def _debug() -> bool:
    from orchestrator.settings import get_settings

    try:
        return get_settings().debug
    except ValueError:
        return False


def fail(error: SwitchboardError) -> NoReturn:
    """Say in one line on stderr what went wrong, and exit with its code."""
    note(one_line(error))
    raise typer.Exit(exit_code(error))


def suggestion(name: str, known: Iterable[str]) -> str:
    """A hint for a name that is not there."""
    names = list(known)
    close = difflib.get_close_matches(name, names)
    if not close:
        return f"there are: {', '.join(names)}."
    # Swapped letters first: "aks" is rather "ask" than "tasks".
    best = min(close, key=lambda other: sorted(other) != sorted(name))
    return f"did you mean {best!r}?"


def printable(text: str) -> str:
    """The text without control characters: a document must not steer the reader's terminal."""
    return _UNPRINTABLE.sub("", text)


def put(text: str, *, end: str = "\n") -> None:
    """Write to stdout, at once."""
    _write(sys.stdout, text + end)


def note(text: str) -> None:
    """Write a line to stderr; what it is about goes on where nobody can read it any more."""
    with contextlib.suppress(BrokenPipeError):
        _write(sys.stderr, f"switchboard: {text}\n")


def put_json(value: Any) -> None:
    """Write one JSON value, and nothing else, to stdout."""
    ascii_only = (sys.stdout.encoding or "utf-8").lower().replace("-", "") != "utf8"
    put(json.dumps(value, ensure_ascii=ascii_only, indent=2 if sys.stdout.isatty() else None))


def put_table(head: Sequence[str], rows: Iterable[Sequence[str]], *, aligned: bool = False) -> None:
    """Write rows in columns on a terminal; into a pipe with tabs between them, if not `aligned`."""
    cells = [[printable(" ".join(cell.split())) for cell in row] for row in rows]
    on_terminal = sys.stdout.isatty()
    if not on_terminal and not aligned:
        for row in cells:
            put("\t".join(row))
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for title in head:
        table.add_column(title, overflow="fold")
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    Console(width=None if on_terminal else _PIPE_COLUMNS).print(table)


def _write(stream: TextIO, text: str) -> None:
    if stream.isatty():
        text = printable(text)
    encoding = stream.encoding or "utf-8"
    # A terminal of another encoding, or a lone surrogate, must not end in a traceback.
    stream.write(text.encode(encoding, errors="replace").decode(encoding))
    stream.flush()
