"""Reads a wish for items out of a sentence, by rules: how many, what price, what not, like what.

Pure and quick, in nine languages. What is read becomes constraints that hold for every item, so
the rules rather leave a word to taste than make a constraint that nobody meant.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from model_servers.languages import identify
from tools.recommendation import wish_words as words
from tools.recommendation.amounts import numbers
from tools.recommendation.filler_words import BARE, FILLER_CJK
from tools.recommendation.prices import PriceBounds, read_prices
from tools.recommendation.unread import Unread
from tools.recommendation.unwanted import is_all, read_unwanted
from tools.recommendation.vocabulary import (
    TOKEN,
    Mention,
    Vocabulary,
    fold,
    says_something,
    vocabulary,
)
from tools.recommendation.wish_words import BREAK

MAX_ITEMS = 20
MAX_WISH_CHARS = 2_000
_MAX_NAME_WORDS = 12
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a sentence asks for. None and empty: it does not say.

    Attributes:
        count: how many items, 1 to 20.
        customer: whose taste counts, by id.
        names: what may be the name of the item that it should be like: the longest reading first.
        quoted: whether `names` stood in quotes.
        points: whether it should be like something shown or sent ("this", "the second one").
        place: which of those shown, from 1; None where the words don't count.
        several: whether it points at several.
        cheaper: whether it has to cost less than that.
        not_dearer: whether it may cost as much as that, and no more.
        share: of its price, where it may cost as much as that share alone.
        prices: bounds of the price.
        categories: at least one of these, as the shop calls them.
        excluded_categories: none of these, as the shop calls them.
        excluded_words: no item that has all words of one of these groups; the first of each is
            what was said, the others are its names in other languages.
        excluded_names: items that were named in quotes and are not wanted.
        taste: what is left: what it is for, or about.
    """

    count: int | None = None
    customer: str | None = None
    names: tuple[str, ...] = ()
    quoted: bool = False
    points: bool = False
    place: int | None = None
    several: bool = False
    cheaper: bool = False
    not_dearer: bool = False
    share: float | None = None
    prices: PriceBounds = field(default_factory=PriceBounds)
    categories: tuple[str, ...] = ()
    excluded_categories: tuple[str, ...] = ()
    excluded_words: tuple[tuple[str, ...], ...] = ()
    excluded_names: tuple[str, ...] = ()
    taste: str | None = None


def read_wish(sentence: str, categories: Iterable[str]) -> Wish:
    """What a sentence asks for, given the shop's categories. Never raises.

    Only the first 2,000 characters are read.
    """
    text = Unread(unicodedata.normalize("NFKC", sentence[:MAX_WISH_CHARS]))
    known = vocabulary(tuple(sorted(set(categories))))
    customer = _customer(text)
    quoted, unwanted = _quoted(text)
    prices = read_prices(text.left)
    for start, end in prices.spans:
        text.blank(start, end)
    count = _count(text, known)
    text.blank_all(words.LOOKING_FOR)
    half = text.blank_all(words.HALF)
    not_dearer = half
    for match in words.NOT_DEARER.finditer(text.left):
        not_dearer = True
        if match["than"] is None:
            text.blank(*match.span())
    named = _named(text, known)
    names = quoted or named.names
    categories_out, words_out = read_unwanted(text, known)
    cheaper = text.blank_all(words.CHEAPER)
    wanted = _wanted(text.left, known, frozenset(categories_out))
    return Wish(
        count=count,
        customer=customer,
        names=names,
        quoted=bool(quoted),
        points=named.points and not quoted,
        place=named.place if not quoted else None,
        several=named.several and not quoted,
        cheaper=cheaper or named.cheaper,
        not_dearer=not_dearer,
        share=0.5 if half else None,
        prices=prices,
        categories=wanted,
        excluded_categories=categories_out,
        excluded_words=words_out,
        excluded_names=unwanted,
        taste=_taste(text.left, known),
    )


def _customer(text: Unread) -> str | None:
    match = words.CUSTOMER.search(text.left)
    if match is None:
        return None
    text.blank(*match.span())
    return (match["id"] or match["id2"] or match["id3"]).strip("\"“”'«»„")


