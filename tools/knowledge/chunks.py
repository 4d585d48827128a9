"""Text into chunks, each under its heading: the unit that is searched and cited. Pure.

Markdown and plain text alike. A chunk never crosses a heading, but for a short introduction that
joins the section after it. Tables, lists and code stay whole where they fit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import zip_longest
from typing import TYPE_CHECKING

from tools.sentences import split_sentences

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

MAX_WORDS = 220
ENOUGH_WORDS = 80
"""A chunk of this size is closed where its section is long enough for another."""
TINY_WORDS = 35
"""An introduction under this size joins the section after it."""

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_CJK_CHAR = re.compile(f"[{_CJK}]")
_WORD = re.compile(rf"[^\W{_CJK}]+")
_WORDS_PER_CJK_CHAR = 0.6
_CHARS_PER_WORD = 12
"""Above this a text is no prose, and is measured by its characters."""
_HEADING = re.compile(r"#{1,6}\s+|\s+#+\s*$")


@dataclass(frozen=True, slots=True)
class Chunk:
    """`heading` is the path of headings from the document's top; `number` counts from 0."""

    number: int
    heading: tuple[str, ...]
    text: str

    @property
    def searched(self) -> str:
        """What is embedded: the text, and the headings that say what it is about."""
        return "\n".join((" > ".join(self.heading), self.text)) if self.heading else self.text


@dataclass(frozen=True, slots=True)
class _Block:
    """A paragraph, list, table or code block as its source lines."""

    kind: str
    text: str


@dataclass(slots=True)
class _Section:
    heading: tuple[str, ...]
    blocks: list[_Block] = field(default_factory=list)

    @property
    def words(self) -> float:
        return sum(count_words(block.text) for block in self.blocks)


def count_words(text: str) -> float:
    """Words as a reader counts them; a Chinese, Japanese or Korean character is 0.6 of one."""
    words = len(_WORD.findall(text)) + _WORDS_PER_CJK_CHAR * len(_CJK_CHAR.findall(text))
    return max(words, len(text) / _CHARS_PER_WORD)


def split_chunks(text: str) -> list[Chunk]:
    """The chunks of a document, in reading order. Every word is in one of them, or its heading."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd").split("\n")
    bodies = [
        (section.heading, body)
        for section in _join_introductions(_sections(lines))
        for body in _pack(section.blocks)
    ]
    return [Chunk(number, heading, body) for number, (heading, body) in enumerate(bodies)]


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable("table")
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser


def _blocks(lines: Sequence[str]) -> Iterator[tuple[str, int, int, int]]:
    """Top-level blocks as (kind, heading level or 0, first line, line after the last).

    Lines that the parser keeps no token for, such as link definitions, are paragraphs.
    """
    done = 0
    for token in _parser().parse("\n".join(lines)):
        if token.level or token.map is None or token.nesting < 0:
            continue
        start, end = token.map
        if start > done:
            yield "paragraph", 0, done, start
        level = int(token.tag[1]) if token.type == "heading_open" else 0
        yield token.type.removesuffix("_open"), level, start, end
        done = end
    if done < len(lines):
        yield "paragraph", 0, done, len(lines)


def _sections(lines: Sequence[str]) -> list[_Section]:
    path: list[tuple[int, str]] = []
    sections = [_Section(())]
    for kind, level, start, end in _blocks(lines):
        text = "\n".join(lines[start:end]).strip("\n").rstrip()
        if not text.strip():
            continue
        if level:
            title = _title(text)
            path = [(above, name) for above, name in path if above < level] + [(level, title)]
            sections.append(_Section(tuple(name for _, name in path if name)))
        else:
            sections[-1].blocks.append(_Block(kind, text))
    return list(_with_body(sections))


def _title(source: str) -> str:
    """A heading's text, from `## Title ##` or from a title underlined."""
    text = source.split("\n")
    if len(text) > 1 and set(text[-1].strip()) <= {"=", "-"}:
        text = text[:-1]
    return _HEADING.sub("", " ".join(line.strip() for line in text)).strip()


