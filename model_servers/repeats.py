"""Words that a listener wrote down twice though there was time to say them but once.

Whisper does so on short sounds, the more so where words are hinted: the likeliest word after
"eight" is then another "eight". What tells it from a real repeat is the time that it takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

SHORTEST_S = 0.1
"""A word takes at least as long: ten syllables a second is faster than anyone speaks."""
_LONGEST_PHRASE = 6
"""Words of the longest phrase whose repeats are looked for."""


class TimedWord(Protocol):
    """A word as it is written, with the space before it, and its times in seconds."""

    @property
    def text(self) -> str: ...
    @property
    def start_s(self) -> float: ...
    @property
    def end_s(self) -> float: ...


Word = TypeVar("Word", bound=TimedWord)


def repeats_itself(text: str) -> bool:
    """Whether a word or a phrase of the text is followed by itself.

    Words are what spaces divide: where a script has none, a doubled sign is often one word.
    """
    bare = [_bare(word) for word in text.split()]
    return next(_repeats(bare), None) is not None


def said_once(words: Sequence[Word]) -> list[Word]:
    """The words without the repeats for which there was no time.

    Of a phrase and its repeat the shorter one goes, where it took less than SHORTEST_S a word.
    """
    kept = list(words)
    while (extra := _hasty(kept)) is not None:
        del kept[extra]
    return kept


def _hasty(words: Sequence[TimedWord]) -> slice | None:
    bare = [_bare(word.text) if word.text[:1].isspace() else "" for word in words]
    if bare:
        bare[0] = _bare(words[0].text)  # a text may begin without a space
    for place, length in _repeats(bare):
        first, second = slice(place - length, place), slice(place, place + length)
        first_s, second_s = _length_s(words[first]), _length_s(words[second])
        if min(first_s, second_s) < SHORTEST_S * length:
            return first if first_s < second_s else second
    return None


def _repeats(bare: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where a phrase begins that follows itself, and how many words it has."""
    for place in range(1, len(bare)):
        for length in range(1, min(place, len(bare) - place, _LONGEST_PHRASE) + 1):
            phrase = bare[place : place + length]
            if all(phrase) and phrase == bare[place - length : place]:
                yield place, length


def _length_s(words: Sequence[TimedWord]) -> float:
    return sum(word.end_s - word.start_s for word in words)


def _bare(word: str) -> str:
    return "".join(char for char in word.casefold() if char.isalnum())
