"""A plan made from a request's words without the LLM, and how sure it is.

What reads requests says which tools are wanted; `wanted` finds the words of each, `payload` the
text that the request is about, `assembly` how the tools go together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from model_servers.languages import identify
from model_servers.request_reader import Reading
from orchestrator.assembly import Assembly
from orchestrator.looking import with_look
from orchestrator.payload import Found, find_payload, instruction
from orchestrator.plan import Plan, PlanError, fits, missing_media
from orchestrator.router import CHAT
from orchestrator.turn import ToolScore
from orchestrator.wanted import NOTHING, choose, wanted
from orchestrator.wishes import PREVIOUS_INPUT, TEXT_INPUT
from tools.contracts import Kind
from tools.registry import Registry

SURE = 0.5
UNRESOLVED = 0.2
"""Confidence of a plan in which something had to be left open."""
DOUBTFUL = 0.3
"""Of plans that are less sure than this hardly any is right: it is better to ask."""
_LEAST_LIKELY = 0.05
"""A tool that is less likely than this says nothing of what is missing."""
ANSWERER = "answer_question"
_MAY_BE_LOOKED_UP = 0.15
_LOOKS = 0.15
"""A question that may be about what came with it; a picture that came by mistake has less."""
_PERHAPS_OWN_TEXT = 0.3
_OWN_TEXT = 0.5

Lack = Literal["text", "target_language", "image", "audio", "video", "wish"]


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan made from the words, and how sure of it the composer is.

    Attributes:
        payload: the text that the request is about, as set off from the instruction.
        shortlist: tools by their best score over the clauses, best first, CHAT among them.
        chat: probability that no tool is needed.
        lacks: what a clear request did not say; it is asked for instead of guessed.
        cannot: the request is for something that no tool does.
    """

    plan: Plan
    confidence: float
    chat: float
    payload: str | None
    shortlist: tuple[ToolScore, ...]
    lacks: Lack | None = None
    cannot: bool = False


def draft_of(
    reading: Reading,
    request: str,
    kinds: Mapping[str, Kind],
    registry: Registry,
    language: str,
) -> Draft:
    """The draft of a request that was read.

    Args:
        request: what was read.
        kinds: the inputs by name and kind.
        language: of the request (ISO 639-1).
    """
    shortlist = _shortlist(reading, registry)
    choice = choose(reading, kinds, registry)
    names = choice.tools
    if not names and choice.reason != "cannot_do" and _may_be_looked_up(reading, request, kinds):
        # A question that is answered from memory is answered wrongly, or made up.
        names = {ANSWERER: reading.scores[ANSWERER]}
    if not names:
        lacks = None
        if choice.reason == "missing_input":
            lacks = _lack(reading, registry, kinds)
        chat = reading.scores[str(choice.reason)]
        cannot = choice.reason == "cannot_do"
        return Draft(Plan(), choice.confidence, chat, None, shortlist, lacks, cannot)
    found = _own_text(reading, request, kinds, names, registry)
    inputs: dict[str, Kind] = {**kinds, TEXT_INPUT: "text"} if found else dict(kinds)
    text = found.text if found else None
    asked = instruction(request, found)
    target = likely_target(text, kinds, language)
    made = Assembly(registry, reading, request, inputs, asked, target, language).plan(
        wanted(reading, names, request, found)
    )
    sure, unlikely = choice.confidence, max(reading.scores[name] for name in NOTHING)
    if sure < DOUBTFUL:
        return Draft(Plan(), sure, unlikely, text, shortlist, "wish")
    try:
        plan = None if made is None else made.check(registry, inputs)
    except PlanError:
        plan = None
    if plan is None:
        return Draft(Plan(), min(sure, UNRESOLVED), unlikely, text, shortlist)
    if reading.scores["reads_file"] >= _LOOKS:
        plan = with_look(plan, kinds, registry)
    return Draft(plan, sure, unlikely, text, shortlist)


def _may_be_looked_up(reading: Reading, request: str, kinds: Mapping[str, Kind]) -> bool:
    """Whether a question by itself may be one about the company."""
    asks = request.rstrip().endswith(("?", "？", "؟"))
    return asks and not kinds and reading.scores.get(ANSWERER, 0.0) >= _MAY_BE_LOOKED_UP


def _own_text(
    reading: Reading,
    request: str,
    kinds: Mapping[str, Kind],
    names: Mapping[str, float],
    registry: Registry,
) -> Found | None:
    """The text in the request that its tools work on, where they may take one from it."""
    takes = any("text" in registry[name].slots().values() for name in names)
    files = [kind for name, kind in kinds.items() if name != PREVIOUS_INPUT]
    if not takes or (files and reading.scores["reads_text"] < _PERHAPS_OWN_TEXT):
        return None
    return find_payload(
        request,
        lambda begin, end: max(reading.weight(name, begin, end) for name in names),
        is_there=reading.scores["reads_text"] >= _OWN_TEXT,
    )


def _shortlist(reading: Reading, registry: Registry) -> tuple[ToolScore, ...]:
    scores = {name: score for name, score in reading.scores.items() if name in registry}
    scores[CHAT] = max(reading.scores[name] for name in NOTHING)
    return tuple(
        ToolScore(tool=name, confidence=round(score, 4))
        for name, score in sorted(scores.items(), key=lambda item: -item[1])
    )


def _lack(reading: Reading, registry: Registry, kinds: Mapping[str, Kind]) -> Lack:
    """What the likeliest tool can't do without, and the request does not bring."""
    tools = sorted(registry.keys() & reading.scores.keys())
    best = max(tools, key=lambda name: reading.scores[name])
    if reading.scores[best] < _LEAST_LIKELY:
        return "text"
    match missing_media(registry[best], list(kinds.values())):
        case "image" | "audio" | "video" as kind:
            return kind
    return "text"


def likely_target(payload: str | None, kinds: Mapping[str, Kind], language: str) -> str | None:
    """The language to translate into where none is named: the user's own, if the text may be
    foreign.

    A few words may be in any language, and what a file is in is not known yet; nobody wants a text
    translated to get it as it is.
    """
    if payload is not None:
        return language if identify(payload).code != language else None
    named = (kind for name, kind in kinds.items() if name != PREVIOUS_INPUT)
    return language if any(fits(kind, "text") for kind in named) else None
