"""A sentence of which parts have been read."""

from __future__ import annotations

import re

from tools.recommendation.wish_words import BREAK


class Unread:
    """A sentence of which what has been read is blanked, so that nothing is read twice."""

    def __init__(self, text: str) -> None:
        self.left = text

    def blank_all(self, pattern: re.Pattern[str]) -> bool:
        """Blank all that a pattern finds; tells whether there was any."""
        found = [match.span() for match in pattern.finditer(self.left)]
        for start, end in found:
            self.blank(start, end)
        return bool(found)

    def blank(self, start: int, end: int) -> None:
        self.left = self.left[:start] + BREAK * (end - start) + self.left[end:]
