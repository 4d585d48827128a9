"""Resolves a follow-up against the conversation, before anything is routed.

Rules resolve another language ("and into German?") and another text for the same wish ("and this
one: …"). A question that leans on the one before ("and shoes?") is completed with its words: the
part that the follow-up replaces is found by the encoder. The LLM is not asked: the packaged one
repeats the question before more often than not.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.clauses import part
from orchestrator.draft import ANSWERER
from orchestrator.plan import Plan
from orchestrator.router import CHAT
from orchestrator.turn import Message
from tools.language_names import find_languages, language_name
from tools.sentences import split_sentences

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_FOLLOWUP_CHARS = 160
_CITATION = re.compile(r"\s?\[\d{1,2}\]")

_NO = r"not?|without|nicht|kein\w*|ohne|pas|sans|sin|sem"
_LEADS_ON = re.compile(
    r"(?:and|or|but|also|what about|how about|same for|now|ok(?:ay)?,? and|y|o|pero|también|"
    r"qué tal|et|ou|mais|aussi|und|oder|aber|auch|wie sieht es mit|e|mas|também|"
    rf"{_NO})\b[\s,]*"
    r"|(?:那么?|还有|以及|换成|不要|では|じゃあ|それから|و|और)",
    re.IGNORECASE,
)
_RULES_OUT = re.compile(rf"(?:{_NO})\b|不要", re.IGNORECASE)
_LEANS = re.compile(
    r"\b(?:it|they|them|that|those|these|this|its|their|same|one|ones|there|then|instead|"
    r"es|sie|das|die|davon|dort|ellos?|ellas?|eso|esos|esas|lo|los|las|ahí|"
    r"il|elle|ils|elles|ça|cela|eux|ele|elas?|eles|isso|disso)\b"
    r"|它|他们|这个|那个|这些|那些|呢|それ|これ|その|هو|هي|ذلك|वह|यह|उन",
    re.IGNORECASE,
)
_ONLY_LANGUAGE = re.compile(
    r"(?:and|or|now|also|what about|how about|please|in(?:to)?|to|the|same|again|auf|ins|und|"
    r"jetzt|bitte|y|ahora|al|en|et|maintenant|au|e|agora|em|para|por favor|pro|o|a|"
    r"那|换成|用|译成|成|翻|翻译|呢|では|に|へ|で|は|も|[\s,.?!¿¡？。！、，])*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Resolved:
    """A request that stands on its own.

    Attributes:
        request: what to route.
        payload: the text it is about, where the conversation gave it.
        continues: whether the turn before matters: its attachments come along.
    """

    request: str
    payload: str | None = None
    continues: bool = False


def plain_answer(answer: str) -> str:
    """An answer as text to work on: without the citation marks."""
    return _CITATION.sub("", answer).strip()


def resolve_by_rules(text: str, history: Sequence[Message], last_plan: Plan) -> Resolved | None:
    """What the follow-up asks, where rules can tell; None where they can't."""
    asked = _last(history, "user")
    answered = _last(history, "assistant")
    if asked is None or answered is None or len(text) > MAX_FOLLOWUP_CHARS:
        return None
    languages = find_languages(text)
    if languages and _ONLY_LANGUAGE.fullmatch(_without(text, languages)):
        names = " and ".join(language_name(code) for _, _, code in languages)
        translated = [step for step in last_plan.steps if "target_language" in step.args]
        earlier = part(asked)
        if translated and earlier.payload is not None:
            return Resolved(f"Translate this into {names}.", earlier.payload, continues=True)
        if translated and translated[0].args.get("text") == "input:previous":
            answers = [m.content for m in history if m.role == "assistant"]
            if len(answers) > 1:
                return Resolved(f"Translate this into {names}.", plain_answer(answers[-2]))
        if translated and any(_is_file(step.args.get("text")) for step in translated):
            return Resolved(f"Translate this file into {names}.", continues=True)
        return Resolved(f"Translate this into {names}.", plain_answer(answered))
    parted = part(text)
    if parted.payload and parted.mark == "colon" and _LEADS_ON.match(text):
        earlier = part(asked)
        if earlier.payload is not None:
            return Resolved(earlier.instruction, parted.payload)
    return None


@dataclass(frozen=True, slots=True)
class Antecedent:
    """What a follow-up may lean on: a question or a wish, as it was understood, and the tool that
    it was put to."""

    tool: str
    words: str


LEANT_ON = ("question", "request")
"""The arguments that hold what was asked."""


