"""What people call the shop's categories, in nine languages, and where a sentence names one."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from importlib import resources
from typing import NamedTuple

from tools.recommendation.filler_words import FILLER

_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
TOKEN = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff]+|[^\W_\u0600-\u06ff\u0900-\u097f\u3040-\u30ff\u3400-\u9fff]+"
    r"|[\u0600-\u06ff]+|[\u0900-\u0963\u0966-\u097f]+"
)
"""A word; scripts without spaces give a run of characters."""
_PARTS = re.compile(r"\s*(?:[&,/|+>]|\band\b)\s*", re.IGNORECASE)
_ARABIC_LEADS = ("وال", "بال", "لل", "ال", "و", "ب", "ل")
_LEAST_STEM = 3


class Mention(NamedTuple):
    """`text[start:end]` names these categories of the shop, or a thing none of them is about.

    `names` are other words for the same thing, in any language. `broader` are the categories that
    it belongs to where none is its own: "running shoes" are shoes. `whole` are those of
    `categories` that are called so, and not only end so.
    """

    start: int
    end: int
    categories: tuple[str, ...]
    names: tuple[str, ...] = ()
    broader: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()


def fold(word: str) -> str:
    """The word without case and accents."""
    plain = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", word).casefold())
    return unicodedata.normalize("NFC", "".join(c for c in plain if not "\u0300" <= c <= "\u036f"))


_FILLER = frozenset(map(fold, FILLER))


@lru_cache(maxsize=50_000)
def stems(word: str) -> frozenset[str]:
    """What a word may be once its plural or its article is off; two words that share one match."""
    word = fold(word)
    found = {word}
    if word.isascii():
        for ending, kept in (("ies", "y"), ("es", ""), ("s", ""), ("x", ""), ("n", "")):
            least = _LEAST_STEM if ending == "s" else _LEAST_STEM + 1
            if word.endswith(ending) and len(word) - len(ending) >= least:
                found.add(word.removesuffix(ending) + kept)
    found |= {
        word.removeprefix(lead)
        for lead in _ARABIC_LEADS
        if word.startswith(lead) and len(word) - len(lead) >= _LEAST_STEM
    }
    return frozenset(found)


def says_something(word: str) -> bool:
    """Whether a word of a wish tells of an item; "the" and "please" do not."""
    return fold(word) not in _FILLER and (len(word) > 1 or _UNSPACED.match(word) is not None)


def same_word(one: str, other: str) -> bool:
    """Whether two words are one but for case, accents and number."""
    return not stems(one).isdisjoint(stems(other))


def contains(text: str, phrase: str) -> bool:
    """Whether every word of a phrase is in a text, whatever its case, accents and number."""
    words = TOKEN.findall(phrase)
    return bool(words) and all(_occurs(word, text) for word in words)


def _occurs(word: str, text: str) -> bool:
    if _UNSPACED.match(word):
        return fold(word) in fold(text)
    return any(same_word(word, other) for other in TOKEN.findall(text))


_DENIED = re.compile(
    r"(?<![^\W_])(?:free (?:of|from)|without(?: any)?|contains no|no)\s+[^\W_]+(?:(?:,| or|"
    r" and) [^\W_]+)*"
    r"|(?<![^\W_])[^\W_]+-free(?![^\W_])",
    re.IGNORECASE,
)


def without_denials(text: str) -> str:
    """A description without what it says is not in the thing: "free of leather", "nut-free"."""
    return _DENIED.sub(" ", text)


@cache
def _things() -> tuple[tuple[str, ...], ...]:
    """The table's rows: all names of one thing, those in English first."""
    file = resources.files("tools.recommendation").joinpath("category_names.csv")
    rows = csv.DictReader(file.read_text("utf-8").splitlines())
    return tuple(
        tuple(dict.fromkeys(name for cell in row.values() for name in cell.split("|")))
        for row in rows
    )


def is_for_gifts(category: str) -> bool:
    """Whether a category holds what may be given away: that says little of what a thing is."""
    gifts = next(names for names in _things() if "gift" in names)
    return any(_is_called(name, category) for name in gifts)


class _Form(NamedTuple):
    """A way to name something, word by word."""

    words: tuple[str, ...]
    categories: tuple[str, ...]
    names: tuple[str, ...]
    broader: tuple[str, ...]
    whole: tuple[str, ...]

    def mention(self, start: int, end: int) -> Mention:
        return Mention(start, end, self.categories, self.names, self.broader, self.whole)


class _Said:
    """What one form of words may mean, while the forms are collected."""

    def __init__(self) -> None:
        self.categories: set[str] = set()
        self.names: set[str] = set()
        self.broader: set[str] = set()
        self.whole: set[str] = set()

    def form(self, words: tuple[str, ...]) -> _Form:
        sets = (self.categories, self.names, self.broader, self.whole)
        return _Form(words, *(tuple(sorted(each)) for each in sets))


