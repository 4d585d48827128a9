"""What is learnt of a request with its plan: labels that hold for it or do not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import JsonValue

from evals.datasets.routing import RoutingRow, RoutingStep
from model_servers.request_reader import MAX_FILES, File
from model_servers.request_training import Labelled
from orchestrator.plan import MEDIA, Ref
from orchestrator.said_values import ASKED
from orchestrator.signs import REASONS
from orchestrator.wanted import NOTHING
from orchestrator.wishes import TEXT_INPUT
from tools.contracts import Tool
from tools.language_names import find_languages
from tools.registry import Registry

HANDOFF = "handoff"
_GO_ON = (
    "translate_text", "summarize_text", "extract_entities", "classify_text", "answer_question",
    "synthesize_speech",
)  # fmt: skip
"""Tools that may go on from what another text tool made."""
_WRITE_DOWN = ("transcribe_audio", "read_text")
"""Tools that bring a text to light: going on from them says nothing."""
_VALUES = (
    "classify_text.task=sentiment", "classify_text.task=topic", "classify_text.task=intent",
    "classify_text.task=language", "classify_text.labels", "extract_entities.types=person",
    "extract_entities.types=organisation", "extract_entities.types=place",
    "extract_entities.types=date", "extract_entities.types=amount",
    "extract_entities.types=product", "extract_entities.types=email",
    "extract_entities.types=phone", "extract_entities.redact", "summarize_text.length=short",
    "summarize_text.length=long", "summarize_text.language", "transcribe_audio.subtitles=srt",
    "transcribe_audio.denoise", "transcribe_audio.words", "synthesize_speech.voice=female",
    "synthesize_speech.voice=male", "synthesize_speech.voice=british",
    "answer_question.document", "answer_question.context", "answer_question.language",
    "describe_image.question", "classify_image.labels", "transcribe_audio.hints",
    "transcribe_audio.spoken_language", "translate_text.source_language",
    "summarize_text.sentences", "classify_text.multi_label",
)  # fmt: skip
_TAGGED_LISTS = ("classify_text.labels", "classify_image.labels", "transcribe_audio.hints")
_TAGGED_LANGUAGES = ("target_language", "source_language", "spoken_language", "language")
_NO_SIGN = "none"
"""What the handoffs' examples call words that only look like a sign."""
_OF_SEVERAL = 2.0
"""How much it counts which of several files a tool is meant for, and whether they are taken as
one, beside the other labels."""
_SHORT_EXAMPLE = 0.5
"""How much an example of a tool counts beside a whole request."""
_PLACE = re.compile(
    r"""\b(?: first | second | third | fourth | last | former | latter | [1-4](?:st|nd|rd|th)
      | (?:erst|zweit|dritt|viert|letzt)e[mnrs]?
      | premi[eè]re?s? | deuxi[eè]me | seconde? | troisi[eè]me | derni[eè]re?
      | primer[oa]? | segund[oa] | tercer[oa]? | [uú]ltim[oa] | primeir[oa] | terceir[oa]
      | prim[oa] | second[oa] | terz[oa]
      | pehl[aei] | d[ou]+sr[aei] | teesr[aei] | aakhri )\b
      | \b(?:перв|втор|трет|последн) | पहल | दूसर | तीसर | आख़?िर
      | الأول | الثاني | الثالث | الأخير
      | 第[一二三四1-4] | [头頭]一 | [后後]一?[个個张張者] | 最[后後] | 前[一者]
      | [一二三四1-4](?:つ目|枚目|番目|本目) | 첫 | [두세]\s?번째 | 마지막""",
    re.IGNORECASE | re.VERBOSE,
)
"""Words that tell a file by its place among the others."""


def label_names(registry: Registry) -> tuple[str, ...]:
    """All labels, in the order of the network's outputs."""
    return (
        *registry,
        *REASONS,
        *NOTHING,
        "reads_text",
        "reads_file",
        *(f"{tool}<step" for tool in _GO_ON),
        *(f"{tool}<joined" for tool in _GO_ON),
        *_VALUES,
        *(f"{tool}@{number}" for tool in registry for number in range(1, MAX_FILES + 1)),
    )


