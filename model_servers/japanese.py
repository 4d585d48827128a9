"""How Japanese is pronounced: readings by MeCab with the IPA dictionary, then kana to phonemes.

The phonemes are those of Tokyo speech in the International Phonetic Alphabet, as in the Handbook
of the International Phonetic Association (Okada 1999), with the affricates and the palatal marks
in the spelling that Kokoro was trained on.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

_ROWS = {
    "": "アイウエオ",
    "k": "カキクケコ",
    "ɡ": "ガギグゲゴ",
    "s": "サシスセソ",
    "ʣ": "ザジズゼゾ",
    "t": "タチツテト",
    "d": "ダヂヅデド",
    "n": "ナニヌネノ",
    "h": "ハヒフヘホ",
    "b": "バビブベボ",
    "p": "パピプペポ",
    "m": "マミムメモ",
    "ɾ": "ラリルレロ",
}
_VOWELS = ("a", "i", "ɯ", "e", "o")
_ONSETS = {
    **dict.fromkeys("ジヂ", "ʥ"),
    **dict.fromkeys("ズヅ", "z"),
    **dict.fromkeys("ヤユヨ", "j"),
    **dict.fromkeys("ワヮヰヱ", "β"),
    "シ": "ɕ",
    "チ": "ʨ",
    "ツ": "ʦ",
    "ニ": "ɲ",
    "ヒ": "ç",
    "フ": "ɸ",
    "ヴ": "v",
}
"""Where the onset is not that of the row."""
_NUCLEI = {
    **dict.fromkeys("スズツヅ", "ɨ"),
    **dict.fromkeys("ワヮヤ", "a"),
    **dict.fromkeys("ユヴ", "ɯ"),
    "ヨ": "o",
    "ヲ": "o",
    "ヰ": "i",
    "ヱ": "e",
}
_PALATAL = "ʲ"
_ALREADY_PALATAL = ("ʥ", "ɕ", "ʨ", "ɲ", "ç", "β", "j", "")
_SMALL = {
    **dict(zip("ァィゥェォ", _VOWELS, strict=True)),
    **dict(zip("ャュョ", ("a", "ɨ", "o"), strict=True)),
}
_SMALL_Y = "ャュョ"
_PIECES = re.compile(r"(?P<latin>[A-Za-z][A-Za-z'’ -]*)|[^A-Za-z]+")
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_MAX_DIGITS = 9
"""Of a number that is read as one; longer ones are read digit by digit."""
_LONG_U = re.compile("(?<=[ュョ])ウ")
_WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
_MARKS = str.maketrans("、。！？：；「」『』（）", ",.!?:;“”“”()")
_PRONUNCIATION = 8
"""Its column in the dictionary; words that it doesn't know have fewer."""


def phonemizer(english: Callable[[str], str]) -> Callable[[str], str]:
    """What pronounces Japanese; `english` pronounces the Latin words in it."""
    import ipadic
    import MeCab

    tagger = MeCab.Tagger(ipadic.MECAB_ARGS)

    def pronounce(text: str) -> str:
        pieces: list[str] = []
        for match in _PIECES.finditer(_GROUPED.sub("", unicodedata.normalize("NFKC", text))):
            if match["latin"]:
                pieces.append(english(match[0].strip()))
            else:
                pieces += map(phonemes, _readings(match[0], tagger))
        return re.sub(r" +([,.!?:;”)])", r"\1", " ".join(filter(None, pieces)))

    return pronounce


def phonemes(katakana: str) -> str:
    """The phonemes of a word in katakana; punctuation as it is, anything else left out."""
    sounds: list[str] = []
    for kana in katakana:
        if kana in _SMALL and sounds:
            sounds[-1] = _contracted(sounds[-1], kana)
        else:
            sounds.append(_sound(kana))
    spoken = "".join(sounds)
    for nasal, before in (("m", "mpb"), ("ŋ", "kɡ"), ("ɲ", "ɲʨʥ"), ("n", "ntdɾzʣʦ")):
        spoken = re.sub(f"ɴ(?=[{before}])", nasal, spoken)
    return spoken


def _readings(text: str, tagger: Any) -> Iterator[str]:
    """The pronunciation of each word, in katakana; a mark for punctuation."""
    digits = ""
    # The dictionary knows wide digits as numbers, and reads what is counted accordingly.
    for line in tagger.parse(text.translate(_WIDE)).splitlines():
        surface, _, facts = line.partition("\t")
        if surface.isdigit():
            digits += surface
            continue
        if digits:
            yield _number(digits)
            digits = ""
        if facts:
            yield _reading(surface, facts.split(","))


def _reading(surface: str, columns: list[str]) -> str:
    mark = surface.translate(_MARKS)
    if mark != surface:
        return mark
    known = len(columns) > _PRONUNCIATION and columns[_PRONUNCIATION] != "*"
    return columns[_PRONUNCIATION] if known else _katakana(surface)


def _number(digits: str) -> str:
    from misaki.num2kana import Convert

    plain = unicodedata.normalize("NFKC", digits)
    parts = [plain] if len(plain) <= _MAX_DIGITS else list(plain)
    kana = "".join(_katakana(Convert(part, "hiragana")) for part in parts)
    return _LONG_U.sub("ー", kana)


def _katakana(text: str) -> str:
    return "".join(chr(ord(char) + 0x60) if "ぁ" <= char <= "ゖ" else char for char in text)


def _sound(kana: str) -> str:
    """The phonemes of one character."""
    if kana in "ンッー":
        return {"ン": "ɴ", "ッ": "ʔ", "ー": "ː"}[kana]
    if kana in ".,!?:;“”()":
        return kana
    if kana in _NUCLEI and kana not in "スズツヅ":
        return _ONSETS.get(kana, "") + _NUCLEI[kana]
    if kana in _SMALL:
        return ("j" if kana in _SMALL_Y else "") + _SMALL[kana]
    for onset, row in _ROWS.items():
        if kana in row:
            vowel = _VOWELS[row.index(kana)]
            onset = _ONSETS.get(kana, onset)  # noqa: PLW2901
            if vowel == "i" and onset not in _ALREADY_PALATAL:
                onset += _PALATAL  # noqa: PLW2901
            return onset + _NUCLEI.get(kana, vowel)
    return ""


def _contracted(sound: str, small: str) -> str:
    """A syllable whose vowel a small character replaces, as in キ + ャ or フ + ァ."""
    if not sound or sound[-1] not in "aiɯeoɨ":
        return sound
    onset = sound[:-1]
    if small in _SMALL_Y:
        if not onset:
            return sound + "j" + _SMALL[small]
        if not onset.endswith(_PALATAL) and onset not in _ALREADY_PALATAL:
            onset += _PALATAL
    elif not onset:
        onset = {"ɯ": "β", "i": "j"}.get(sound, "")
    elif small == "ィ" and not onset.endswith(_PALATAL) and onset not in _ALREADY_PALATAL:
        onset += _PALATAL
    return onset + _SMALL[small]