class Vocabulary:
    """The names of one shop's categories.

    A category is named by its own name, by a part of it ("Home & Kitchen"), by what its last word
    is ("shoes" names "running shoes"), and by what the table calls it in other languages.
    """

    def __init__(self, categories: Iterable[str]) -> None:
        self._said: dict[tuple[str, ...], _Said] = {}
        listed = sorted(set(categories))
        for names in _things():
            fitting = [c for c in listed if any(_names_it(name, c) for name in names)]
            head = TOKEN.findall(names[0])[-1]
            broader = [] if fitting else [c for c in listed if _names_it(head, c)]
            for name in names:
                # "thé" without its accent is an article.
                if fold(name) not in _FILLER:
                    # Where machines and makers are two categories, each name means its own.
                    own = [c for c in fitting if _names_it(name, c)]
                    self._add(name, own or fitting, names, broader)
        for category in listed:
            for name in _own_names(category):
                self._add(name, [category])
        self._spaced: dict[str, list[_Form]] = {}
        self._unspaced: list[_Form] = []
        for words, said in self._said.items():
            form = said.form(words)
            if _UNSPACED.search(words[0]):
                self._unspaced.append(form)
            else:
                for stem in stems(words[0]):
                    self._spaced.setdefault(stem, []).append(form)
        self._unspaced.sort(key=lambda form: -len(form.words[0]))

    def _add(
        self,
        name: str,
        categories: Sequence[str],
        names: Sequence[str] = (),
        broader: Sequence[str] = (),
    ) -> None:
        words = tuple(fold(word) for word in TOKEN.findall(name))
        if words:
            said = self._said.setdefault(words, _Said())
            said.categories.update(categories)
            said.names.update(names)
            said.broader.update(broader)
            said.whole.update(
                c for c in categories if any(_is_called(n, c) for n in (name, *names))
            )

    def mentions(self, text: str) -> list[Mention]:
        """The categories and known things that a text names, in order; the longest name wins."""
        tokens = [(m.start(), m.end(), m[0]) for m in TOKEN.finditer(text)]
        found: list[Mention] = []
        at = 0
        while at < len(tokens):
            start, _, word = tokens[at]
            if _UNSPACED.match(word):
                found += self._inside(word, start)
                at += 1
                continue
            best = self._longest([token for _, _, token in tokens[at : at + 6]])
            if best is None:
                at += 1
                continue
            last = tokens[at + len(best.words) - 1][1]
            found.append(best.mention(start, last))
            at += len(best.words)
        return found

    def _longest(self, words: Sequence[str]) -> _Form | None:
        fitting = {
            form
            for stem in stems(words[0])
            for form in self._spaced.get(stem, ())
            if len(form.words) <= len(words) and all(map(same_word, form.words, words))
        }
        if not fitting:
            return None
        length = max(len(form.words) for form in fitting)
        longest = [form for form in fitting if len(form.words) == length]
        said = _Said()
        for form in longest:
            said.categories.update(form.categories)
            said.names.update(form.names)
            said.broader.update(form.broader)
            said.whole.update(form.whole)
        return said.form(longest[0].words)

    def _inside(self, run: str, offset: int) -> list[Mention]:
        """Names in a run of characters without spaces."""
        folded = fold(run)
        if len(folded) != len(run):
            folded = run
        taken = [False] * len(run)
        found = []
        for form in self._unspaced:
            name = "".join(form.words)
            start = folded.find(name)
            while start >= 0:
                end = start + len(name)
                if not any(taken[start:end]):
                    taken[start:end] = [True] * (end - start)
                    found.append(form.mention(offset + start, offset + end))
                start = folded.find(name, end)
        return sorted(found)


def _own_names(category: str) -> list[str]:
    """A category's name, its parts, and its head: "running shoes" is also "shoes"."""
    parts = [part for part in _PARTS.split(category.replace("_", " ")) if part]
    heads = [words[-1] for part in parts if len(words := part.replace("-", " ").split()) > 1]
    return list(dict.fromkeys([category.replace("_", " "), *parts, *heads]))


def _names_it(name: str, category: str) -> bool:
    """Whether a name of the table is what the category, or a part of it, is called."""
    return any(_is_called(name, part) for part in _own_names(category))


def _is_called(name: str, category: str) -> bool:
    words, own = TOKEN.findall(name), TOKEN.findall(category)
    return len(own) == len(words) and all(map(same_word, own, words))


@lru_cache(maxsize=8)
def vocabulary(categories: tuple[str, ...]) -> Vocabulary:
    """The vocabulary of a shop's categories, made once."""
    return Vocabulary(categories)
