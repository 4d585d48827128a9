"""Which text of a row a request is about, by the request's words and the columns' shape."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence

from orchestrator.row_files import TEXT_NAMES, Row, RowFile
from tools.errors import InvalidInput

_SAMPLE_ROWS = 50
_ORDINALS: Sequence[str] = (
    r"first|1st|erste\w*|première|premier|primer[ao]?|primeir[ao]|第一",
    r"second|2nd|zweite\w*|deuxième|seconde|segund[ao]|第二",
    r"third|3rd|dritte\w*|troisième|tercer[ao]?|terceir[ao]|第三",
    r"fourth|4th|vierte\w*|quatrième|cuart[ao]|quart[ao]|第四",
    r"fifth|5th|fünfte\w*|cinquième|quint[ao]|第五",
)
_COLUMN = r"(?:columns?|spalten?|colonnes?|columnas?|colunas?)"
_COLUMN_NUMBER = re.compile(rf"{_COLUMN}\s+(\d{{1,3}})\b|第(\d{{1,3}})列", re.IGNORECASE)
_LAST = re.compile(rf"(?:\b(?:last|letzte\w*|dernière|última)\s+{_COLUMN}|最后一列)", re.IGNORECASE)
_LABEL_NAMES = re.compile(
    r"(?:(?:gold|true|target|class|sentiment|polarity)[\s_-]?)?labels?|gold|target|class|category"
    r"|sentiment|polarity|rating|stars|score",
    re.IGNORECASE,
)
"""Columns that hold what somebody else answered: a model that reads them is told the answer."""
_LETTER = re.compile(r"[^\W\d_]")
_ADDRESS = re.compile(r"\S+@\S+")
_LABEL_WORDS = 3
_EVERY = r"(?:each|every|jede\w*|chaque|cada|每[条个]?)\s+"
_EACH = rf"(?:all\s+|the\s+|alle\s+|{_EVERY})"


def text_columns(request: str, file: RowFile) -> tuple[str, ...]:
    """The columns that a request is about.

    A column that is named by its place or its name; else the one that is called what texts are
    called; else those that hold texts; else all but those that hold labels.
    """
    if (placed := _placed(request, file.columns)) is not None:
        return (placed,)
    sample = [row for row in itertools.islice(file.rows(), _SAMPLE_ROWS) if row.error is None]
    texts = [name for name in file.columns if _holds_text(name, sample)]
    # "What is the sentiment of each row?" asks for one, and names no column of that name.
    plain = [name for name in file.columns if not _LABEL_NAMES.fullmatch(name)]
    for found in (
        _mentioned(request, file.columns, lambda name: rf"{_named(name)}['\"”]?\s+{_COLUMN}\b"),
        _mentioned(request, file.columns, lambda name: rf"\b{_COLUMN}\s+['\"“]?{_named(name)}"),
        _mentioned(request, plain, lambda name: rf"\b{_EACH}{_named(name)}"),
        _mentioned(request, file.columns, lambda name: rf"\b{_EVERY}{_named(name)}"),
        _mentioned(request, texts, _named),
        _mentioned(request, plain, _named),
    ):
        if found:
            return found
    return tuple(
        _called_texts(sample, file.columns, texts)
        or texts
        or _unlabelled(sample, plain or file.columns)
    )


def _called_texts(
    rows: Sequence[Row], columns: Sequence[str], texts: Sequence[str]
) -> Sequence[str]:
    """The columns that are called what texts are called; of several those that hold texts."""
    called = [
        name
        for name in columns
        if TEXT_NAMES.fullmatch(name) and _holds_words(name, rows) and not _repeats(name, rows)
    ]
    return [name for name in called if name in texts] or called


def _unlabelled(rows: Sequence[Row], columns: Sequence[str]) -> Sequence[str]:
    """The columns without those that repeat a few short values, where phrases stand beside them."""
    free = [name for name in columns if not _repeats(name, rows)]
    return free if any(_most(name, rows, lambda cell: " " in cell) for name in free) else columns


def _placed(request: str, columns: Sequence[str]) -> str | None:
    place: int | None = None
    if match := _COLUMN_NUMBER.search(request):
        place = int(match[1] or match[2])
    elif _LAST.search(request):
        place = len(columns)
    else:
        for number, words in enumerate(_ORDINALS, start=1):
            if re.search(rf"\b(?:{words})\s+{_COLUMN}|(?:{words})列", request, re.IGNORECASE):
                place = number
                break
    if place is None:
        return None
    if not 1 <= place <= len(columns):
        raise InvalidInput(
            f"There is no column {place}; the file has {len(columns)}: {', '.join(columns)[:300]}."
        )
    return columns[place - 1]


def _named(name: str) -> str:
    """The name as a request writes it: in the plural, or with spaces for its underscores."""
    words = r"[\s_-]+".join(re.escape(part) for part in re.split(r"[\s_-]+", name) if part)
    singular = words.removesuffix("s") if len(name) > 3 else words
    return rf"(?<!\w){singular}(?:e?s)?(?!\w)"


def _mentioned(
    request: str, columns: Sequence[str], pattern: Callable[[str], str]
) -> tuple[str, ...]:
    return tuple(
        name
        for name in columns
        if len(name) > 2 and re.search(pattern(name), request, re.IGNORECASE)
    )


def _holds_text(name: str, rows: Sequence[Row]) -> bool:
    """Whether most of a column's cells are words, and several of them."""
    return _most(
        name, rows, lambda cell: len(cell.split()) >= 3 or re.search(r"[぀-ヿ㐀-鿿]{4}", cell)
    )


def _holds_words(name: str, rows: Sequence[Row]) -> bool:
    """Whether most of a column's cells say something: no counts of comments, no addresses."""
    return _most(name, rows, lambda cell: _LETTER.search(cell) and _ADDRESS.fullmatch(cell) is None)


def _repeats(name: str, rows: Sequence[Row]) -> bool:
    """Whether a column holds a few short values again and again, as labels do."""
    cells = _cells(name, rows)
    return (
        len(set(cells)) * 2 <= len(cells)
        and max((len(cell.split()) for cell in cells), default=0) <= _LABEL_WORDS
    )


def _most(name: str, rows: Sequence[Row], holds: Callable[[str], object]) -> bool:
    cells = _cells(name, rows)
    return sum(1 for cell in cells if holds(cell)) * 2 > len(cells)


def _cells(name: str, rows: Sequence[Row]) -> list[str]:
    """What stands in a column, without the empty cells."""
    return [cell for row in rows if (cell := row.cells.get(name, "").strip())]


def text_of(row: Row, columns: Sequence[str]) -> str:
    """What the row says in these columns; several as `name: value`, a line each."""
    if len(columns) == 1:
        return row.cells.get(columns[0], "").strip()
    filled = [(name, row.cells.get(name, "").strip()) for name in columns]
    return "\n".join(f"{name}: {value}" for name, value in filled if value)
