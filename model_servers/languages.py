"""Which language a text is in: the script decides where it can, py3langid among the rest.

py3langid knows 140 languages and is near chance on one or two words, so it is asked only about
the languages that share the text's script, and in Latin script it is helped by the commonest
words of each language and by how often people write to a service in it.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from functools import cache, lru_cache
from typing import Any, NamedTuple


class Guess(NamedTuple):
    """ISO 639-1 code ("und" where there are no letters at all) and how likely it is, 0 to 1."""

    code: str
    probability: float


UNDETERMINED = "und"
_SAMPLE_CHARS = 1_000

_LATIN = "en es fr de pt it nl pl cs sv da no fi tr vi id ro hu"
# First code point of a block, its script; blocks run to the next row.
_BLOCKS: tuple[tuple[int, str], ...] = (
    (0x0000, "latin"),
    (0x0370, "el"),
    (0x0400, "cyrillic"),
    (0x0530, "hy"),
    (0x0590, "he"),
    (0x0600, "arabic"),
    (0x0700, ""),
    (0x0900, "devanagari"),
    (0x0980, "bn"),
    (0x0A00, "pa"),
    (0x0A80, "gu"),
    (0x0B00, ""),
    (0x0B80, "ta"),
    (0x0C00, "te"),
    (0x0C80, "kn"),
    (0x0D00, "ml"),
    (0x0D80, "si"),
    (0x0E00, "th"),
    (0x0E80, "lo"),
    (0x0F00, ""),
    (0x1000, "my"),
    (0x10A0, "ka"),
    (0x1100, "ko"),
    (0x1200, "am"),
    (0x1400, ""),
    (0x1780, "km"),
    (0x1800, ""),
    (0x1D00, "latin"),
    (0x1F00, "el"),
    (0x2000, ""),
    (0x2C60, "latin"),
    (0x2C80, ""),
    (0x2E80, "han"),
    (0x3040, "ja"),
    (0x3100, ""),
    (0x3130, "ko"),
    (0x3190, ""),
    (0x3400, "han"),
    (0xA000, ""),
    (0xA720, "latin"),
    (0xA800, ""),
    (0xAC00, "ko"),
    (0xD7B0, ""),
    (0xF900, "han"),
    (0xFB00, "latin"),
    (0xFB1D, "he"),
    (0xFB50, "arabic"),
    (0xFE00, ""),
    (0xFE70, "arabic"),
    (0xFF00, "latin"),
    (0xFF66, "ja"),
    (0xFFA0, "ko"),
    (0xFFE0, ""),
    (0x20000, "han"),
    (0x323B0, ""),
)
_STARTS = [start for start, _ in _BLOCKS]
# A character of these says about as much as a whole short word of Latin letters.
_DENSE = {"han": 3.0, "ja": 3.0, "ko": 2.0}
_BY_SCRIPT = {
    "latin": _LATIN.split(),
    "cyrillic": ["ru", "uk", "bg"],
    "arabic": ["ar", "fa", "ur"],
    "devanagari": ["hi", "mr", "ne"],
    "han": ["zh"],
}
_PRIOR = {"en": 8.0, "es": 3.0, "fr": 3.0, "de": 3.0, "pt": 3.0, "ru": 3.0, "ar": 4.0, "hi": 4.0}

# Words too short or too common for n-grams to tell; none stands for two languages here unless it
# is listed for both.
_WORDS = {
    "en": "a an and are be but can do for from good have hello hey hi how i in is it me meh my no "
    "not of ok okay on or please sorry thank thanks that the they this to was what when where "
    "which who why with yes you your",
    "es": "adiós al aquí bien buenas buenos como con cuál cuándo cuánto de del donde el en es esta "
    "está este gracias hola la las lo los mal me mi muy no para pero por que qué se sí son su tu "
    "un una y ya yo",
    "fr": "à au aux avec bonjour bonsoir ça c ce ces cette comment d dans de des du elle en est et "
    "il j je l la le les mais merci mes mon ne non nous ou oui où par pas pour qu quand que quel "
    "quelle qui salut se son sur très tu un une va vous",
    "de": "aber als am auf auch aus bitte danke das dem den der die ein eine einen er es für guten "
    "hallo hat ich im in ist ja kann kein mein mit nein nicht noch oder schlecht sehr sie sind tag "
    "und von was wann wer wie wir wo zu zum zur",
    "pt": "a ao as bem boa bom com como da das de do dos e é ela ele em essa esse esta este eu foi "
    "isso isto já mais mas me meu minha muito na não no o obrigada obrigado oi olá onde os ou para "
    "por porque quando quanto que sem seu sim sua são tudo um uma você",
    "it": "anche buongiorno c che ci ciao come con cosa dal de del della di dove e è gli grazie ho "
    "i il in io la le lo ma mi mio non per perché più prego quando quanto questa questo sì sono un "
    "una",
    "nl": "aan bedankt dank dat de die dit een en er geen goed hallo het hoe ik in is je maar met "
    "mijn naar niet nog of ook op te van voor waar wat wel zijn",
    "pl": "cześć co czy dla do dziękuję i jak jest mam na nie o od się tak to w z za że",
    "cs": "a ahoj ale děkuji co dobrý je jak kde na ne se to v ve z že",
    "sv": "att av de den det du ett en hej hur i inte jag med och om på som tack till är var vad",
    "da": "af at den der det du en er et for hej hvad hvor ikke jeg med og på tak til",
    "no": "at av de den det du en er et for hei hva hvor ikke jeg med og på takk til",
    "fi": "ei en että hei hän ja joka kiitos kun minä mikä moi on ole oli se tämä",
    "tr": "ama bir bu çok da de evet hayır için ile iyi merhaba mi mı nasıl ne nerede teşekkürler "
    "ve var yok",
    "vi": "anh bạn cảm chào có của cho đã đang được gì không là này ơn ở rất tôi và với xin",
    "id": "ada adalah apa bagaimana dan dari dengan di halo ini itu kasih ke saya terima tidak "
    "untuk yang",
    "ro": "am bună ce cu cum de din este la mai mulțumesc nu o pe salut sau și sunt un în",
    "hu": "a az egy és hogy hol igen köszönöm mi nem szia van vagy",
}
# A common word's evidence, in nats; n-grams say little of three words or fewer.
_WORD_WEIGHT = 2.0
_WORD_WEIGHT_SHORT = 4.0

_NOT_LANGUAGE = re.compile(r"https?://\S+|www\.\S+|\S+@\S+|[@#]\w+|\d+")
_TOKEN = re.compile(r"[^\W\d_]+")


def identify(text: str) -> Guess:
    """The likeliest language of a text by its first 1,000 characters. Costs about 150 µs."""
    return _identify(text[:_SAMPLE_CHARS])


@lru_cache(maxsize=4096)
def _identify(sample: str) -> Guess:
    prose = _NOT_LANGUAGE.sub(" ", sample)
    weights: defaultdict[str, float] = defaultdict(float)
    for char in prose:
        if char.isalpha():
            script = _BLOCKS[bisect_right(_STARTS, ord(char)) - 1][1]
            weights[script] += _DENSE.get(script, 1.0)
    weights.pop("", None)
    if not weights:
        return Guess(UNDETERMINED, 0.0)
    if weights["ja"] and weights["ja"] >= 0.1 * weights["han"]:
        weights["ja"] += weights.pop("han")  # kana between kanji
    script, weight = max(weights.items(), key=lambda pair: pair[1])
    share = weight / sum(weights.values())
    languages = _BY_SCRIPT.get(script, [script])
    if len(languages) == 1:
        return Guess(languages[0], round(share, 4))
    scores = _scores(prose, languages)
    best = max(scores, key=scores.__getitem__)
    return Guess(best, round(scores[best] * share, 4))


def _scores(prose: str, languages: list[str]) -> dict[str, float]:
    """Probabilities that add up to 1 over `languages`."""
    likelihood = dict(_identifier().rank(prose))
    words = Counter(_TOKEN.findall(prose.lower()))
    word_weight = _WORD_WEIGHT if words.total() > 3 else _WORD_WEIGHT_SHORT
    logs = {
        code: math.log(likelihood.get(code, 0.0) + 1e-9)
        + math.log(_PRIOR.get(code, 1.0))
        + word_weight * sum(min(words[word], 2) for word in _common_words(code))
        for code in languages
    }
    highest = max(logs.values())
    odds = {code: math.exp(value - highest) for code, value in logs.items()}
    total = sum(odds.values())
    return {code: value / total for code, value in odds.items()}


@cache
def _common_words(code: str) -> frozenset[str]:
    return frozenset(_WORDS.get(code, "").split())


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages([code for codes in _BY_SCRIPT.values() for code in codes])
    return identifier