def _with_body(sections: Sequence[_Section]) -> Iterator[_Section]:
    """Sections that hold text. A heading with nothing below it is text itself."""
    for index, section in enumerate(sections):
        following = sections[index + 1].heading if index + 1 < len(sections) else ()
        depth = len(section.heading)
        if section.blocks:
            yield section
        elif section.heading and following[:depth] != section.heading:
            yield _Section(section.heading[:-1], [_Block("paragraph", section.heading[-1])])


def _join_introductions(sections: Sequence[_Section]) -> Iterator[_Section]:
    """A few words between a title and its first subtitle say nothing alone: they go below it."""
    held: list[_Block] = []
    for section, following in zip_longest(sections, sections[1:]):
        blocks = held + section.blocks
        held = []
        introduces = (
            following is not None
            and len(section.heading) < len(following.heading)
            and following.heading[: len(section.heading)] == section.heading
        )
        if introduces and section.words < TINY_WORDS:
            held = blocks
        else:
            yield _Section(section.heading, blocks)


def _pack(blocks: Sequence[_Block]) -> list[str]:
    """Blocks put together into bodies of at most MAX_WORDS, of about equal size."""
    pieces = [piece for block in blocks for piece in _fit(block)]
    return _group(pieces, "\n\n")


def _fit(block: _Block) -> list[str]:
    """A block whole, or in pieces of at most MAX_WORDS."""
    if count_words(block.text) <= MAX_WORDS:
        return [block.text]
    lines = block.text.split("\n")
    if block.kind == "table":
        head, rows = "\n".join(lines[:2]), lines[2:]
        room = MAX_WORDS - count_words(head)
        if room >= ENOUGH_WORDS and rows:
            return [f"{head}\n{body}" for body in _group(_cut(rows, _by_words), "\n", room)]
        return _group(_cut(lines, _by_words), "\n")
    if block.kind in ("paragraph", "blockquote"):
        sentences = _cut(_sentences(block.text), _by_words)
        return _group(sentences, "" if _is_cjk(block.text) else " ")
    return _group(_cut(lines, _sentences, _by_words), "\n")


def _cut(parts: Sequence[str], *ways: Callable[[str], list[str]]) -> list[str]:
    """Parts, the oversized ones cut by the first way that makes them fit."""
    for way in ways:
        parts = [
            piece
            for part in parts
            for piece in ([part] if count_words(part) <= MAX_WORDS else way(part))
        ]
    return list(parts)


def _sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


def _by_words(text: str) -> list[str]:
    """Text without sentences, cut at white space, or anywhere where there is none."""
    step = _CHARS_PER_WORD * ENOUGH_WORDS if not _is_cjk(text) else 2 * ENOUGH_WORDS
    parts = [
        word[start : start + step] for word in text.split() for start in range(0, len(word), step)
    ]
    return _group(parts, " ")


def _group(parts: Sequence[str], joiner: str, limit: float = MAX_WORDS) -> list[str]:
    """Neighbours joined, in as few groups as fit the limit, and of about equal size."""
    sizes = [count_words(part) for part in parts]
    left = sum(sizes)
    groups: list[list[str]] = []
    size = 0.0
    for part, words in zip(parts, sizes, strict=True):
        # What is left, shared evenly: closes a group early rather than leave a crumb at the end.
        share = (size + left) / max(1, -(-(size + left) // limit))
        full = size + words > limit or (size >= ENOUGH_WORDS and size + words / 2 > share)
        if not groups or full:
            groups.append([])
            size = 0.0
        groups[-1].append(part)
        size += words
        left -= words
    return [joiner.join(group) for group in groups]


def _is_cjk(text: str) -> bool:
    return 2 * len(_CJK_CHAR.findall(text)) > len(text.replace(" ", ""))
