"""Tokens with entity tags: IOB2, one token a line, a blank line after each sentence.

Two layouts are told apart by a file's first sentence: Universal NER's numbered columns (number,
token, tag, …), and CoNLL's (token first, tag last, tabs or spaces between).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import JsonValue

from evals.datasets.classification import split_of
from evals.datasets.reading import Reading, RowError
from evals.task import Dataset

_PATTERNS = ("*.iob2", "*.iob", "*.bio", "*.conll")
_TAG = re.compile(r"O|[BI]-\S+")
_TEXT = re.compile(r"#\s*text\s*=\s*(.*)")
_SENTENCE_ID = re.compile(r"#\s*sent_id\s*=\s*(\S+)")
_UD_LANGUAGE = re.compile(r"([a-z]{2,3})_[a-z]+-ud-")


@dataclass(slots=True)
class _Sentence:
    line: int
    comments: list[str] = field(default_factory=list)
    rows: list[tuple[int, str]] = field(default_factory=list)

    def comment(self, pattern: re.Pattern[str]) -> str | None:
        matches = (pattern.fullmatch(comment.strip()) for comment in self.comments)
        return next((match[1] for match in matches if match), None)


def tagged(path: Path) -> Dataset:
    """Sentences with one tag a token, from a file or from a folder's files.

    An `I-` that follows no entity of its type is read as `B-`, as conlleval does, which makes IOB2
    of the older IOB1. A sentence with an unreadable line is one bad row.

    Returns:
        inputs {"text", "tokens", "offsets"}: the offsets are each token's start and end in the
        text, which is the file's own `# text`, or else the tokens with blanks between. Gold is
        the list of tags. Groups: the split and the language that the file's name tells of.

    Raises:
        DatasetError: there is no such file, or no sentence that can be read.
    """
    reading = Reading(path, "IOB2 files, one token and its tag (O, B-PER, I-PER, …) a line")
    # Texts in the folder may be a licence: they are data only where nothing else is.
    for file in reading.files_if_any(*_PATTERNS) or reading.files(*_PATTERNS, "*.txt"):
        language, split = _UD_LANGUAGE.match(file.name), split_of(file.stem)
        groups = {"lang": language[1]} if language else {}
        groups |= {"split": split} if split else {}
        numbered: bool | None = None
        for sentence in _sentences(reading, file):
            if numbered is None:
                firsts = [row.split("\t")[0] for _, row in sentence.rows]
                numbered = firsts == [str(n) for n in range(1, len(firsts) + 1)]
            line = sentence.line
            with reading.row(file, line):
                tokens, tags = _columns(sentence, numbered)
                name = sentence.comment(_SENTENCE_ID) or str(line)
                inputs = _placed(sentence.comment(_TEXT), tokens)
                reading.add(f"{file.stem}:{name}", inputs, list(_iob2(tags)), groups)
    return reading.dataset()


def _sentences(reading: Reading, file: Path) -> Iterator[_Sentence]:
    sentence: _Sentence | None = None
    for number, line in reading.lines(file):
        if not line.strip():
            if sentence is not None and sentence.rows:
                yield sentence
            sentence = None
            continue
        sentence = sentence or _Sentence(number)
        # A token may be "#" itself: a comment has a blank after the sign, and no columns.
        if line.startswith("# ") and "\t" not in line and not sentence.rows:
            sentence.comments.append(line)
        elif not line.startswith("-DOCSTART-"):
            sentence.rows.append((number, line))
    if sentence is not None and sentence.rows:
        yield sentence


def _columns(sentence: _Sentence, numbered: bool) -> tuple[list[str], list[str]]:
    tokens, tags = [], []
    for line, row in sentence.rows:
        cells = row.split("\t") if "\t" in row else row.split(" ")
        if len(cells) < (3 if numbered else 2):
            raise RowError(f"line {line} has no token and tag")
        token, tag = (cells[1], cells[2]) if numbered else (cells[0], cells[-1].strip())
        if not token.strip():
            raise RowError(f"line {line} has no token")
        if not _TAG.fullmatch(tag):
            raise RowError(f"line {line} has {tag[:40]!r} for a tag")
        tokens.append(token)
        tags.append(tag)
    return tokens, tags


def _iob2(tags: list[str]) -> Iterator[str]:
    before = "O"
    for tag in tags:
        begins = tag.startswith("I-") and before[2:] != tag[2:]
        yield f"B-{tag[2:]}" if begins else tag
        before = tag


def _placed(text: str | None, tokens: list[str]) -> dict[str, JsonValue]:
    """Text, tokens and where each token stands. A text that its tokens do not spell is not used."""
    offsets = None if text is None else _offsets(text, tokens)
    if text is None or offsets is None:
        text = " ".join(tokens)
        offsets = _offsets(text, tokens) or []
    return {"text": text, "tokens": [*tokens], "offsets": [[*offset] for offset in offsets]}


def _offsets(text: str, tokens: list[str]) -> list[tuple[int, int]] | None:
    found, end = [], 0
    for token in tokens:
        start = text.find(token, end)
        if start < 0 or text[end:start].strip():
            return None
        end = start + len(token)
        found.append((start, end))
    return found if not text[end:].strip() else None
