"""Takes a request apart: what is asked, clause by clause, and the text that it is asked about.

Pure and quick: no model is called. What can't be told from the words alone (is the second
sentence another wish or the text to work on?) is left to the composer, which has the router's
scores.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from tools.sentences import split_sentences

Joiner = Literal["", "and", "then"]


@dataclass(frozen=True, slots=True)
class Clause:
    """One wish. `joiner` says how it follows the one before."""

    text: str
    joiner: Joiner = ""


@dataclass(frozen=True, slots=True)
class Parted:
    """A request taken apart where its form shows how.

    Attributes:
        instruction: what is asked, with a quoted span replaced by a word that points at it.
        payload: the text it is asked about, or None where the form does not show it.
        mark: what set the payload off.
    """

    instruction: str
    payload: str | None = None
    mark: Literal["colon", "quotes", "blank line", "fence"] | None = None


POINTING = re.compile(
    r"\b(?:this|that|these|those|it|its|them|their|the following|the (?:text|message|mail|email|"
    r"e-mail|review|document|file|contract|letter|paragraph|article|note|summary|translation|"
    r"answer|result|transcript|attachment)|below|above|attached|"
    r"dies\w*|das|es|folgend\w*|angehängt\w*|"
    r"ce|cet|cette|ces|ceci|cela|ça|le texte|suivant\w*|ci-dessous|ci-joint\w*|"
    r"est[aeo]s?|es[aeo]s?|siguiente\w*|adjunt\w*|"
    r"ist[oa]|est[ae]s?|isso|ess[ae]s?|seguinte\w*|anex\w*)\b"
    r"|这|那|它|以下|下面|上面|下列|该|附件|これ|この|それ|その|以下|添付"
    r"|هذا|هذه|ذلك|تلك|التالي|المرفق|यह|इस|वह|उस|ये|इन|निम्न",
    re.IGNORECASE,
)
"""Words that point at something said elsewhere: at a text, a file, or an earlier answer."""

_POLITE = (
    r"(?:(?:also|please|then|just|now|bitte|auch|danach|por favor|también|luego|s'il (?:te|vous) "
    r"pla[iî]t|aussi|ensuite|puis|também|depois|can you|could you|i want you to|i'd like you to)"
    r",?\s+){0,3}"
)
_JOINERS: dict[str, Joiner] = {
    "and then": "then", "then": "then", "after that": "then", "afterwards": "then",
    "and finally": "then", "finally": "then",
    "and": "and", "also": "and", "plus": "and", "as well as": "and", "but": "and",
    "und dann": "then", "dann": "then", "danach": "then", "und": "and", "sowie": "and",
    "y luego": "then", "luego": "then", "después": "then", "y": "and", "e": "and",
    "et ensuite": "then", "et puis": "then", "puis": "then", "ensuite": "then", "et": "and",
    "e depois": "then", "depois": "then", "e então": "then", "y de ahí": "then",
}  # fmt: skip
_JOINER = "|".join(sorted(map(re.escape, _JOINERS), key=len, reverse=True))
_SEQUELS = [word for word, joiner in _JOINERS.items() if joiner == "then"]
_SEQUEL = "|".join(sorted(map(re.escape, _SEQUELS), key=len, reverse=True))
_PLAIN_SEQUELS = [word for word in _SEQUELS if " " in word and word != "after that"]
_PLAIN_SEQUEL = "|".join(
    [*map(re.escape, _PLAIN_SEQUELS), "ثم", "और फिर", r"फिर(?!\s+से)", "उसके बाद"]
)
"""What joins two wishes whatever the second begins with, and without a comma."""
_CJK_JOINERS: dict[str, Joiner] = {
    "然后": "then", "接着": "then", "之后": "then", "再": "then", "最后": "then",
    "并且": "and", "并": "and", "同时": "and", "另外": "and", "以及": "and",
    "そして": "and", "それから": "then", "次に": "then", "また": "and",
}  # fmt: skip
_CJK_JOINER = "|".join(sorted(_CJK_JOINERS, key=len, reverse=True))
_CJK = r"\u3040-\u30ff\u3400-\u9fff"

_COMMANDS = """
    translate summarize summarise list find tell extract give show read say make put turn
    write classify rate detect describe identify pull name redact anonymize anonymise answer
    explain check compare get mark highlight count shorten condense boil render convert label
    sort flag cut trim shrink squeeze blank strip remove hide look search decide judge
    übersetze übersetz übersetzen fasse fass nenne liste finde zeige sag sage gib
    erkläre schwärze anonymisiere traduis traduisez traduire résume résumez résumer liste
    listez donne donnez trouve trouvez extrais extrayez dis dites traduce traduzca traducir
    resume resuma resumir enumera lista dime dame encuentra extrae saca traduza traduz
    traduzir resuma resumir liste diga dê encontre extraia
"""
_QUESTIONS = """
    what which who how where when why is are does do can welche was wer wie wo wann ist sind
    quels quelles quel quelle qui comment où quand est qué cuál cuáles quién quiénes cómo
    dónde cuándo quais qual quem como onde quando
