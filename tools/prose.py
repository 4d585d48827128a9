"""What of a text is prose, and what around it must stay as it is: Markdown's marks, code, tables.

`split_prose(text)` gives pieces that make up the text exactly; only the prose ones are for a
translator. Inside prose, `KEPT` finds what must come out unchanged: URLs, code, placeholders.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a text. `line_breaks` counts those inside a prose piece that was wrapped by hand."""

    text: str
    is_prose: bool
    lines: int = 1


KEPT = re.compile(
    r"""
    (?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)                # inline code
    | \]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+"[^"]*")?\)  # the target of a link
    | (?:https?|ftp|mailto|tel)://?[^\s<>"'）】」』，。；！？、]*[^\s<>"'）】」』，。；！？、.,;:!?)\]}*_]
    | www\.[^\s<>"']+[^\s<>"'.,;:!?)\]}*_]
    | [\w.+-]+@[\w-]+(?:\.[\w-]+)+                            # an e-mail address
    | \{\{[^{}\n]{1,80}\}\} | \$?\{[^{}\n]{0,80}\} | \[\[[^\[\]\n]{1,80}\]\]
    | %\(\w+\)[sdif] | %[sdif](?!\w)                          # placeholders
    | </?[a-zA-Z][^<>\n]{0,200}> | &(?:\#\d+|\#x[0-9a-fA-F]+|[a-zA-Z]{2,8});
    """,
    re.VERBOSE,
)

_FENCE = re.compile(r"\s*(?:>\s*)*(?:[-*+]\s+)?(?P<mark>`{3,}|~{3,})")
_YAML_KEY = re.compile(r"[\w-]+:(?:\s|$)")
_YAML_LINE = re.compile(r"[\w-]+:(?:\s|$)|[ \t]+\S|- |#")
_TABLE_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")
_RULE = re.compile(r"\s*(?:(?:[-*_=]\s*){3,}|=+|-+)\s*")
_REFERENCE = re.compile(r"\s{0,3}\[[^\]]+\]:\s+\S+")
_MARKS = re.compile(
    r"\s*(?:>\s?)*\s*(?:(?:[-*+•‣–]|\d{1,3}[.)]|[a-zA-Z][)])\s+)?(?:\[[ xX]\]\s+)?(?:\#{1,6}\s+)?"
)
_ENDS_PARAGRAPH = re.compile(r"[.!?。！？:：;…]['\"”’»)*_]*\s*$|  $|\\$")
_WRAPPED_FROM = 50
"""A line this long that ends in mid-sentence was wrapped by hand."""


def split_prose(text: str) -> list[Piece]:
    """Pieces whose texts, joined, are the text; neighbouring pieces that are no prose are one."""
    pieces: list[Piece] = []
    for piece in _pieces(text):
        if not piece.text:
            continue
        if pieces and not piece.is_prose and not pieces[-1].is_prose:
            pieces[-1] = Piece(pieces[-1].text + piece.text, is_prose=False)
        else:
            pieces.append(piece)
    return pieces


def _pieces(text: str) -> Iterator[Piece]:
    lines = text.splitlines(keepends=True)
    at = _front_matter(lines)
    yield _kept("".join(lines[:at]))
    while at < len(lines):
        end = _code_end(lines, at)
        if end > at:
            yield _kept("".join(lines[at:end]))
        elif _is_table_row(lines, at):
            end = at + 1
            yield from _table_row(lines[at])
        elif _RULE.fullmatch(lines[at]) or _REFERENCE.match(lines[at]):
            end = at + 1
            yield _kept(lines[at])
        else:
            end = _paragraph_end(lines, at)
            yield from _paragraph(lines[at:end])
        at = end


def _kept(text: str) -> Piece:
    return Piece(text, is_prose=False)


def _front_matter(lines: list[str]) -> int:
    """Lines of a YAML block at the top; two rules with a text between them are none."""
    if len(lines) < 3 or lines[0].rstrip() != "---" or not _YAML_KEY.match(lines[1]):
        return 0
    for at, line in enumerate(lines[1:], 1):
        if line.rstrip() == "---":
            return at + 1
        if not _YAML_LINE.match(line):
            return 0
    return 0


