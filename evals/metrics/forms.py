"""The JSON forms of golds and predictions that several metrics read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from model_servers.contracts import SwitchboardError


class MetricError(SwitchboardError):
    """A gold or a prediction has no form that the metric can read."""

    code = "metric_error"
    http_status = 422


@dataclass(frozen=True, slots=True)
class Choice:
    """A label that was chosen.

    Attributes:
        label: None where the solver says that it doesn't know.
        score: its probability, where one was given.
        failed: the solver gave an error, which is no abstention and is right for no gold.
    """

    label: str | None
    score: float | None = None
    failed: bool = False


def read_choice(value: JsonValue) -> Choice:
    """A prediction: a label, {"label", "score"}, or None for an error.

    Raises:
        MetricError: it is something else.
    """
    if value is None:
        return Choice(None, failed=True)
    if isinstance(value, str):
        return Choice(value)
    if isinstance(value, dict) and "label" in value:
        label, score = value["label"], value.get("score")
        if (label is None or isinstance(label, str)) and not isinstance(score, str | list | dict):
            return Choice(label, None if score is None else float(score))
    raise MetricError(f'A prediction is a label or {{"label", "score"}}, not {shown(value)}.')


def read_label(value: JsonValue) -> str | None:
    """A gold: a label, {"label"}, or None where no label fits. Raises MetricError."""
    if isinstance(value, dict) and "label" in value:
        value = value["label"]
    if value is None or isinstance(value, str):
        return value
    raise MetricError(f"A gold is a label or null, not {shown(value)}.")


def read_text(value: JsonValue, key: str = "text") -> str:
    """A text, or the text under `key`. An error (None) gives the empty text. Raises MetricError."""
    if isinstance(value, dict) and key in value:
        value = value[key]
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    raise MetricError(f'A text, or {{"{key}"}}, is needed, not {shown(value)}.')


def read_list(value: JsonValue, key: str) -> list[JsonValue]:
    """A list, or the list under `key`. An error (None) gives the empty list. Raises MetricError."""
    if isinstance(value, dict) and key in value:
        value = value[key]
    if value is None:
        return []
    if isinstance(value, list):
        return value
    raise MetricError(f'A list, or {{"{key}"}}, is needed, not {shown(value)}.')


def read_map(value: JsonValue, what: str) -> Mapping[str, JsonValue]:
    """An object. Raises MetricError."""
    if isinstance(value, dict):
        return value
    raise MetricError(f"{what} is an object, not {shown(value)}.")


def check_pairs(golds: Sequence[JsonValue], predictions: Sequence[JsonValue]) -> None:
    """Raise MetricError unless there is one prediction for each gold."""
    if len(golds) != len(predictions):
        raise MetricError(f"There are {len(golds)} golds and {len(predictions)} predictions.")


def shown(value: JsonValue) -> str:
    """The value as it stands in a sentence: short."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
