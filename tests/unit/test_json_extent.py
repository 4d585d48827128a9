"""A JSON body's extent: 20,000 examples have room, and what would swell in memory has not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.api.json_extent import MAX_VALUES, MAX_WIDE_BYTES, check_extent
from orchestrator.errors import PayloadTooLarge
from tools.classify_text import MAX_EXAMPLES


def examples(text: str, count: int) -> bytes:
    rows = [{"text": text, "label": f"label {i % 300}"} for i in range(count)]
    body: dict[str, Any] = {"arguments": {"text": "Where is it?", "examples": rows}}
    return json.dumps(body, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "text",
    [
        "Where is my card?",
        "Well, [yes], {no}, " * 20,
        '"So," he said',
        "我的卡在哪里？",
        "ação, não, já" * 5,
    ],
)
def test_as_many_examples_as_the_tool_takes_have_room(text: str) -> None:
    check_extent(examples(text, MAX_EXAMPLES))


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"[]," * MAX_VALUES + b"[]]",
        b"[" + b'"a",' * MAX_VALUES + b"0]",
        b'{"a": ' + b"[" * (MAX_VALUES + 1),
        b'"' + b"a" * 70_000 + b'",' * (MAX_VALUES + 1),
        # What stands in texts is no value, and what stands around them is.
        examples("a, [b], {c}", MAX_EXAMPLES) + b"," * MAX_VALUES,
    ],
)
def test_too_many_values_are_refused(body: bytes) -> None:
    with pytest.raises(PayloadTooLarge, match="values"):
        check_extent(body)


@pytest.mark.parametrize("character", ["\u597d", "\\ud83d\\ude00"])
def test_too_much_text_beyond_ascii_is_refused(character: str) -> None:
    wide = json.dumps("x").encode()[:-1] + character.encode() * (MAX_WIDE_BYTES // 2) + b'"'
    with pytest.raises(PayloadTooLarge, match="bytes of text"):
        check_extent(wide)
    check_extent(b'"' + b"a" * (2 * MAX_WIDE_BYTES) + b'"')