def _code_end(lines: list[str], at: int) -> int:
    """Where the code block that begins here ends; `at` where none does."""
    fence = _FENCE.match(lines[at])
    if fence:
        closing = re.compile(rf"\s*(?:>\s*)*{re.escape(fence['mark'])}[`~]*\s*")
        for end in range(at + 1, len(lines)):
            if closing.fullmatch(lines[end]):
                return end + 1
        return len(lines)
    return at


def _is_table_row(lines: list[str], at: int) -> bool:
    """A row of a table that has a rule of dashes, or one with bars at both ends."""
    line = lines[at].strip()
    if "|" not in line:
        return False
    if line.startswith("|") and line.endswith("|") and len(line) > 1:
        return True
    top = at
    while top > 0 and "|" in lines[top - 1]:
        top -= 1
    return any(
        "|" in lines[row] and _TABLE_RULE.fullmatch(lines[row])
        for row in range(top, min(at + 2, len(lines)))
    )


def _table_row(line: str) -> Iterator[Piece]:
    if _TABLE_RULE.fullmatch(line):
        yield _kept(line)
        return
    for part in re.split(r"((?<!\\)\|)", line):
        yield from _with_margins(part)


def _paragraph_end(lines: list[str], at: int) -> int:
    """Where the lines end that go on the first one's sentence: text wrapped by hand."""
    end = at + 1
    while (
        end < len(lines)
        and len(lines[end - 1].rstrip()) >= _WRAPPED_FROM
        and not _ENDS_PARAGRAPH.search(lines[end - 1].rstrip("\r\n"))
        and not _MARKS.match(lines[at])[0].lstrip().startswith("#")  # type: ignore[index]
        and lines[end].strip()
        and not _MARKS.match(lines[end])[0].strip()  # type: ignore[index]
        and _code_end(lines, end) == end
        and not _RULE.fullmatch(lines[end])
        and not _is_table_row(lines, end)
        and not _REFERENCE.match(lines[end])
    ):
        end += 1
    return end


def _paragraph(lines: list[str]) -> Iterator[Piece]:
    """The marks at its beginning, then its text."""
    first = lines[0]
    marks = _MARKS.match(first)
    assert marks is not None
    yield _kept(marks[0])
    yield from _with_margins("".join([first[marks.end() :], *lines[1:]]))


def _with_margins(text: str) -> Iterator[Piece]:
    """Prose without the white space around it; what holds no letters outside `KEPT` is no prose."""
    core = text.strip()
    if not any(character.isalpha() for character in KEPT.sub("", core)):
        yield _kept(text)
        return
    start = text.index(core)
    yield _kept(text[:start])
    yield Piece(core, is_prose=True, lines=len(core.splitlines()))
    yield _kept(text[start + len(core) :])


def kept_parts(prose: str) -> list[str]:
    """What of a prose piece must be in its translation, letter for letter."""
    return [match.group() for match in KEPT.finditer(prose)]


def missing_parts(source: str, translation: str) -> list[str]:
    """Kept parts of `source` that `translation` lacks; one that is there twice is wanted twice."""
    wanted = kept_parts(source)
    return [part for part in dict.fromkeys(wanted) if translation.count(part) < wanted.count(part)]


def between_parts(prose: str) -> list[Piece]:
    """The piece cut at its kept parts, for a translator that can't keep them."""
    pieces: list[Piece] = []
    at = 0
    for match in KEPT.finditer(prose):
        pieces += [*_with_margins(prose[at : match.start()]), _kept(match.group())]
        at = match.end()
    return [piece for piece in [*pieces, *_with_margins(prose[at:])] if piece.text]


def wrap_like(text: str, source: str) -> str:
    """`text` broken into as many lines as `source` has, of about the same shares and indents."""
    rows = source.splitlines(keepends=True)
    if len(rows) < 2:
        return text
    words = re.findall(r"\s*\S+", " ".join(text.split()))
    if len(words) < len(rows):
        words = list(text)  # no spaces between words
    whole, read, at = sum(map(len, rows)), 0, 0
    broken = ""
    written = 0
    for number, row in enumerate(rows):
        read += len(row)
        after = len(rows) - number - 1
        line = ""
        while at < len(words) - after and (
            not line or not after or written + len(line + words[at]) <= len(text) * read / whole
        ):
            line += words[at]
            at += 1
        written += len(line)
        indent = row[: len(row) - len(row.lstrip(" \t"))] if number else ""
        ending = row[len(row.rstrip("\r\n")) :]
        broken += indent + line.strip() + ending
    return broken