def tag_names(registry: Registry) -> tuple[str, ...]:
    """All tags, in the order of the network's outputs: what is asked in the request's own words,
    lists of its words, and the languages that it names."""
    asked = (
        f"{tool.name}.{name}"
        for tool in registry.values()
        for name in ASKED
        if name in tool.Args.model_fields
    )
    return (*asked, *_TAGGED_LISTS, *_TAGGED_LANGUAGES)


def unlearnable(row: RoutingRow, registry: Registry) -> str | None:
    """Why nothing can be learnt from a plan, as a part of a sentence; None where it can."""
    ids = {step.id for step in row.steps}
    for step in row.steps:
        if step.tool not in registry and step.tool != HANDOFF:
            return f"step {step.id!r} asks the tool {step.tool!r}, which there is not"
        if step.tool == HANDOFF and step.args.get("reason") not in REASONS:
            return f"step {step.id!r} hands over for none of the reasons {', '.join(REASONS)}"
        for ref in _refs(step):
            if not ref.is_input and ref.name not in ids:
                return f"step {step.id!r} takes the result of {ref.name!r}, which is no step"
    return None


def labels_of(row: RoutingRow) -> set[str]:
    """The labels that hold for a request."""
    if not row.steps:
        return {row.kind if row.kind in NOTHING else NOTHING[0]}
    tool_of = {step.id: step.tool for step in row.steps}
    labels = {label for step in row.steps for label in _of_step(step, tool_of)}
    return labels | set(_of_files(row))


def _of_files(row: RoutingRow) -> Iterator[str]:
    """Which tools work on which attachments, also by way of other steps."""
    number = {file.name: at for at, file in enumerate(row.attachments[:MAX_FILES], start=1)}
    files: dict[str, set[int]] = {}
    for step in row.steps:
        mine: set[int] = set()
        for ref in _refs(step):
            if ref.is_input:
                mine |= {number[ref.name]} if ref.name in number else set()
            else:
                mine |= files.get(ref.name, set())
        files[step.id] = mine
        yield from (f"{step.tool}@{each}" for each in mine)


def _refs(step: RoutingStep) -> list[Ref]:
    values = (
        v for value in step.args.values() for v in (value if isinstance(value, list) else [value])
    )
    return [ref for ref in map(Ref.parse, values) if ref is not None]


def tags_of(row: RoutingRow) -> dict[str, list[tuple[int, int]]]:
    """For each tag of which the plan tells, the parts of the request that it means."""
    if not row.steps:  # "Turn this into Italian." may have lost its text
        return {}
    tags: dict[str, list[tuple[int, int]]] = {}
    said: dict[str, list[str]] = {}
    languages: dict[str, set[str]] = {name: set() for name in _TAGGED_LANGUAGES}
    for step in row.steps:
        for name, value in step.args.items():
            if name in ASKED or f"{step.tool}.{name}" in _TAGGED_LISTS:
                values = value if isinstance(value, list) else [value]
                said.setdefault(f"{step.tool}.{name}", []).extend(map(str, values))
            if name in languages:
                languages[name].add(str(value))
    for tag, texts in said.items():
        parts = [_part(row.request, text) for text in texts]
        if all(parts):
            tags[tag] = [part for part in parts if part]
    mentions = find_languages(row.request)
    for name, codes in languages.items():
        tags[name] = [(begin, end) for begin, end, code in mentions if code in codes]
    return tags


def _part(request: str, text: str) -> tuple[int, int] | None:
    """Where the request says a text, whatever its case."""
    said = re.escape(text)
    for form in (rf"(?<!\w){said}(?!\w)", said):
        if found := re.search(form, request, re.IGNORECASE):
            return found.span()
    return None


