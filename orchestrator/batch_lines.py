"""The file of a batch, line by line, and the lines of its results. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

from orchestrator.batch import Line
from orchestrator.database import storable, storable_json
from tools.charsets import decode_text
from tools.errors import InvalidInput

MAX_LINES = 50_000
MAX_LINE_CHARS = 2_000_000
MAX_CUSTOM_ID_CHARS = 512
_FIELDS = {"custom_id", "method", "url", "body"}


class LineFile:
    """A batch's requests. Raises InvalidInput where it is no text, empty, or too long."""

    def __init__(self, data: bytes, endpoint: str) -> None:
        text = decode_text(data)
        if text is None or not text.strip():
            raise InvalidInput("The input file holds no requests; write one JSON object a line.")
        self._text = text
        self._endpoint = endpoint
        self.total = sum(1 for _ in self._raw())
        if self.total > MAX_LINES:
            raise InvalidInput(
                f"The input file has {self.total:,} requests; at most {MAX_LINES:,} are taken."
            )

    def lines(self) -> Iterator[Line]:
        """The requests in order, numbered from 1; one that can't be served says why."""
        seen: set[str] = set()
        for number, raw in enumerate(self._raw(), start=1):
            line = _line(number, raw, self._endpoint)
            if line.error is None and line.custom_id in seen:
                line = line.model_copy(update={"error": "custom_id: it is in the file already."})
            if line.custom_id is not None:
                seen.add(line.custom_id)
            yield line

    def _raw(self) -> Iterator[str]:
        begin = 0
        while begin < len(self._text):
            end = self._text.find("\n", begin)
            end = len(self._text) if end < 0 else end
            if end - begin > MAX_LINE_CHARS:
                yield "\0"  # no JSON: it becomes a line with an error
            elif raw := self._text[begin:end].strip():
                yield raw
            begin = end + 1


def _line(number: int, raw: str, endpoint: str) -> Line:
    try:
        value = json.loads(raw, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return Line(number=number, error="The line is no JSON, or is too long.")
    if not isinstance(value, dict):
        return Line(number=number, error="The line is no JSON object.")
    custom_id = value.get("custom_id")
    if not isinstance(custom_id, str) or not 1 <= len(custom_id) <= MAX_CUSTOM_ID_CHARS:
        return Line(
            number=number,
            error=f"custom_id: a text of 1 to {MAX_CUSTOM_ID_CHARS} characters is needed.",
        )
    custom_id = storable(custom_id)
    error = _wrong(value, endpoint)
    if error is not None:
        return Line(number=number, custom_id=custom_id, error=error)
    try:
        body = storable_json(value["body"])
    except RecursionError:
        return Line(number=number, custom_id=custom_id, error="body: it is nested too deeply.")
    return Line(number=number, custom_id=custom_id, body=body)


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _wrong(value: Mapping[str, Any], endpoint: str) -> str | None:
    if unknown := value.keys() - _FIELDS:
        return f"{storable(min(unknown))[:100]}: this field is not known here; leave it out."
    if value.get("method") != "POST":
        return "method: it is POST."
    if value.get("url") != endpoint:
        return f"url: it is that of the batch, {endpoint}."
    if not isinstance(value.get("body"), dict):
        return "body: a JSON object is needed."
    if value["body"].get("stream"):
        return "body.stream: the requests of a batch are answered whole; leave it out."
    return None


def answered(line: Line, status: int, body: Any) -> dict[str, Any]:
    """A request's answer as the output file has it, or the error file where it was refused."""
    return {
        "id": f"batch_req_{uuid4().hex}",
        "custom_id": line.custom_id,
        "response": {"status_code": status, "request_id": f"req_{uuid4().hex}", "body": body},
        "error": None,
    }


def refused(line: Line, code: str, message: str) -> dict[str, Any]:
    """What the error file says of a line that was not asked."""
    return {
        "id": f"batch_req_{uuid4().hex}",
        "custom_id": line.custom_id,
        "response": None,
        "error": {"code": code, "message": message},
    }
