"""The log: a line for every request, and what went wrong, in text or as JSON lines.

No line holds a request's text: messages are masked, and of an error that is not our own only its
type and place are told, since its words may quote anything. With `trace_text` they are told too,
masked. Uvicorn's access log stays off: the request's own line says more, and no query string.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from model_servers.contracts import SwitchboardError
from orchestrator.masking import mask

if TYPE_CHECKING:
    from orchestrator.settings import Settings

Format = Literal["text", "json"]

OURS = ("model_servers", "tools", "orchestrator", "evals")
"""The packages whose loggers follow `log_level`; others are heard from a warning on."""

MAX_FILE_BYTES = 5_000_000
_MAX_FRAMES = 30


@dataclass(slots=True)
class RequestFacts:
    """What is known of the HTTP request that is being served; its line in the log tells it."""

    request_id: str
    facts: dict[str, Any] = field(default_factory=dict)
    told: bool = False
    """Whether its line is written: what comes later needs one of its own."""


current_request: ContextVar[RequestFacts | None] = ContextVar("current_request", default=None)


def request_id() -> str | None:
    """Id of the HTTP request that is being served, where one is."""
    found = current_request.get()
    return None if found is None else found.request_id


def add_facts(**facts: Any) -> None:
    """Have the line of the HTTP request that is being served tell more, where one is."""
    if (found := current_request.get()) is not None and not found.told:
        found.facts |= facts


def tell(logger: logging.Logger, what: str, level: int = logging.INFO, **facts: Any) -> None:
    """Write a line of facts: a short fixed name, and values that are no text of a user's."""
    if logger.isEnabledFor(level):
        logger.log(level, what, extra={"facts": facts})


@contextmanager
def log_to_stderr(settings: Settings) -> Iterator[None]:
    """The log of a service in a process of its own, for the length of a `with` block."""
    stream = sys.stderr
    chosen = settings.log_format or ("text" if stream.isatty() else "json")
    with _logging(logging.StreamHandler(stream), chosen, settings):
        yield


@contextmanager
def log_to_file(path: Path, settings: Settings) -> Iterator[None]:
    """The log of a service inside a command, whose own output stays clean."""
    handler = RotatingFileHandler(
        path, maxBytes=MAX_FILE_BYTES, backupCount=1, delay=True, encoding="utf-8"
    )
    with _logging(handler, settings.log_format or "json", settings):
        yield


@contextmanager
def _logging(handler: logging.Handler, chosen: Format, settings: Settings) -> Iterator[None]:
    words = settings.trace_text
    handler.setFormatter(JsonLines(words=words) if chosen == "json" else TextLines(words=words))
    root, before = logging.getLogger(), {name: logging.getLogger(name).level for name in OURS}
    root.addHandler(handler)
    for name in OURS:
        logging.getLogger(name).setLevel(settings.log_level.upper())
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
        root.removeHandler(handler)
        handler.close()


class JsonLines(logging.Formatter):
    """One JSON object a line, whatever is in it."""

    def __init__(self, *, words: bool = False) -> None:
        super().__init__()
        self._words = words

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        if (found := request_id()) is not None:
            line["request_id"] = found
        line |= getattr(record, "facts", {})
        if (error := _error(record)) is not None:
            line["exception"] = described(error, words=self._words)
        # ASCII: no character can end the line, and a lone surrogate can be written.
        return json.dumps(line, ensure_ascii=True, default=str)


class TextLines(logging.Formatter):
    """For a person at a terminal: one line, and an error's frames below it."""

    def __init__(self, *, words: bool = False) -> None:
        super().__init__()
        self._words = words

    def format(self, record: logging.LogRecord) -> str:
        facts = dict(getattr(record, "facts", {}))
        if (found := request_id()) is not None:
            facts["request_id"] = found
        told = "".join(f" {name}={_plain(value)}" for name, value in facts.items())
        line = f"{_time(record)} {record.levelname} {record.name}: {_plain(_message(record))}{told}"
        about = described(error, words=self._words) if (error := _error(record)) else None
        while about is not None:
            said = f": {_plain(about['message'])}" if "message" in about else ""
            frames = "".join(f"\n    {frame}" for frame in about["frames"])
            line += f"\n  {about['type']}{said}{frames}"
            about = about.get("cause")
        return line


def described(error: BaseException, *, words: bool = False, depth: int = 4) -> dict[str, Any]:
    """An error's type and where it was raised, outermost frame first, and what caused it.

    Its message, which may quote a user, only with `words`; masked.
    """
    frames = traceback.extract_tb(error.__traceback__)[-_MAX_FRAMES:]
    found: dict[str, Any] = {
        "type": type(error).__qualname__,
        "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if words:
        found["message"] = mask(str(error))
    if isinstance(error, SwitchboardError):
        found["code"] = error.code
    if error.__cause__ is not None and depth > 0:
        found["cause"] = described(error.__cause__, words=words, depth=depth - 1)
    return found


def _error(record: logging.LogRecord) -> BaseException | None:
    return record.exc_info[1] if record.exc_info else None


def _message(record: logging.LogRecord) -> str:
    # A line of facts has a fixed message; masking costs more than the rest of the line.
    return record.getMessage() if hasattr(record, "facts") else mask(record.getMessage())


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(value: Any) -> str:
    """A value on one line, its control characters written out."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
