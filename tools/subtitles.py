"""Subtitles: what is said, in pieces short enough to read, as SRT and as WebVTT."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

MAX_CUE_S = 7.0
LINE_WIDTH = 42
"""Columns; a Chinese or Japanese character takes two."""
_LINES = 2


class TimedText(Protocol):
    """A text with its times in seconds, such as `model_servers.whisper.HeardWord`."""

    @property
    def text(self) -> str: ...
    @property
    def start_s(self) -> float: ...
    @property
    def end_s(self) -> float: ...


class TimedWords(TimedText, Protocol):
    """A text with the times of its words too, where they are known."""

    @property
    def words(self) -> Iterable[TimedText]: ...


@dataclass(frozen=True, slots=True)
class Cue:
    """A subtitle: its text, in one line, and when it is shown, in seconds."""

    text: str
    start_s: float
    end_s: float


def cues(segments: Iterable[TimedWords]) -> list[Cue]:
    """Subtitles of at most two lines and MAX_CUE_S, cut between words where a segment is longer."""
    return [cue for segment in segments for cue in _segment_cues(segment)]


def srt(shown: Iterable[Cue]) -> str:
    """The subtitles as a SubRip file."""
    blocks = (
        f"{number}\n{_time(cue.start_s, ',')} --> {_time(cue.end_s, ',')}\n{_lines(cue.text)}\n"
        for number, cue in enumerate(shown, start=1)
    )
    return "\n".join(blocks)


def vtt(shown: Iterable[Cue]) -> str:
    """The subtitles as a WebVTT file."""
    blocks = (
        f"{_time(cue.start_s, '.')} --> {_time(cue.end_s, '.')}\n{_escaped(_lines(cue.text))}\n"
        for cue in shown
    )
    return "\n".join(["WEBVTT\n", *blocks])


def _segment_cues(segment: TimedWords) -> Iterator[Cue]:
    words = list(segment.words)
    if not words or (_fits(segment.text) and segment.end_s - segment.start_s <= MAX_CUE_S):
        if segment.text.strip():
            yield Cue(segment.text.strip(), segment.start_s, segment.end_s)
        return
    text, start_s, end_s = "", words[0].start_s, words[0].end_s
    for word in words:
        longer = text + word.text
        if text.strip() and (not _fits(longer) or word.end_s - start_s > MAX_CUE_S):
            yield Cue(text.strip(), start_s, end_s)
            longer, start_s = word.text, word.start_s
        text, end_s = longer, word.end_s
    if text.strip():
        yield Cue(text.strip(), start_s, end_s)


def _fits(text: str) -> bool:
    return len(_wrapped(text.strip())) <= _LINES


def _lines(text: str) -> str:
    # An empty line, or an arrow, would end the subtitle or begin another.
    return "\n".join(_wrapped(text)).replace("-->", "→")


def _wrapped(text: str) -> list[str]:
    columns = sum(map(_width, text))
    characters = max(1, LINE_WIDTH * len(text) // columns) if columns else LINE_WIDTH
    return textwrap.wrap(text, min(LINE_WIDTH, characters)) or [text]


def _width(character: str) -> int:
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _time(seconds: float, mark: str) -> str:
    milliseconds = round(max(0.0, seconds) * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    whole_s, milliseconds = divmod(milliseconds, 1000)
    return f"{hours:02}:{minutes:02}:{whole_s:02}{mark}{milliseconds:03}"
