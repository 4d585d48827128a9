"""Text from models, tools and documents as HTML that can do nothing.

Markdown is read with HTML switched off, pictures are not loaded, and an address is shown as text:
no request leaves the browser, whatever a document or a model says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping, Sequence
from functools import cache
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

_MARK = re.compile(r"\[(\d{1,3})\]")


def block(name: str, *parts: str) -> str:
    """One `<div class=name>` of ready HTML that passes through a Markdown reader unchanged.

    Such a reader takes a line that begins with `<div` as HTML up to the next blank line, so there
    must be no line break in it.
    """
    inner = "".join(parts)
    return f'<div class="{name}" dir="auto">{inner}</div>'.replace("\r", "").replace("\n", "&#10;")


def text(value: object) -> str:
    """Plain text as HTML."""
    return escape(str(value), quote=True)


def prose(markdown: str, citations: Mapping[int, str] | None = None) -> str:
    """Markdown as inert HTML.

    `citations` maps the numbers that may stand in the text as [1] to what the mark says when it is
    pointed at; each such mark becomes a button.
    """
    return str(_reader().render(markdown, {"citations": citations or {}}))


def fold(summary: str, *parts: str, name: str = "fold") -> str:
    """Ready HTML that is shown when its summary is clicked or chosen by key."""
    return f'<details class="{name}"><summary>{summary}</summary>{"".join(parts)}</details>'


@cache
def _reader() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False, "breaks": True, "langPrefix": "code-"})
    reader.enable(["table", "strikethrough"]).disable(["image", "reference"])
    reader.core.ruler.push("directions", _directions)
    reader.add_render_rule("text", _text)
    reader.add_render_rule("link_open", _link_open)
    reader.add_render_rule("link_close", _link_close)
    return reader


def _directions(state: StateCore) -> None:
    """Each block runs in the direction of its own script."""
    for token in state.tokens:
        if token.nesting == 1:
            token.attrSet("dir", "auto")


def _text(
    _: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    _options: OptionsDict,
    env: MutableMapping[str, Any],
) -> str:
    citations: Mapping[int, str] = env["citations"]

    def mark(found: re.Match[str]) -> str:
        number = int(found[1])
        if number not in citations:
            return found[0]
        return (
            f'<button type="button" class="mark" value="{number}" '
            f'title="{text(citations[number])}">{number}</button>'
        )

    return _MARK.sub(mark, text(tokens[index].content))


def _link_open(
    _: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    _options: OptionsDict,
    env: MutableMapping[str, Any],
) -> str:
    env.setdefault("addresses", []).append(str(tokens[index].attrGet("href") or ""))
    env.setdefault("words", []).append(tokens[index + 1].content)
    return '<span class="link">'


def _link_close(
    _: RendererHTML,
    _tokens: Sequence[Token],
    _index: int,
    _options: OptionsDict,
    env: MutableMapping[str, Any],
) -> str:
    address, words = env["addresses"].pop(), env["words"].pop()
    if words in {address, address.removeprefix("mailto:")}:
        return "</span>"
    return f'</span> <span class="address">({text(address)})</span>'
