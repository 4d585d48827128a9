"""How texts are pronounced, in the alphabet of phonemes that Kokoro was trained on.

English by hibari's dictionaries, Japanese by MeCab's, Chinese by misaki over jieba and pypinyin,
the other languages by espeak-ng. What is not English needs the extra `voices`.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from functools import cache

from model_servers import japanese

Phonemizer = Callable[[str], str]
"""From a sentence to its phonemes, with stress or tone marks and punctuation."""

_ESPEAK_NAMES = {"es": "es", "fr": "fr-fr", "hi": "hi", "it": "it", "pt": "pt-br"}
_LATIN_WORDS = re.compile(r"[A-Za-z][A-Za-z'’ -]*")


@cache
def phonemizer(language: str, region: str) -> Phonemizer:
    """What pronounces a language, such as ("en", "GB"). One thread at a time may use it.

    Raises KeyError for a language that nothing here pronounces, ImportError without the extra.
    """
    if language == "en":
        return _english(british=region == "GB")
    if language == "zh":
        return _chinese()
    if language == "ja":
        return japanese.phonemizer(phonemizer("en", "US"))
    return _espeak(_ESPEAK_NAMES[language])


def _english(*, british: bool) -> Phonemizer:
    from hibari.g2p import G2P

    pronounce = G2P(british=british)
    return lambda text: str(pronounce(text))


def _espeak(name: str) -> Phonemizer:
    from misaki.espeak import EspeakG2P

    pronounce = EspeakG2P(name)
    return lambda text: str(pronounce(text)[0])


def _chinese() -> Phonemizer:
    with warnings.catch_warnings():
        # jieba has invalid escapes in its strings, and asks for a deprecated module.
        warnings.simplefilter("ignore")
        import jieba
        from misaki.zh import ZHG2P

    jieba.setLogLevel("WARNING")
    chinese, english = ZHG2P(), phonemizer("en", "US")

    def pronounce(text: str) -> str:
        pieces: list[str] = []
        at = 0
        for match in _LATIN_WORDS.finditer(text):
            pieces += [_chinese_run(text[at : match.start()]), english(match[0].strip())]
            at = match.end()
        pieces.append(_chinese_run(text[at:]))
        return " ".join(filter(None, pieces))

    def _chinese_run(text: str) -> str:
        return str(chinese(text)[0]) if text.strip() else ""

    return pronounce
