"""Resolves a follow-up against the conversation, before anything is routed.

Three forms are resolved by rules: another language ("and into German?"), another text for the
same wish ("and this one: …"), and a wish about the last answer ("translate that"). A question
that leans on the one before ("and shoes?") is completed by the chat model, and its work is
checked: every word that the person said must still be there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from model_servers.contracts import ChatMessage, ChatModel
from orchestrator.clauses import part
from orchestrator.plan import Plan
from orchestrator.turn import Message
from tools.language_names import find_languages, language_name

MAX_FOLLOWUP_CHARS = 160
_CITATION = re.compile(r"\s?\[\d{1,2}\]")

_LEADS_ON = re.compile(
    r"(?:and|or|but|also|what about|how about|same for|now|ok(?:ay)?,? and|y|o|pero|también|"
    r"qué tal|et|ou|mais|aussi|und|oder|aber|auch|wie sieht es mit|e|mas|também)\b[\s,]*"
    r"|(?:那么?|还有|以及|换成|では|じゃあ|それから|و|और)",
    re.IGNORECASE,
)
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
_WORD = re.compile(r"[^\W\d_]{3,}|\d+")


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


def leans_on_history(text: str, history: Sequence[Message], last_plan: Plan) -> bool:
    """Whether a question can't be understood without the one before it.

    Where the client keeps the conversation there is no last plan: then the form of its last
    message tells whether that was a question.
    """
    if len(text) > MAX_FOLLOWUP_CHARS:
        return False
    before = _last(history, "user") or ""
    asked = any(step.args.get("question") for step in last_plan.steps)
    if not (asked or (not last_plan.steps and before.rstrip().endswith(("?", "？", "؟")))):
        return False
    words = text.split()
    short = len(words) <= 5 if text.isascii() or len(words) > 1 else len(text) <= 8
    return bool(_LEADS_ON.match(text) or short or (_LEANS.search(text) and len(words) <= 12))


_SYSTEM = (
    "You complete follow-up questions. Given the question before and the follow-up, write the one "
    "question that the person means, complete, in the language of the follow-up. Keep every word "
    "the follow-up names. If the follow-up is complete already, repeat it. Write the question only."
)
_SHOTS = (
    ("How many days do I have to cancel a hotel room?", "and a flight?",
     "How many days do I have to cancel a flight?"),
    ("Does the blender come with a guarantee?", "how long is it?",
     "How long is the guarantee for the blender?"),
    ("¿Cuánto cuesta enviar una silla a Madrid?", "¿y a Lisboa?",
     "¿Cuánto cuesta enviar una silla a Lisboa?"),
    ("电视机可以分期付款吗？", "那冰箱呢？", "冰箱可以分期付款吗？"),
    ("What does the rental contract say about pets?", "Where is the library?",
     "Where is the library?"),
)  # fmt: skip


def _ask(before: str, follow_up: str) -> str:
    return f"Question before: {before}\nFollow-up: {follow_up}"


async def complete_question(
    text: str, history: Sequence[Message], chat: ChatModel, *, timeout_s: float
) -> str:
    """The follow-up as a question that stands on its own.

    Where the model's version loses a word that the person said, both questions are kept side by
    side instead: clumsy, but nothing is lost. Raises what the chat model raises.
    """
    before = _last(history, "user")
    if before is None:
        return text
    messages = [ChatMessage("system", _SYSTEM)]
    for asked, follow_up, meant in _SHOTS:
        messages += [ChatMessage("user", _ask(asked, follow_up)), ChatMessage("assistant", meant)]
    messages.append(ChatMessage("user", _ask(before, text)))
    reply = await chat.complete(messages, max_tokens=60, timeout_s=timeout_s)
    meant = reply.text.strip().split("\n")[0].strip()
    kept = meant and reply.finish_reason == "stop" and _content(text) <= _content(meant)
    return meant if kept else f"{before} {text}"


_FILLER_WORDS = """
    and what about how the for now also long und wie was ist mit das die der auch qué tal para con
    los las también pour les des aussi quoi que com dos
"""
_FILLER = frozenset(_FILLER_WORDS.split())


_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_CJK_FILLER = frozenset("那么呢吗的了和还有是多久怎样では也は")


def _content(text: str) -> set[str]:
    """What carries meaning: words cut to five letters, to allow for inflection; or characters."""
    words = {word[:5] for word in map(str.lower, _WORD.findall(text)) if word not in _FILLER}
    if _CJK.search(text) is None:
        return words
    return set(_CJK.findall(text)) - _CJK_FILLER


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
