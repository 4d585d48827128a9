"""A text as it is read aloud: without the marks of Markdown, without code, links by their words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from tools.sentences import split_sentences
from tools.windows import split_windows

if TYPE_CHECKING:
    from markdown_it.token import Token

MAX_SENTENCE_CHARS = 300
"""Longer sentences are spoken in parts; the voices get out of breath, and they take their time."""

_URL = re.compile(r"(?:https?://|www\.)(?:www\.)?([^\s/?#)\]>\"']+)[^\s)\]>\"']*")
_UNSPOKEN = {"So", "Cn", "Co", "Cs", "Cc", "Cf"}
"""Unicode categories of emoji, and of what has no sound or no meaning."""
_SPACE = re.compile(r"\s+")


class SpokenSentence(NamedTuple):
    """Something to say in one breath, and whether a paragraph ends with it."""

    text: str
    ends_paragraph: bool


def spoken_sentences(text: str) -> list[SpokenSentence]:
    """The sentences to speak, in order; empty where there is nothing to say.

    Args:
        text: plain, or Markdown. Code blocks, pictures and markup are left out, a link is read by
            its words and a bare address by its host.
    """
    sentences: list[SpokenSentence] = []
    for paragraph in _paragraphs(text):
        parts = list(_parts(_clean(paragraph)))
        sentences += [
            SpokenSentence(part, number == len(parts)) for number, part in enumerate(parts, start=1)
        ]
    return sentences


def _parts(paragraph: str) -> Iterator[str]:
    """The sentences that have something to pronounce, long ones in parts."""
    for start, end in split_sentences(paragraph):
        sentence = paragraph[start:end]
        for span in split_windows(sentence, MAX_SENTENCE_CHARS):
            part = sentence[span.start : span.end]
            if any(char.isalnum() for char in part):
                yield part


def _paragraphs(text: str) -> Iterator[str]:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("code")
    row: list[str] = []
    for token in parser.parse(text):
        if token.type == "inline":
            row.append("".join(_words(token)))
        if token.type in {"tr_close", "paragraph_close", "heading_close"}:
            yield ", ".join(filter(None, row))
            row = []


def _words(inline: Token) -> Iterator[str]:
    for token in inline.children or ():
        if token.type in {"text", "code_inline"}:
            yield token.content
        elif token.type in {"softbreak", "hardbreak"}:
            yield "\n"


def _clean(text: str) -> str:
    named = _URL.sub(lambda match: match[1], text)
    spoken = "".join(
        char if char.isspace() or unicodedata.category(char) not in _UNSPOKEN else " "
        for char in named
    )
    return _SPACE.sub(" ", spoken).strip()