def _of_step(step: RoutingStep, tool_of: Mapping[str, str]) -> Iterator[str]:
    if step.tool == HANDOFF:
        yield str(step.args["reason"])
        return
    yield step.tool
    for name, value in step.args.items():
        values: Sequence[JsonValue] = value if isinstance(value, list) else [value]
        refs = [ref for ref in map(Ref.parse, values) if ref is not None]
        if value not in (None, False):
            yield f"{step.tool}.{name}"
            yield from (f"{step.tool}.{name}={each}" for each in values)
        for ref in refs:
            if ref.is_input:
                yield "reads_text" if ref.name == TEXT_INPUT else "reads_file"
            elif tool_of[ref.name] not in _WRITE_DOWN:
                yield f"{step.tool}<step"
        if len(refs) > 1:
            yield f"{step.tool}<joined"


def combinations(rows: Sequence[RoutingRow], registry: Registry) -> tuple[tuple[str, ...], ...]:
    """What the requests want together, each combination once; every tool by itself, too."""
    wants = {*registry, *REASONS, *NOTHING}
    found = {frozenset(labels_of(row) & wants) for row in rows}
    found |= {frozenset({label}) for label in wants}
    return tuple(sorted(tuple(sorted(each)) for each in found))


def learnt_rows(rows: Sequence[RoutingRow], registry: Registry) -> list[Labelled]:
    """The requests, and the tools' and the handoffs' own examples, which tell of a tool alone."""
    names = label_names(registry)
    place = {name: at for at, name in enumerate(names)}
    whole = np.ones(len(names), dtype=np.float32)
    alone = np.zeros(len(names), dtype=np.float32)
    alone[: len(registry) + len(REASONS) + len(NOTHING)] = _SHORT_EXAMPLE
    of_files = np.array(["@" in name for name in names])
    as_one = np.array([name.endswith("<joined") for name in names])
    no_sign = np.zeros(len(names), dtype=np.float32)
    no_sign[[place[reason] for reason in REASONS]] = 1

    def labelled(
        text: str,
        attached: Sequence[File],
        holds: set[str],
        weights: Any,
        tags: Mapping[str, Sequence[tuple[int, int]]],
    ) -> Labelled:
        labels = np.zeros(len(names), dtype=np.float32)
        labels[[place[label] for label in holds if label in place]] = 1
        if len(attached) > 1:
            weights = np.where(of_files | as_one, _OF_SEVERAL * weights, weights)
        else:  # with one file it is no question which one is meant
            weights = np.where(of_files, 0, weights)
        return Labelled(text, tuple(attached), labels, weights.astype(np.float32), tags)

    learnt = []
    for row in rows:
        tags = tags_of(row)
        for order in _orders(row):
            files = [File(a.kind, a.name) for a in order.attachments]
            learnt.append(labelled(row.request, files, labels_of(order), whole, tags))
    pick = np.random.default_rng(0)
    for text, label in learnt_examples(registry):
        if label == _NO_SIGN:
            learnt.append(labelled(text, (), set(), no_sign, {}))
            continue
        attached = _attached(registry[label], pick) if label in registry else ()
        learnt.append(labelled(text, attached, {label}, alone, {}))
    return learnt


def _orders(row: RoutingRow) -> Iterator[RoutingRow]:
    """A request as it stands; of several files the other way round, too: which of them is meant
    has nothing to do with its place, unless the request says so."""
    yield row
    if len(row.attachments) > 1 and not _PLACE.search(row.request):
        yield row.model_copy(update={"attachments": row.attachments[::-1]})


def learnt_examples(registry: Registry) -> Iterator[tuple[str, str]]:
    """Texts with the one label that holds for them: the tools' own examples, and our lists."""
    for tool in registry.values():
        yield from ((text, tool.name) for text in tool.examples)
    known = {*registry, *REASONS, *NOTHING, _NO_SIGN}
    for name in ("routing_examples.tsv", "handoff_examples.tsv"):
        path = Path(str(files("orchestrator") / name))
        for line in path.read_text("utf-8").splitlines():
            label, _, text = line.partition("\t")
            if text and not line.startswith("#") and label in known:
                yield text, label


def _attached(tool: Tool, pick: np.random.Generator) -> tuple[File, ...]:
    """What an example of a tool would come with: what it can't do without, or perhaps a file."""
    for kind in tool.slots().values():
        if kind in MEDIA:
            return (File(kind),)
    return (File("document"),) if tool.slots() and pick.random() < 0.5 else ()