def antecedent_of(plan: Plan) -> Antecedent | None:
    """What the plan puts to a tool in words."""
    for step in plan.steps:
        for name in LEANT_ON:
            if isinstance(words := step.args.get(name), str):
                return Antecedent(step.tool, words)
    return None


def antecedent_in(history: Sequence[Message]) -> Antecedent | None:
    """Where no plan tells: the last message that looks like a question, past a word of thanks or
    two."""
    said = [message.content for message in history if message.role == "user"]
    question = next((text for text in said[:-4:-1] if _is_question(text)), None)
    return None if question is None else Antecedent(ANSWERER, question)


def may_lean(text: str) -> bool:
    """Whether a message has the form of what can't be understood without the question before it."""
    if len(text) > MAX_FOLLOWUP_CHARS:
        return False
    words = text.split()
    short = len(words) <= 5 if text.isascii() or len(words) > 1 else len(text) <= 8
    return bool(_LEADS_ON.match(text) or short or (_LEANS.search(text) and len(words) <= 12))


def stands_alone(text: str, scores: Mapping[str, float], answering: Collection[str]) -> bool:
    """Whether a message that may lean is a wish or a word of its own ("translate that", "thanks!").

    Of "and shoes?" small talk is as likely as a question, so there only another tool counts. A
    question with its verb that leans on no word before it ("whats your phone number") is whole.

    Args:
        scores: how likely the message by itself wants each tool, or small talk.
        answering: the tools that what was asked before may be put to.
    """
    answer = max((scores.get(name, 0.0) for name in answering), default=0.0)
    if answer >= _ALONE_IF_ASKED and _is_whole(text):
        return True
    asks = _is_question(text)
    fragment = asks and not _HAS_VERB.search(text)
    talk = 0.0 if fragment else scores.get(CHAT, 0.0)
    others = (score for name, score in scores.items() if name not in answering and name != CHAT)
    tool = max(others, default=0.0)
    # "And in Italy" is as like to a wish as to small talk, and is neither.
    own = max(talk, tool) if fragment or _LEADS_ON.match(text) else talk + tool
    return own >= (_ALONE_IF_ASKED if asks and not fragment else _ALONE)


def _is_whole(text: str) -> bool:
    whole = len(text.split()) >= _FEWEST_WORDS and _HAS_VERB.search(text)
    return bool(whole) and not (_LEADS_ON.match(text) or _LEANS.search(text))


def _is_question(text: str) -> bool:
    return text.rstrip().endswith(("?", "？", "؟"))


# Chosen on 150 follow-ups in twelve languages: above these hardly one is a question that leans.
_ALONE, _ALONE_IF_ASKED = 0.65, 0.8
_FEWEST_WORDS = 4

Encode = Callable[[Sequence[str]], Awaitable["NDArray[np.float32]"]]
"""Texts to unit vectors of shape (n, d), in the follow-up's language."""


async def complete_question(text: str, before: str, encode: Encode) -> str:
    """The follow-up to the question `before` as one that stands on its own.

    A fragment ("and shoes?") takes the place of the words of the question before that it is most
    like, by their vectors: "a laptop", not "send". A whole question that leans ("what if it is
    broken?"), or that rules something out ("not socks"), is put behind the one before. Nothing
    that the person said is lost either way.
    """
    adds = _HAS_VERB.search(text) or _RULES_OUT.match(text)
    named = None if adds else _named(text, before)
    spans = _replaceable(before, text) if named else []
    if not named or not spans:
        return f"{_ended(before)} {text}"
    vectors = await encode([named, *(before[start:end] for start, end in spans)])
    likeness = vectors[1:] @ vectors[0]
    start, end = spans[int(likeness.argmax())]
    article = _ARTICLE.search(before, 0, start)
    if article is not None:
        start = article.start()
    return before[:start] + named + before[end:]


