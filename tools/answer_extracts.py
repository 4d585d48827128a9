"""The words of a passage that an answer rests on: named by the model, found in the passage."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from tools.knowledge.passages import Passage

_CLAIM = re.compile(r"\[(\d{1,2})\]\s*(?:[\"“„«「『](?P<quoted>.+)[\"”“»」』]|(?P<bare>.+?))[.。]?")
_UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\u0e00-\u0eff"
# A character of a script without spaces, a sign that changes a number, or a word.
_TOKEN = re.compile(f"[{_UNSPACED}]|[%‰°€$£¥]|[^\\W_{_UNSPACED}]+")
_TOKENS = 60
"""Of an extract at most: more is no short answer."""


@dataclass(frozen=True, slots=True)
class Extract:
    """Words as they stand in the passage of this number, counted from 1."""

    number: int
    words: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model named in its first line, as it wrote it and as a passage has it, if one does;
    and what it wrote below."""

    prose: str
    named: str = ""
    extract: Extract | None = None


def read_reply(text: str, passages: Sequence[Passage], *, whole: bool) -> Reply:
    """A reply in its parts.

    Args:
        text: what came so far.
        whole: whether nothing more comes; until then a first line that has begun hides what is
            there.
    """
    first, newline, rest = text.lstrip().partition("\n")
    if not first.startswith("["):
        return Reply(text)
    if not (newline or whole):
        return Reply("")
    found = _CLAIM.fullmatch(first.strip())
    if found is None:
        return Reply(text)
    named = found["quoted"] or found["bare"]
    extract = find_extract(named, passages, first=int(found[1]))
    # Words that are neither quoted nor there, or that all of the reply consists of, are prose.
    if found["quoted"] is None and (extract is None or not newline):
        return Reply(text)
    return Reply(rest, named, extract)


def find_extract(words: str, passages: Sequence[Passage], *, first: int = 1) -> Extract | None:
    """The words where a passage has them, whatever their case and punctuation. None where none
    has, or where they are too many.

    Args:
        first: the number of the passage to look in before the others.
    """
    wanted = _folded(words)
    if not 0 < len(wanted) <= _TOKENS:
        return None
    for number in sorted(range(1, len(passages) + 1), key=lambda number: number != first):
        text = passages[number - 1].text
        tokens, there = list(_TOKEN.finditer(text)), _folded(text)
        for start in range(len(there) - len(wanted) + 1):
            if there[start : start + len(wanted)] == wanted:
                end = tokens[start + len(wanted) - 1].end()
                return Extract(number, text[tokens[start].start() : end])
    return None


def says(sentence: str, words: str) -> bool:
    """Whether a sentence has these words in a row, whatever their case and punctuation."""
    there, wanted = _folded(sentence), _folded(words)
    return any(there[i : i + len(wanted)] == wanted for i in range(len(there) - len(wanted) + 1))


def shared_words(sentence: str, text: str, question: str) -> str:
    """The longest words in a row that a sentence of an answer has from a text, without those of
    the question at their ends; empty where there are none."""
    tokens, words = list(_TOKEN.finditer(text)), _folded(text)
    asked = set(_folded(question))
    best = (0, 0)
    matcher = SequenceMatcher(None, words, _folded(sentence), autojunk=False)
    for block in matcher.get_matching_blocks():
        start, end = block.a, block.a + block.size
        while start < end and words[start] in asked:
            start += 1
        while start < end and words[end - 1] in asked:
            end -= 1
        best = max(best, (start, end), key=lambda span: span[1] - span[0])
    start, end = best
    return text[tokens[start].start() : tokens[end - 1].end()] if start < end else ""


def length(words: str) -> int:
    """How many words, or characters of a script without spaces."""
    return len(_folded(words))


def _folded(text: str) -> list[str]:
    return [token[0].casefold() for token in _TOKEN.finditer(text)]
