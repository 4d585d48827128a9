"""The log: one line each, nothing of a user's in it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_servers.contracts import SwitchboardError
from orchestrator.logs import (
    JsonLines,
    RequestFacts,
    TextLines,
    current_request,
    log_to_file,
    log_to_stderr,
    tell,
)
from orchestrator.settings import Settings

log = logging.getLogger("orchestrator.test_logs")


@contextmanager
def written(formatter: logging.Formatter) -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    try:
        yield stream
    finally:
        log.removeHandler(handler)
        log.setLevel(logging.NOTSET)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@settings(deadline=None)
@given(st.text(alphabet=st.characters(categories=None), max_size=60))
def test_every_line_is_json_whatever_is_said(said: str) -> None:
    with written(JsonLines()) as stream:
        log.warning("it said %s", said)
        tell(log, "request", value=said, **{"more\nthan": {"a": [said]}})
    first, second = lines(stream)
    assert first["message"].startswith("it said ")
    assert second["value"] == said
    assert len(stream.getvalue().split("\n")) == 3


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_a_line_for_a_person_is_one_line_and_steers_no_terminal(said: str) -> None:
    with written(TextLines()) as stream:
        log.warning("it said %s", said)
        tell(log, "request", value=said)
    text = stream.getvalue()
    assert text.count("\n") == 2
    assert all(character.isprintable() for character in text.replace("\n", ""))


def test_an_error_is_told_by_its_type_and_place_and_not_by_its_words() -> None:
    with written(JsonLines()) as stream:
        try:
            try:
                int("Maria Silva")
            except ValueError as error:
                raise SwitchboardError("Maria Silva is no number.") from error
        except SwitchboardError:
            log.exception("tool %s broke", "count")
    (line,) = lines(stream)
    assert "Maria" not in stream.getvalue()
    assert line["message"] == "tool count broke"
    assert line["exception"]["type"] == "SwitchboardError"
    assert line["exception"]["code"] == "internal_error"
    assert line["exception"]["cause"]["type"] == "ValueError"
    (frame,) = line["exception"]["frames"]
    assert "test_logs.py:" in frame


@pytest.mark.parametrize("formatter", [JsonLines(words=True), TextLines(words=True)])
def test_words_are_told_where_wanted_masked_and_on_their_line(formatter: Any) -> None:
    with written(formatter) as stream:
        try:
            raise ValueError("Maria,\nmaria@example.com")
        except ValueError:
            log.exception("broke")
    assert "Maria," in stream.getvalue()
    assert "maria@example.com" not in stream.getvalue()
    assert "\nmaria" not in stream.getvalue()
    assert "[email]" in stream.getvalue()


def test_a_cause_that_goes_round_ends() -> None:
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first
    for formatter in (JsonLines(), TextLines()):
        with written(formatter) as stream:
            log.error("broke", exc_info=first)
        assert "KeyError" in stream.getvalue()


def test_a_message_is_masked_and_has_its_requests_id() -> None:
    token = current_request.set(RequestFacts("req_1"))
    try:
        with written(JsonLines()) as stream:
            log.warning("no answer from postgresql://app:secret@db/state for bob@example.com")
    finally:
        current_request.reset(token)
    (line,) = lines(stream)
    assert line["request_id"] == "req_1"
    assert line["message"] == "no answer from postgresql://[key]@db/state for [email]"
    assert line["level"] == "warning"
    assert line["time"].endswith("Z")


def test_a_service_logs_json_to_what_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with log_to_stderr(Settings()):
        tell(log, "request", status=200)
        log.debug("not at this level")
        logging.getLogger("httpx").info("others are not heard")
    log.info("nor what comes later")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["status"] == 200


def test_the_settings_choose_format_and_level(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_LOG_FORMAT", "text")
    monkeypatch.setenv("SWITCHBOARD_LOG_LEVEL", "warning")
    with log_to_stderr(Settings()):
        log.info("quiet")
        log.warning("loud")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("WARNING orchestrator.test_logs: loud")


def test_a_command_logs_to_a_file_as_json(tmp_path: Path) -> None:
    path = tmp_path / "switchboard.log"
    with log_to_file(path, Settings()):
        log.warning("loud ✓")
    assert json.loads(path.read_text("utf-8"))["message"] == "loud ✓"