def _quoted(text: Unread) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names in quotes: of what it should be like, and of what it must not be."""
    like: list[str] = []
    unwanted: list[str] = []
    for match in words.QUOTED.finditer(text.left):
        name = next(group for group in match.groups() if group is not None).strip()
        before = text.left[: match.start()]
        negated = any(
            found.end() >= len(before)
            for pattern in (words.NOT_THIS, words.NOT_KNOWN)
            for found in pattern.finditer(before + " x")
        )
        (unwanted if negated else like).append(name)
        text.blank(*match.span())
    return tuple(dict.fromkeys(like)), tuple(dict.fromkeys(unwanted))


def _count(text: Unread, known: Vocabulary) -> int | None:
    """How many are asked for: a number before "gifts", a category, or right after "show me"."""
    for start, end, value in numbers(text.left):
        before, after = text.left[:start], text.left[end:]
        if not value >= 1 or value != int(value) or re.match(r"[-–][^\W\d]|['’]?s?\s*%", after):
            continue
        cjk = words.COUNTED_CJK.match(after)
        holds = (
            _is_count(before, after, known) if cjk is None else _is_cjk_count(before, cjk, known)
        )
        if holds and not words.OWN.search(before):
            text.blank(start, end if cjk is None else end + 1)
            return min(int(value), MAX_ITEMS)
    return None


def _is_count(before: str, after: str, known: Vocabulary) -> bool:
    """Whether a number with these words around it says how many items are wanted.

    In "the Fell 4 tent" it is a part of the name.
    """
    last = TOKEN.findall(before)[-1:]
    if last and says_something(last[0]) and not before.rstrip().endswith((BREAK, ",", ":", ".")):
        return words.ASKS_FOR.search(before) is not None and words.COUNTED.match(after) is not None
    if words.COUNTED.match(after):
        return True
    if _names_category(after, known) and not _belongs_to_for(before):
        return True
    ends = re.match(r"\s*(?:$|[,.;!?\x1f]|for\b|für\b|pour\b|para\b)", after)
    return ends is not None and words.ASKS_FOR.search(before) is not None


def _is_cjk_count(before: str, counted: re.Match[str], known: Vocabulary) -> bool:
    """The same where a measure word follows: with more than that word, or after "recommend".

    In 便宜一点 it says a bit.
    """
    if re.search("[宜贵好大小多少]$", before) and counted[0].strip()[:1] == "点":
        return False
    return (
        words.ASKS_FOR_CJK.search(before) is not None
        or len(counted[0].strip()) > 1
        or "つ" in counted[0]
        or _names_category(counted.string[counted.end() :], known)
    )


def _belongs_to_for(before: str) -> bool:
    """Whether the number counts those it is for: "for two tents"."""
    return (
        re.search(r"(?<![^\W_])(?:for|für|pour|para|with|mit|avec|con|com)\s+$", before, re.I)
        is not None
    )


def _names_category(after: str, known: Vocabulary) -> bool:
    """Whether a category is named within the next three words."""
    near = re.match(r"[^,.;!?\x1f]*", after)
    assert near is not None
    found = known.mentions(near[0])
    return bool(found and found[0].categories and len(TOKEN.findall(after[: found[0].start])) < 3)


@dataclass(frozen=True, slots=True)
class _Named:
    names: tuple[str, ...] = ()
    points: bool = False
    place: int | None = None
    several: bool = False
    cheaper: bool = False


def _named(text: Unread, known: Vocabulary) -> _Named:
    """What it should be like, where the words say so without quotes; it is blanked."""
    before = words.LIKE_AFTER.search(text.left)
    if before is not None:
        name = next(group for group in before.groups() if group is not None)
        found = _meant(name, name, known)
        if found is not None:
            at = text.left.index(name, before.start())
            less = before["zh2"] is not None
            cheaper = less or words.CHEAPER.search(before[0]) is not None
            begin = before.start() if less else at
            text.blank(begin, before.end() if less or found.points else at + len(name))
            return replace(found, cheaper=cheaper)
    for match in words.LIKE.finditer(text.left):
        if _asks_what_is_liked(text.left[: match.start()], match[0]):
            continue
        rest = text.left[match.end() :]
        hard = words.HARD_STOP.search(rest)
        longest = rest[: hard.start()] if hard else rest
        article = words.LEADING.match(longest)
        soft = words.SOFT_STOP.search(longest, article.end() if article else 0)
        shortest = longest[: soft.start()] if soft else longest
        found = _meant(longest, shortest, known)
        if found is None:
            continue
        cheaper = words.CHEAPER.search(match[0]) is not None
        compared = cheaper or words.NOT_DEARER.search(match[0]) is not None
        start = match.start() if found.points or compared else match.end()
        text.blank(start, match.end() + len(shortest))
        return replace(found, cheaper=cheaper)
    pointed = words.POINTED_ALONE.search(text.left)
    return _Named(points=pointed is not None)


def _meant(longest: str, shortest: str, known: Vocabulary) -> _Named | None:
    """What the words after "like" mean: something shown, or an item by its name."""
    bare = shortest.strip(" .।" + BREAK)
    for place, pattern in enumerate(words.PLACES, start=1):
        if pattern.fullmatch(bare):
            return _Named(points=True, place=place)
    if words.POINTING.fullmatch(bare):
        several = words.POINTING_AT_SEVERAL.match(bare) is not None
        return _Named(points=True, several=several)
    names = [_stripped(longest), _stripped(shortest)]
    names = [name for name in dict.fromkeys(names) if name and len(name.split()) <= _MAX_NAME_WORDS]
    telling = [
        name
        for name in names
        if any(map(says_something, TOKEN.findall(name)))
        # "Like a tent" means no item that is called so.
        and not ((found := known.mentions(name)) and is_all(found, name))
    ]
    return _Named(names=tuple(telling)) if telling else None


def _stripped(name: str) -> str:
    """A name without articles and without a "but" or "only" that hangs on to it."""
    return words.LEADING.sub("", name.strip(" .।\"'" + BREAK)).strip(" .।\"'" + BREAK)


def _asks_what_is_liked(before: str, lead: str) -> bool:
    """Whether "like" is what somebody does, as in "what would customer 42 like next"."""
    if lead.strip().lower() != "like":
        return False
    if re.search(
        r"(?<![^\W_])(?:who|i|we|they|you|to|also|really|people|kids|children|friends|and)\s*$",
        before,
        re.I,
    ):
        return True
    asked = re.search(
        r"(?<![^\W_])(?:would|could|might|may|will|does|do|did|should|"
        r"can)(?:n['’]t)?\s[^.;?!]{0,40}$|['’]d\s*$",
        before, re.IGNORECASE,
    )  # fmt: skip
    something = re.search(
        r"(?:something|anything|one|ones|more|items?|things?|products?)\s*$", before, re.I
    )
    return asked is not None and something is None


_BARE = frozenset(map(fold, BARE))


def _wanted(text: str, known: Vocabulary, excluded: frozenset[str]) -> tuple[str, ...]:
    """The categories that an item is to be of: those named, and not as what it is for."""
    kept: list[tuple[Mention, bool]] = []
    in_english = identify(text.replace(BREAK, " ")).code == "en"
    for named_here in known.mentions(text):
        mention = named_here
        # The last of two nouns side by side is what it is; "garden furniture" is no furniture
        # of an office, though that be all the furniture there is.
        if kept and not text[kept[-1][0].end : mention.start].strip(" -"):
            kept.pop()
            mention = mention._replace(categories=mention.whole, broader=())
        counts = not (
            _is_gift(mention)
            or words.PURPOSE_AFTER.match(text, mention.end)
            or _follows_purpose(text[: mention.start])
            or _is_part(text, mention, known, in_english=in_english)
        )
        kept.append((mention, counts))
    named = dict.fromkeys(
        category
        for mention, counts in kept
        if counts
        for category in mention.categories or mention.broader
    )
    return tuple(category for category in named if category not in excluded)


def _follows_purpose(before: str) -> bool:
    """Whether the words before a thing make it what an item is for."""
    if words.PURPOSE_BEFORE.search(before):
        return True
    of = words.OF_IN_FRENCH.search(before)
    last = re.search(r"[^\W\d_]+(?=\s*$)", before[: of.start()]) if of else None
    return last is not None and says_something(last[0])


def _is_part(text: str, mention: Mention, known: Vocabulary, *, in_english: bool) -> bool:
    """Whether a name is the first part of another thing's: a "food processor", a 跑步机."""
    after = text[mention.end :]
    if _CJK.match(text[mention.start]):
        run = TOKEN.match(after)
        following = known.mentions(after)
        return bool(
            run
            and _CJK.match(run[0])
            and not (following and following[0].start == 0)
            and not FILLER_CJK.match(run[0])
        )
    word = re.match(r"[ -]([^\W_]+)", after)
    return in_english and word is not None and says_something(word[1]) and not word[1].isdigit()