"""
COMMANDS = frozenset(_COMMANDS.split())
"""Words that an order begins with."""
STARTERS = COMMANDS | frozenset(_QUESTIONS.split())
"""Words that a wish begins with: a conjunction before one of them parts two wishes."""

COLON = re.compile(r"(?<!\d)[:：](?!//)(?=\s|[\"“«„「『]|[" + _CJK + r"])|：")
FENCE = re.compile(r"```[\w-]*\n(?P<text>.*?)(?:```|\Z)", re.DOTALL)
QUOTES = (
    re.compile(r"\"(?P<text>[^\"]{2,})\""),
    re.compile(r"“(?P<text>[^”]{2,})”"),
    re.compile(r"„(?P<text>[^“”]{2,})[“”]"),
    re.compile(r"«\s?(?P<text>[^»]{2,}?)\s?»"),
    re.compile(r"「(?P<text>[^」]{2,})」"),
    re.compile(r"『(?P<text>[^』]{2,})』"),
    re.compile(r"(?<!\w)['‘](?P<text>[^'‘’]{2,}(?:['’]\w[^'‘’]*)*)['’](?!\w)"),
)
MAX_INSTRUCTION_CHARS = 600


def part(text: str) -> Parted:
    """Set the payload off where the request's form shows it.

    A fenced block, a blank line, a colon and a quoted span do, in this order. Whether a colon or
    a quotation really introduces the payload is confirmed by the composer.
    """
    if fence := FENCE.search(text):
        rest = (text[: fence.start()] + " " + text[fence.end() :]).strip()
        if rest and fence["text"].strip():
            return Parted(rest, fence["text"].strip(), "fence")
    colon = COLON.search(text, 0, MAX_INSTRUCTION_CHARS)
    if colon and text[: colon.start()].strip() and text[colon.end() :].strip():
        return Parted(text[: colon.start()].strip(), unquoted(text[colon.end() :]), "colon")
    paragraphs = re.split(r"\n\s*\n|\n", text.strip(), maxsplit=1)
    if len(paragraphs) == 2 and len(paragraphs[0]) <= MAX_INSTRUCTION_CHARS:
        return Parted(paragraphs[0].strip(), paragraphs[1].strip(), "blank line")
    quoted = [match for form in QUOTES for match in form.finditer(text)]
    if len(quoted) == 1:
        (match,) = quoted
        rest = f"{text[: match.start()]} this {text[match.end() :]}"
        if len(text) - (match.end() - match.start()) >= 4:
            return Parted(" ".join(rest.split()), match["text"].strip(), "quotes")
    return Parted(text.strip())


_QUOTED_LINE = re.compile(r"^[>＞].*$", re.MULTILINE)


def in_own_words(text: str) -> str:
    """The text without what it quotes: fenced blocks, quoted lines and quoted spans."""
    text = _QUOTED_LINE.sub("", FENCE.sub(" ", text))
    for form in QUOTES:
        text = form.sub(" this ", text)
    return text.strip()


def unquoted(text: str) -> str:
    """The text without one pair of quotes around the whole of it."""
    text = text.strip()
    for form in QUOTES:
        if (match := form.fullmatch(text)) is not None:
            return match["text"].strip()
    return text


def split_clauses(text: str, starters: frozenset[str] = STARTERS) -> tuple[Clause, ...]:
    """The wishes in an instruction, in order.

    Sentences part wishes, and so do a conjunction or comma before a word that begins one. A
    conjunction between nouns ("people and places") does not.
    """
    return tuple(
        clause
        for span in split_sentences(text)
        for clause in _split_sentence(text[span.start : span.end], starters)
        if clause.text
    )


@cache
def _boundaries(starters: frozenset[str]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Where one wish ends and the next begins; and a conjunction at a sentence's very start."""
    words = "|".join(sorted(map(re.escape, starters), key=len, reverse=True))
    boundary = re.compile(
        rf"(?:[,;，；、]\s*|\s+)(?P<joiner>{_JOINER})\s+(?={_POLITE}(?:{words})\b)"
        rf"|[,;]\s+(?={_POLITE}(?:{words})\b)"
        rf"|[,;،]\s*(?P<sequel>{_SEQUEL}|ثم),?\s+|\s+(?P<plain>{_PLAIN_SEQUEL})\s+"
        rf"|[，；、。]?\s*(?P<cjk>{_CJK_JOINER})(?=[{_CJK}])"
        rf"|(?<=て)[、，]|；\s*|;\s+|(?<=[{_CJK}])[，](?=[{_CJK}])",
        re.IGNORECASE,
    )
    leading = re.compile(rf"(?P<joiner>{_JOINER}),?\s+(?={_POLITE}(?:{words})\b)", re.IGNORECASE)
    return boundary, leading


def _split_sentence(sentence: str, starters: frozenset[str]) -> list[Clause]:
    boundary, leading = _boundaries(starters)
    clauses: list[Clause] = []
    joiner: Joiner = ""
    begin = 0
    if first := leading.match(sentence):
        joiner, begin = _JOINERS[first["joiner"].lower()], first.end()
    for match in boundary.finditer(sentence, begin):
        if match.start() <= begin:
            continue
        clauses.append(Clause(sentence[begin : match.start()].strip(" ,;，；、"), joiner))
        word, cjk = match["joiner"], match["cjk"]
        joiner = _JOINERS[word.lower()] if word else _CJK_JOINERS[cjk] if cjk else "and"
        if match["sequel"] or match["plain"]:
            joiner = "then"
        begin = match.end()
    clauses.append(Clause(sentence[begin:].strip(" ,;，；、"), joiner))
    return clauses


def points(text: str) -> bool:
    """Whether the words point at something said elsewhere."""
    return POINTING.search(text) is not None
