"""`switchboard trace`: how a request was worked on, as a tree."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from orchestrator.client import Client
from orchestrator.commands.output import BadUsage, note, printable, put_json, put_table
from orchestrator.settings import get_settings
from orchestrator.trace import Trace, TracedSpan

if TYPE_CHECKING:
    from rich.text import Text
    from rich.tree import Tree

_PATH = "/v1/traces"
_PIPE_COLUMNS = 160
_BAR_CELLS = 12
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_FIRST = ("id", "tool", "model", "version", "by", "path")
"""What a span is about, told first and without its name."""


def trace(
    trace_id: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID|last]",
            help="An outcome's, a task's or an HTTP request's id; nothing lists the newest.",
            show_default=False,
        ),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Show one request as a tree of route, plan, steps and model calls.

    With times, sizes and model versions; no text that was sent or answered.
    """
    with Client(get_settings(), say=note) as client:
        if trace_id is None:
            _list(client.json("GET", _PATH)["data"], as_json=as_json)
            return
        if trace_id == "last":
            newest = client.json("GET", _PATH, params={"limit": "1"})["data"]
            if not newest:
                raise BadUsage("There is no trace yet; ask for something first.")
            trace_id = newest[0]["id"]
        found = client.json("GET", f"{_PATH}/{quote(str(trace_id), safe='')}")
    if as_json:
        put_json(found)
    else:
        _draw(Trace.model_validate(found))


def _list(traces: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        put_json(traces)
        return
    put_table(
        ("id", "begun", "took", "path", "tools", "error"),
        (
            (
                trace["id"],
                trace["begun_at"][:19].replace("T", " "),
                _time(trace["duration_ms"]),
                str(trace["attributes"].get("path", "")),
                ", ".join(trace["attributes"].get("tools", ())),
                trace["error"] or "",
            )
            for trace in traces
        ),
    )


def _draw(trace: Trace) -> None:
    from rich.console import Console

    on_terminal = sys.stdout.isatty()
    console = Console(width=None if on_terminal else _PIPE_COLUMNS, highlight=False)
    console.print(tree_of(trace))


def tree_of(trace: Trace) -> Tree:
    """The trace as rich draws it: a line for each span, with when it ran and how long."""
    from rich.tree import Tree

    whole = max(trace.duration_ms, 0.001)
    root = TracedSpan(
        name=trace.kind,
        start_ms=0,
        duration_ms=trace.duration_ms,
        error=trace.error,
        attributes={"id": trace.id, "request_id": trace.request_id} | trace.attributes,
        spans=trace.spans,
    )
    tree = Tree(_line(root, whole), guide_style="dim")
    _grow(tree, root.spans, whole)
    if trace.dropped_spans:
        tree.add(f"{trace.dropped_spans} more are not kept")
    return tree


def _grow(tree: Tree, spans: tuple[TracedSpan, ...], whole_ms: float) -> None:
    for span in spans:
        _grow(tree.add(_line(span, whole_ms)), span.spans, whole_ms)


def _line(span: TracedSpan, whole_ms: float) -> Text:
    from rich.text import Text

    about = span.attributes
    line = Text(f"{_bar(span, whole_ms)} {_time(span.duration_ms):>8} ", style="cyan")
    line.append(span.name, style="bold")
    for name in _FIRST:
        if name in about:
            line.append(f" {_value(about[name])}", style="default")
    if span.error is not None:
        line.append(f"  {printable(span.error)}", style="bold red")
    for name, value in about.items():
        if name not in _FIRST and value not in (None, {}, [], False):
            line.append(f"  {name}=", style="dim").append(_value(value), style="default")
    return line


def _bar(span: TracedSpan, whole_ms: float) -> str:
    """When it ran, within the whole, in eighths of a cell."""
    begin = min(1.0, span.start_ms / whole_ms) * _BAR_CELLS
    end = min(1.0, (span.start_ms + span.duration_ms) / whole_ms) * _BAR_CELLS
    cells = (max(0.0, min(end, n + 1) - max(begin, n)) for n in range(_BAR_CELLS))
    drawn = "".join(_EIGHTHS[round(8 * cell)] for cell in cells)
    if drawn.strip():
        return drawn
    place = min(_BAR_CELLS - 1, int(begin))
    return " " * place + _EIGHTHS[1] + " " * (_BAR_CELLS - 1 - place)


def _time(ms: float) -> str:
    return f"{ms / 1000:.2f} s" if ms >= 1000 else f"{ms:.1f} ms"


def _value(value: Any) -> str:
    """An attribute in a few characters: a text by its size, a group by what it holds."""
    if isinstance(value, dict):
        return _shape(value) or "{" + ", ".join(_pairs(value)) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return printable(str(value))


def _pairs(value: dict[str, Any]) -> Iterator[str]:
    for name, item in value.items():
        if item is not None and item is not False:
            yield f"{printable(name)}: {_value(item)}"


def _shape(value: dict[str, Any]) -> str:
    if "chars" in value and "mark" in value:
        text = f" {printable(str(value['text']))!r}" if "text" in value else ""
        return f"{value['chars']:,} chars{text}"
    if "media_type" in value:
        return f"{printable(str(value['kind']))} {value['bytes']:,} bytes"
    return f"{value['items']} items" if value.keys() == {"items"} else ""
