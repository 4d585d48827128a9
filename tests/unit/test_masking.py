"""What may not stand in a log or a trace: masked, and told by its shape alone."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from orchestrator.masking import MAX_CHARS, mask
from orchestrator.shapes import fields, keeping_words, shape
from tools.artifacts import Artifact
from tools.classify_text import ClassifyText
from tools.translate_text import TranslateText

SECRETS = {
    "e-mail": "maria.silva+shop@example.co.uk",
    "telephone": "+49 (0)30 1234-5678",
    "plain telephone": "4155552671",
    "card": "4111 1111 1111 1111",
    "card with dashes": "5500-0000-0000-0004",
    "IBAN": "DE89 3704 0044 0532 0130 00",
    "IBAN in one": "GB82WEST12345698765432",
    "IP address": "192.168.17.4",
    "our key": "sk-switchboard-Zx81kQpLmN0aBcDeFgHi",
    "OpenAI's key": "sk-proj-abcdefghijklmnop0123456789",
    "GitHub's token": "ghp_abcdefghijklmnopqrstuvwxyz012345",
    "AWS's key": "AKIAIOSFODNN7EXAMPLE",
    "web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize(
    "around", ["{}", "It is {}.", "«{}», he said", "a={};b", "\n{}\n", "/x%20{}?"]
)
def test_what_tells_who_someone_is_goes(secret: str, around: str) -> None:
    masked = mask(around.format(secret))
    assert secret not in masked
    # No piece of it that would tell stays either.
    assert not any(piece in masked for piece in secret.split() if len(piece) > 3)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abc.def-123", "abc.def-123"),
        ('{"Authorization": "Bearer xyz123"}', "xyz123"),
        ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("api_key='hunter2hunter2'", "hunter2hunter2"),
        ("GET /x?token=s3cr3tvalue&a=1", "s3cr3tvalue"),
        ("PASSWORD: correcthorse", "correcthorse"),
        ("postgresql://app:pa55word@db.internal/state", "pa55word"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----", "MIIEow"),
    ],
)
def test_what_opens_a_door_goes(text: str, secret: str) -> None:
    assert secret not in mask(text)


@pytest.mark.parametrize(
    "text",
    [
        "loaded all-minilm-l6-v2 in 1.2 s",
        "request req_0123456789abcdef0123456789abcdef: POST /v1/tasks/{id}",
        "task task_00112233445566778899aabbccddeeff goes on in 5.0 s",
        "tool translate_text broke",
        "12 of 2000 rows failed",
    ],
)
def test_what_an_engineer_needs_stays(text: str) -> None:
    assert mask(text) == text


@settings(deadline=None)
@given(st.text(alphabet=st.characters(categories=["L", "M", "Zs"]), max_size=300))
def test_words_of_any_language_stay(text: str) -> None:
    assert mask(text) == text


@settings(deadline=None)
@example("//0@A.Af", "", "")
@given(st.emails(), st.text(alphabet="ab \n,", max_size=20), st.text(alphabet=" \n,", max_size=5))
def test_no_address_survives(address: str, before: str, after: str) -> None:
    domain = address.rpartition("@")[2]
    masked = mask(f"{before} {address} {after}")
    assert f"@{domain}" not in masked


def test_a_long_text_is_cut() -> None:
    assert len(mask("word " * MAX_CHARS)) <= MAX_CHARS + 1


@settings(deadline=None)
@given(st.integers(min_value=-40, max_value=340), st.sampled_from([*SECRETS.values()]))
def test_a_cut_leaves_no_half_of_anything(place: int, secret: str) -> None:
    filler = "word " * MAX_CHARS
    masked = mask(f"{filler[: MAX_CHARS + place]} {secret} {filler}")
    pieces = [piece for piece in re.split(r"[^\w]", secret) if len(piece) > 3]
    assert not any(piece in masked for piece in pieces)


PIECES = "1 a@a.a.a AA11 // -----BEGIN token=bearer eyJ 1.1.1 sk- "


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from(PIECES.split(" ")), min_size=1, max_size=4))
def test_no_pattern_runs_away(pieces: list[str]) -> None:
    """It takes some 5 ms of CPU; a pattern that backtracks takes minutes."""
    text = ("".join(pieces) * MAX_CHARS)[:MAX_CHARS]
    begun = time.process_time()
    mask(text)
    assert time.process_time() - begun < 2


def test_a_text_is_told_by_its_size_and_a_mark() -> None:
    found = shape("Grüße, Maria")
    assert (found["chars"], found["bytes"]) == (12, 14)
    assert shape("Grüße, Maria") == found
    assert shape("Grüße, Marie")["mark"] != found["mark"]
    assert "Maria" not in json.dumps(found)


def test_words_are_kept_only_when_asked_for_and_masked() -> None:
    text = "Write to maria@example.com"
    assert "text" not in shape(text)
    with keeping_words(True):
        assert shape(text)["text"] == "Write to [email]"
    assert "text" not in shape(text)


def test_lone_surrogates_have_a_size_too() -> None:
    assert shape("\ud800")["chars"] == 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (4111111111111111, "number"),
        (["Maria", "João"], {"items": 2}),
        ({"name": "Maria"}, {"keys": 1}),
    ],
)
def test_other_values_are_told_by_their_kind(value: object, expected: object) -> None:
    assert shape(value) == expected


def test_a_files_name_is_not_told() -> None:
    file = Artifact(
        id="0" * 64, kind="document", media_type="text/plain", size=9, name="Maria.txt",
        origin="user",
    )  # fmt: skip
    assert shape(file) == {"kind": "document", "media_type": "text/plain", "bytes": 9}


def test_a_model_that_has_no_schema_has_shapes_all_the_same() -> None:
    class Odd(BaseModel):
        model_config = ConfigDict(arbitrary_types_allowed=True)

        text: str
        work: Callable[[], None]

    assert fields(Odd(text="Maria", work=lambda: None))["work"] == "function"


def test_arguments_that_take_one_of_a_few_words_keep_their_value() -> None:
    told = fields(TranslateText.Args(text="Maria", target_language="fr"))
    assert told["target_language"] == "fr"
    assert told["text"]["chars"] == 5
    told = fields(ClassifyText.Args(text="x", labels=["Maria", "João"], task="topic"))
    assert told["task"] == "topic"
    assert told["labels"] == {"items": 2}