_HAS_VERB = re.compile(
    r"\b(?:is|are|was|what'?s|where'?s|who'?s|do|does|did|can|could|will|would|should|must|have|has|get|need|want|if|"
    r"ist|sind|kann|muss|darf|wird|habe|hat|wenn|es|son|puedo|puede|tengo|tiene|hay|si|"
    r"est|sont|peux|peut|ai|a|dois|faut|posso|pode|tenho|tem|são|é|se)\b|可以|能|要|是|如果|です|ます",
    re.IGNORECASE,
)
_FILLER_WORDS = """
    and or but what about how long much many when where which who the a an for to of in on with
    same also then now too my your our their und oder was wie lange viel für mit auch nach in der
    die das den dem ein eine einen einer mein y o qué cuánto cuánta cuántos para con en de el la
    los las un una unos unas también mi mis et ou quoi combien pour avec aussi le la les l un une
    des du mon ma mes e ou quanto quanta quantos com em de o a os as um uma uns umas também meu
"""
_FILLER = frozenset(_FILLER_WORDS.split())
_ARTICLE = re.compile(r"\b(?:an?|eine?[nmrs]?|une?|una|um|uma)\s+$", re.IGNORECASE)
_CJK_FILLER = re.compile(
    r"(?:多久|多少|多长|什么|怎么|怎样|如何|可以|之内|以内|需要|时间|[那么呢吗的了和还有是能要我你们]"
    r"|どのくらい|どれくらい|何日|以内|[ではもがをにのかいつ]|[、。，？！\s])+"
)
_CJK_CONTENT = re.compile(rf"(?:(?!{_CJK_FILLER.pattern})[^\W_])+")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_LEADING = (
    "a an the my your our for to about of with from in on ein eine einen einem einer der die das "
    "den dem mein meine für über von mit aus nach auf un una unos unas el la los las mi mis para "
    "sobre de del con en al le les des du mon ma mes l d pour avec um uma uns umas o os as meu "
    "minha com do da em no na ao à"
)
_LEADING_WORDS = frozenset(_LEADING.split())
"""Articles and prepositions: what a noun is led in by."""
_NOUN_LEADS = (
    "for to about of with from in on für über von mit aus nach auf para sobre con en pour avec com "
    "em à"
)
_PREPOSITIONS = frozenset(_NOUN_LEADS.split())


def _words(text: str) -> list[re.Match[str]]:
    return list(re.finditer(r"[^\W_]+(?:-[^\W_]+)*", text))


def _content(word: re.Match[str]) -> bool:
    return word[0].lower() not in _FILLER and len(word[0]) > 2


def _named(text: str, before: str) -> str | None:
    """What a fragment names that the question before does not."""
    if _CJK.search(text):
        parts = [m for m in _CJK_CONTENT.finditer(text) if m[0] not in before]
        return text[parts[0].start() : parts[-1].end()] if parts else None
    known = {word[0].lower() for word in _words(before)}
    new = [word for word in _words(text) if _content(word) and word[0].lower() not in known]
    return text[new[0].start() : new[-1].end()] if new else None


def _ended(text: str) -> str:
    """The text with a stop at its end, so that what follows is a sentence of its own."""
    return text if not text or text.rstrip()[-1:] in ".!?…。！？؟।" else f"{text.rstrip()}."


def _replaceable(before: str, fragment: str) -> list[tuple[int, int]]:
    """Of several sentences the last is the question that was left open."""
    sentences = split_sentences(before)
    for begin in (sentences[-1].start, 0) if sentences else ():
        spans = _spans(before[begin:], fragment)
        if spans:
            return [(begin + start, begin + end) for start, end in spans]
    return []


def _spans(question: str, fragment: str) -> list[tuple[int, int]]:
    """The parts of a question that a fragment may replace.

    Nouns are told by the article or preposition that leads them in; where the fragment has a
    preposition of the question ("and for shoes?"), it replaces what follows that one.
    """
    if _CJK.search(question):
        return [match.span() for match in _CJK_CONTENT.finditer(question)]
    words = _words(question)
    shared = {w[0].lower() for w in _words(fragment)} & _PREPOSITIONS
    found: list[tuple[str, tuple[int, int]]] = []
    for place, word in enumerate(words):
        lead = words[place - 1][0].lower() if place else ""
        if not _content(word):
            continue
        end = place
        while (
            end + 1 < len(words)
            and end - place < 2
            and _content(words[end + 1])
            and question[words[end].end() : words[end + 1].start()].isspace()
        ):
            end += 1
        found += [(lead, (word.start(), words[last].end())) for last in range(place, end + 1)]
    led = [(lead, span) for lead, span in found if lead in _LEADING_WORDS]
    same = [(lead, span) for lead, span in led if lead in shared]
    return [span for _, span in (same or led or found)]


def _is_file(value: object) -> bool:
    return (
        isinstance(value, str)
        and value.startswith("input:")
        and value not in ("input:text", "input:previous")
    )


def _without(text: str, spans: Sequence[tuple[int, int, str]]) -> str:
    for start, end, _ in reversed(spans):
        text = text[:start] + " " + text[end:]
    return text


def _last(history: Sequence[Message], role: str) -> str | None:
    return next((m.content for m in reversed(history) if m.role == role), None)