def _is_gift(mention: Mention) -> bool:
    """A gift may be of any category, though a shop may have one of that name."""
    return "gift" in mention.names


def _taste(text: str, known: Vocabulary) -> str | None:
    """The words that tell of an item, without those around them; None where there are none.

    That it is to be a gift tells nothing of it.
    """
    kept: list[str] = []
    at = 0
    for mention in [*known.mentions(text), None]:
        kept += _telling(text[at : mention.start if mention else len(text)])
        if mention is not None:
            kept.append(text[mention.start : mention.end])
            at = mention.end
    return " ".join(word for word in kept if fold(word) not in _BARE) or None


def _telling(text: str) -> list[str]:
    kept: list[str] = []
    for token in TOKEN.findall(text):
        if _KANA.search(token):
            # Particles and endings are in hiragana, and what tells of a thing hardly ever is.
            kept += _JAPANESE_WORD.findall(FILLER_CJK.sub(" ", token))
        elif _CJK.match(token):
            kept += FILLER_CJK.sub(" ", token).split()
        elif says_something(token) and not token.isdigit():
            kept.append(token)
    return kept


_KANA = re.compile("[\u3040-\u30ff]")
_JAPANESE_WORD = re.compile("[\u30a0-\u30ff]+|[\u3400-\u9fff]+")
