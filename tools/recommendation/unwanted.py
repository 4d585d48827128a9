"""What a wish says no to: "no books", "nothing with wool", 不要书, "ohne Leder"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tools.recommendation import wish_words as words
from tools.recommendation.unread import Unread
from tools.recommendation.vocabulary import TOKEN, Mention, Vocabulary, fold, says_something
from tools.recommendation.wish_words import BREAK

_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_NOT_OBJECTS = frozenset(map(fold, words.NOT_OBJECTS))


def read_unwanted(
    text: Unread, known: Vocabulary
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """What is not wanted, which is blanked: categories of the shop, and groups of words where no
    category is called so.

    The first of a group is what was said, the others are its names in other languages.
    """
    categories: list[str] = []
    others: list[tuple[str, ...]] = []

    def take(phrase: str, *, only_known: bool = False) -> bool:
        taken = False
        for piece in (p for part in words.COMMA.split(phrase) for p in words.OR.split(part)):
            bare = words.NOT_OBJECT_FILLER.sub("", piece.strip(" " + BREAK)).strip(" " + BREAK)
            found = known.mentions(bare)
            named = [m for m in found if m.categories]
            if named and (_CJK.search(bare) or is_all(named, bare)):
                categories.extend(c for m in named for c in m.categories)
                taken = True
            elif bare and (not only_known or found):
                # "No leather shoes" is not "no shoes".
                group = _word_group(bare, found)
                others.extend(group)
                if not group and named and named[0].start == 0:
                    # "Headphones that nobody needs": better too much than what is not wanted.
                    categories.extend(named[0].categories)
                taken = taken or bool(group or named)
        return taken

    for match in words.FREE_OF.finditer(text.left):
        thing = str(match[str(match.lastgroup)])
        # A shop may have a category "non-fiction".
        if not ((found := known.mentions(match[0])) and is_all(found, match[0])):
            others.append(_names_of(thing, known.mentions(thing)))
            text.blank(*match.span())
    for match in words.NOT_BEFORE.finditer(text.left):
        phrase = str(match[str(match.lastgroup)])
        kept = _last_piece(phrase)
        if take(kept, only_known=match.lastgroup == "zh"):
            text.blank(match.end() - len(match[0]) + phrase.rindex(kept), match.end())
    for pattern, only_known in ((words.NOT_THIS, False), (words.NOT_KNOWN, True)):
        at = 0
        while (unwanted := pattern.search(text.left, at)) is not None:
            at = end = _object_end(text.left, unwanted.end(), known)
            if take(text.left[unwanted.end() : end], only_known=only_known):
                text.blank(unwanted.start(), end)
            else:
                at = unwanted.end()
    return tuple(dict.fromkeys(categories)), tuple(dict.fromkeys(others))


def is_all(found: Sequence[Mention], phrase: str) -> bool:
    """Whether one mention is all that a phrase says."""
    first = found[0]
    rest = phrase[: first.start] + " " + phrase[first.end :]
    return len(found) == 1 and not any(map(says_something, TOKEN.findall(rest)))


def _object_end(text: str, begin: int, known: Vocabulary) -> int:
    """Where what is not wanted ends.

    A list goes on over a comma where categories and a last "or" follow: "no toys, books or games".
    "No leather, shoes under 150 €" is none.
    """
    stop = words.NOT_OBJECT_STOP.search(text, begin)
    end = following = stop.start() if stop else len(text)
    while (comma := words.COMMA.match(text, following)) is not None:
        stop = words.NOT_OBJECT_STOP.search(text, comma.end())
        following = stop.start() if stop else len(text)
        pieces = words.OR.split(text[comma.end() : following])
        is_known = [bool((found := known.mentions(p)) and is_all(found, p)) for p in pieces]
        if not all(is_known) and not (
            any(is_known) and len(pieces) > 1 and all(map(_is_thing, pieces))
        ):
            break
        if len(pieces) > 1:
            end = following
    return end


def _is_thing(piece: str) -> bool:
    """Whether it may be the name of a thing: "candles", and no "something nice"."""
    tokens = TOKEN.findall(piece)
    return 0 < len(tokens) <= 2 and all(map(says_something, tokens))


def _last_piece(phrase: str) -> str:
    """Of what stands before "except for", the part that it belongs to."""
    return re.split(r"[でにがを用的]", phrase)[-1] or phrase if _CJK.search(phrase) else phrase


def _word_group(phrase: str, found: Sequence[Mention]) -> list[tuple[str, ...]]:
    """What no item may be about: what was said and, where the thing is known, its other names."""
    tokens = TOKEN.findall(phrase)
    if not tokens or fold(tokens[0]) in _NOT_OBJECTS or len(tokens) > 3:
        return []
    if not any(map(says_something, tokens)):
        return []
    kept = [token for token in tokens if says_something(token)]
    if len(found) == 1 and len(TOKEN.findall(phrase[found[0].start : found[0].end])) == len(kept):
        return [_names_of(phrase, found)]
    return [(" ".join(kept),)]


def _names_of(said: str, found: Sequence[Mention]) -> tuple[str, ...]:
    """What was said, and the other names of the thing that it mentions."""
    names = found[0].names if found else ()
    return (said, *(name for name in names if fold(name) != fold(said)))
