"""What a tool returned, laid out by its shape: whatever a new tool returns is visible, too."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.page.markup import fold, prose, text

MAX_ROWS = 100
MAX_JSON_CHARS = 50_000
_SHARES = ("score", "confidence", "probability")
_WIDE_CHARS = 90


def result(data: Mapping[str, Any]) -> str:
    """The fields of a result as paragraphs, chips and tables, and all of it as JSON in a fold."""
    return "".join(_field(name, value) for name, value in data.items()) + as_json(
        "Data as JSON", data
    )


def as_json(summary: str, data: object) -> str:
    """JSON in a fold, cut where it is too long to be shown."""
    dumped = json.dumps(data, ensure_ascii=False, indent=2, default=str)
    if len(dumped) > MAX_JSON_CHARS:
        dumped = dumped[:MAX_JSON_CHARS] + "\n…"
    return fold(text(summary), f'<pre class="json" dir="ltr">{text(dumped)}</pre>')


def words(name: str) -> str:
    """A field's name as a person writes it: `source_language` → "Source language"."""
    return name.replace("_", " ").strip().capitalize()


def share(value: float) -> str:
    """A fraction as a percentage that never claims certainty: 0.9996 → "99.9 %"."""
    percent = value * 100
    if 99 < percent < 100:
        return f"{min(percent, 99.9):.1f} %"
    return f"{percent:.0f} %"


def _field(name: str, value: Any) -> str:
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, str) and (len(value) > _WIDE_CHARS or "\n" in value):
        return f"<section><h4>{text(words(name))}</h4>{prose(value)}</section>"
    if _is_rows(value):
        return f"<section><h4>{text(words(name))}</h4>{_table(value)}</section>"
    return f'<p class="field"><b>{text(words(name))}</b> {_cell(name, value)}</p>'


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(row, Mapping) for row in value)


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th>{text(words(name))}</th>" for name in columns)
    body = "".join(
        "<tr>"
        + "".join(f'<td dir="auto">{_cell(name, row.get(name))}</td>' for name in columns)
        + "</tr>"
        for row in rows[:MAX_ROWS]
    )
    more = f"<p>and {len(rows) - MAX_ROWS} more</p>" if len(rows) > MAX_ROWS else ""
    return (
        '<div class="scroll"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{more}"
    )


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if name.endswith(_SHARES) and 0 <= value <= 1:
            return f'<meter min="0" max="1" value="{value:.4f}"></meter> {text(share(value))}'
        return text(f"{value:.4g}")
    if isinstance(value, Mapping):
        return "".join(
            f'<span class="chip">{text(words(key))}: {_cell(key, item)}</span>'
            for key, item in value.items()
        )
    if isinstance(value, list):
        chips = (f'<span class="chip">{_cell(name, item)}</span>' for item in value[:MAX_ROWS])
        return "".join(chips)
    return text(value)
