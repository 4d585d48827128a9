"""Spans: what was done for one request, in which order, and how long it took.

Whoever wants to know makes a recording; what is called below adds to it, through layers that know
nothing of each other. Where nobody records, a span costs a microsecond and is thrown away.

A context variable names the span that is open. A task inherits it when it is made. What works for
several callers at once, as a batcher's task does, hands back to each what it has to note.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

from model_servers.contracts import SwitchboardError

P = ParamSpec("P")
R = TypeVar("R")

MAX_SPANS = 500
"""In one recording; what comes later is counted and not kept."""


@dataclass(eq=False, slots=True)
class Tally:
    """How many spans a recording holds, and how many found no room."""

    max_spans: int
    kept: int = 1
    dropped: int = 0

    def has_room(self) -> bool:
        if self.kept >= self.max_spans:
            self.dropped += 1
            return False
        self.kept += 1
        return True


@dataclass(eq=False, slots=True)
class Span:
    """A piece of work. Times are seconds on `time.perf_counter()`.

    `error` is a code, never a message: messages may quote what a user wrote.
    """

    name: str
    attributes: dict[str, Any]
    tally: Tally | None
    children: list[Span] = field(default_factory=list)
    begun: float = field(default_factory=time.perf_counter)
    ended: float | None = None
    error: str | None = None

    def note(self, **attributes: Any) -> None:
        """Add to what is known of it."""
        self.attributes.update(attributes)

    def end(self, error: BaseException | None = None) -> None:
        """It is over; the first end counts."""
        if self.ended is None:
            self.ended = time.perf_counter()
            if error is not None:
                self.error = error_code(error)


_open: ContextVar[Span | None] = ContextVar("open_span", default=None)


@contextmanager
def recording(name: str, *, max_spans: int = MAX_SPANS, **attributes: Any) -> Iterator[Span]:
    """Record what is done inside, as a tree below the span that this gives."""
    root = Span(name, attributes, Tally(max_spans))
    with _ended(root), _opened(root):
        yield root


@contextmanager
def span(name: str, **attributes: Any) -> Iterator[Span]:
    """A piece of work, below the one that is open; what is done inside comes below it.

    Not around a `yield` of an async generator, whose consumer would find it open: see `leaf`.
    """
    made = _made(name, attributes)
    if made.tally is None:
        yield made
        return
    with _ended(made), _opened(made):
        yield made


@contextmanager
def leaf(name: str, **attributes: Any) -> Iterator[Span]:
    """As `span`, for work that nothing comes below."""
    made = _made(name, attributes)
    with _ended(made):
        yield made


def spanned(name: str) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """Every call of the async function is a span."""

    def wrap(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        @functools.wraps(function)
        async def inner(*args: P.args, **kwargs: P.kwargs) -> R:
            with span(name):
                return await function(*args, **kwargs)

        return inner

    return wrap


def note(**attributes: Any) -> None:
    """Add to what is known of the open span; nothing where nobody records."""
    if (found := _open.get()) is not None and found.ended is None:
        found.attributes.update(attributes)


def is_recorded() -> bool:
    """Whether somebody records what is done here."""
    found = _open.get()
    return found is not None and found.tally is not None and found.ended is None


def error_code(error: BaseException) -> str:
    """What an error is called in a recording."""
    if isinstance(error, SwitchboardError):
        return error.code
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        return "cancelled"
    return "deadline_exceeded" if isinstance(error, TimeoutError) else type(error).__name__


def _made(name: str, attributes: dict[str, Any]) -> Span:
    parent = _open.get()
    # What outlives the work that began it is no part of that.
    if parent is None or parent.tally is None or parent.ended is not None:
        return Span(name, attributes, None)
    made = Span(name, attributes, parent.tally)
    if parent.tally.has_room():
        parent.children.append(made)
    return made


@contextmanager
def _ended(made: Span) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        made.end(error)
        raise
    made.end()


@contextmanager
def _opened(made: Span) -> Iterator[None]:
    token = _open.set(made)
    try:
        yield
    finally:
        _open.reset(token)
