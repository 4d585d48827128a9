"""What is wrong with a translation, as far as it can be told without reading it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from model_servers.languages import identify
from tools.numbers import missing_numbers
from tools.prose import KEPT, missing_parts
from tools.weekdays import missing_weekdays

_SURE = 0.9
_LETTERS_TO_TELL = 12
_GROWTH = 4
_MONTH = re.compile(r"(?<![\d.])\d{1,2} ?月")
_QUESTION = re.compile(r"[?？؟]\W*\Z")
_QUESTION_ANYWHERE = re.compile(r"[?？؟;]")  # Greek asks with a semicolon
_DENSE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class Faults:
    """`parts`, `numbers` and days of the week of the source that are missing, and `others` in
    words."""

    parts: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.count > 0

    @property
    def count(self) -> int:
        # A text in the wrong language is worse than any number lost.
        return len(self.parts) + len(self.numbers) + len(self.days) + 10 * len(self.others)


def faults_of(
    original: str, translation: str, source: str, target: str, *, was_cut: bool = False
) -> Faults:
    """What `translation` lost of `original`, and whether it is one at all."""
    others = _others(original, translation, source, target)
    return Faults(
        parts=tuple(missing_parts(original, translation)),
        numbers=tuple(missing_numbers(_without_parts(original), _without_parts(translation))),
        days=tuple(missing_weekdays(original, translation, source, target)),
        others=("it was cut short", *others) if was_cut else tuple(others),
    )


def _without_parts(text: str) -> str:
    """Numbers in links and code are parts of these, and months have names in most languages."""
    return _MONTH.sub(" ", KEPT.sub(" ", text))


def _others(original: str, translation: str, source: str, target: str) -> list[str]:
    if not translation.strip():
        return ["nothing came back"]
    words = re.findall(r"[^\W\d_]+", original)
    common = sum(word.islower() or bool(_DENSE.match(word)) for word in words)
    if translation == original and common >= 3:
        return ["it was left as it is"]
    size, was = _size(translation), _size(original)
    if size > _GROWTH * was + 60:
        return ["it is far longer than the text"]
    if was >= 30 and size * _GROWTH < was:
        return ["it is far shorter than the text"]
    if _QUESTION.search(original) and not _QUESTION_ANYWHERE.search(translation):
        return ["the question became an answer"]
    if _size(translation) >= _LETTERS_TO_TELL:
        guess = identify(translation)
        if guess.probability >= _SURE and guess.code in {source, "en"} - {target}:
            return ["it is in the wrong language"]
    return []


def _size(text: str) -> int:
    """Letters, those of which few make a sentence counted threefold."""
    return sum(3 if _DENSE.match(char) else char.isalpha() for char in text)
