from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.prose import between_parts, kept_parts, missing_parts, split_prose, wrap_like

LINES = st.sampled_from(
    [
        "# A heading",
        "Some words that go on for long enough to look as if they were wrapped by hand",
        "and go on here.",
        "- an item with `code` in it",
        "  2) nested",
        "> quoted",
        "| Name | Price |",
        "|------|------:|",
        "```",
        "~~~py",
        "    indented",
        "---",
        "[1]: https://example.org",
        "12 345",
        "",
        "  ",
        "see [here](https://example.org/a_(b)) and {name}\t",
        "第一句话。第二句。",
    ]
)


@given(st.lists(st.one_of(LINES, st.text(max_size=20))), st.sampled_from(["\n", "\r\n"]))
def test_pieces_make_up_the_text(lines: list[str], ending: str) -> None:
    text = ending.join(lines)
    pieces = split_prose(text)
    assert "".join(piece.text for piece in pieces) == text
    assert all(piece.text for piece in pieces)
    assert all(piece.text == piece.text.strip() for piece in pieces if piece.is_prose)


def prose(text: str) -> list[str]:
    return [piece.text for piece in split_prose(text) if piece.is_prose]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# Hello\n\nWorld", ["Hello", "World"]),
        ("* [ ] buy milk\n1. eat", ["buy milk", "eat"]),
        ("> > deep quote", ["deep quote"]),
        ("```py\nprint('hi')\n```\nafter", ["after"]),
        ("> ```\n> code\n> ```\nafter", ["after"]),
        ("```\nnever closed", []),
        ("| a b | 12 |\n|---|---|\n| c | |", ["a b", "c"]),
        ("name | price\n--- | ---\nshoes | 30", ["name", "price", "shoes"]),
        ("this | that is no table", ["this | that is no table"]),
        ("---\ntitle: x\n---\nbody", ["body"]),
        ("---\n\n# A heading\n\n---\nbody", ["A heading", "body"]),
        ("Title\n=====\ntext", ["Title", "text"]),
        ("[1]: https://example.org\n12.5 %\n---", []),
        ("https://example.org", []),
        ("one line\nanother line", ["one line", "another line"]),
    ],
)
def test_what_is_prose(text: str, expected: list[str]) -> None:
    assert prose(text) == expected


def test_a_paragraph_wrapped_by_hand_is_one_piece() -> None:
    text = (
        "The committee met on Tuesday in order to find out why the\n"
        "new building had not been finished. It adjourned at noon.\n"
        "A list follows:\n- one"
    )
    first, *rest = [piece for piece in split_prose(text) if piece.is_prose]
    assert first.lines == 2
    assert [piece.text for piece in rest] == ["A list follows:", "one"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "See https://example.org/a?b=1, or (www.x.org).",
            ["https://example.org/a?b=1", "www.x.org"],
        ),
        ("请看https://example.org/a。谢谢", ["https://example.org/a"]),
        ("Mail a.b+c@mail.example.org.", ["a.b+c@mail.example.org"]),
        (
            "Dear {name}, ${sum} {{ x }} %s %(n)d [[a]]",
            ["{name}", "${sum}", "{{ x }}", "%s", "%(n)d", "[[a]]"],
        ),
        ("run `make x` or ``a`b``", ["`make x`", "``a`b``"]),
        ('a [link](https://x.y/z "t") here', ['](https://x.y/z "t")']),
        ("<b>bold</b> &amp; 20% more", ["<b>", "</b>", "&amp;"]),
        ("no parts, 100% sure, a < b > c", []),
    ],
)
def test_kept_parts(text: str, parts: list[str]) -> None:
    assert kept_parts(text) == parts
    assert missing_parts(text, text) == []
    assert missing_parts(text, "") == list(dict.fromkeys(parts))


@given(st.lists(st.sampled_from(["words", "{x}", "https://e.org/1", "`c`", "10", " ", ", "])))
def test_between_parts_makes_up_the_text(tokens: list[str]) -> None:
    text = " ".join(tokens)
    pieces = between_parts(text)
    assert "".join(piece.text for piece in pieces) == text
    assert not any(kept_parts(piece.text) for piece in pieces if piece.is_prose)


@given(
    st.lists(st.text("ab ", min_size=1, max_size=30), min_size=1, max_size=5),
    st.lists(st.text("xyz。", min_size=1, max_size=12), min_size=5, max_size=12),
)
def test_wrapping_keeps_lines_and_words(source: list[str], words: list[str]) -> None:
    text = " ".join(words)
    wrapped = wrap_like(text, "\n".join(source))
    assert wrapped.split() == words
    assert wrapped.count("\n") == len(source) - 1


def test_wrapping_a_language_without_spaces() -> None:
    wrapped = wrap_like(
        "政府周五宣布了新的规定。", "The government announced\r\n  new rules on Friday."
    )
    assert wrapped.replace("\r\n  ", "") == "政府周五宣布了新的规定。"
    assert wrapped.count("\r\n  ") == 1
