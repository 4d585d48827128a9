"""Makes a plan of the tools that a request wants: what each works on, and with which arguments.

What reads requests tells which tools are wanted, where in the request, and some of how they hang
together; types tell the rest. A recording is written down before its words are worked on; what is
redacted is redacted before it goes on; what is read aloud is what was made last.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from model_servers.request_reader import MAX_FILES, Reading
from orchestrator.arguments import read_arguments
from orchestrator.looking import cut_out, found_thing
from orchestrator.plan import Plan, Step, fits
from orchestrator.said_values import Said
from orchestrator.understanding import attached
from orchestrator.wishes import (
    FILE_WORDS,
    PREVIOUS_INPUT,
    PRODUCT_WORDS,
    TEXT_INPUT,
    works_on_text,
)
from tools.contracts import Kind, Tool
from tools.registry import Registry

MAX_STEPS = 9
_LIKELY = 0.5
_REDACTED = "redacted"
_WORD = re.compile(r"[^\W_]{3,}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A tool that a request asks for.

    Attributes:
        words: what says so, without the text that it is about.
        begin: where in the request it is said.
    """

    tool: str
    confidence: float
    words: str
    begin: float


@dataclass(slots=True)
class Assembly:
    """One request's plan in the making.

    Args:
        registry: the tools there are.
        reading: what the request says.
        request: what was read.
        inputs: its attachments, the text that it holds and the answer before, by name and kind.
        instruction: the request without the text that it is about.
        likely_target: the language to translate into where none is named.
        language: of the request (ISO 639-1).
    """

    registry: Registry
    reading: Reading
    request: str
    inputs: Mapping[str, Kind]
    instruction: str
    likely_target: str | None
    language: str
    steps: list[Step] = field(default_factory=list)
    _translates: bool = False

    def plan(self, wanted: Sequence[Wanted]) -> Plan | None:
        """The steps of all that is wanted; None where a tool lacks what it can't do without."""
        self._translates = any(
            "target_language" in self.registry[one.tool].Args.model_fields for one in wanted
        )
        for one in sorted(wanted, key=self._order):
            made = self._made(one)
            if made is None or len(self.steps) + len(made) > MAX_STEPS:
                return None
            self.steps += made
        return Plan(steps=tuple(self.steps))

    def _order(self, one: Wanted) -> tuple[int, float]:
        tool = self.registry[one.tool]
        if _speaks(tool):
            return (2, one.begin)
        return (int(self._on_text(one.tool)), one.begin)

    def _on_text(self, name: str) -> bool:
        return works_on_text(self.registry, name) or "context" in self.registry[name].slots()

    def _likely(self, label: str) -> bool:
        return self.reading.scores.get(label, 0.0) >= _LIKELY

    def _made(self, one: Wanted) -> list[Step] | None:
        tool = self.registry[one.tool]
        read = read_arguments(tool, one.words)
        said = Said(self.reading, self.request, one.words, self.instruction)
        args = said.values(tool, dict(read.args))
        if self._translates and not _speaks(tool):
            args.pop("language", None)  # the translation goes to it
        fan: list[dict[str, JsonValue]] = [{}]
        if "target_language" in tool.Args.model_fields:
            targets = said.targets(self.likely_target, self.language)
            if not targets:
                return None
            fan = [{"target_language": target} for target in targets]
        elif several := said.several(tool):
            name, values = several
            fan = [{name: value} for value in values]
        sources = self._sources(one, tool)
        if sources is None:
            return None
        if _speaks(tool) and not all(_from_outside(source) for source in sources):
            args.pop("language", None)  # it is that of what was made
        return [
            Step(id=f"s{len(self.steps) + n}", tool=tool.name, args={**args, **more, **source})
            for n, (source, more) in enumerate(
                ((source, more) for source in sources for more in fan), start=1
            )
        ]

    def _sources(self, one: Wanted, tool: Tool) -> list[dict[str, JsonValue]] | None:
        """What fills the tool's slots: one dict a step. None where a required one stays empty."""
        slots = tool.slots()
        if {"document", "context"} <= slots.keys():
            return self._asked_of(one, tool)
        if "image" in slots and "document" in slots:
            return self._pages(one)
        filled: list[dict[str, JsonValue]] = [{}]
        for slot, kind in slots.items():
            required = tool.Args.model_fields[slot].is_required()
            found = found_thing(tool, self.instruction, self.steps, self.registry) or cut_out(
                tool, self.steps, self.registry
            )
            refs: list[JsonValue]
            if kind == "text":
                refs = self._texts(one) if required else []
            elif kind == "image" and found is not None:
                refs = [found]
            else:
                refs = self._files(kind, one)
            if not refs:
                if required:
                    return None
                continue
            filled = [{**each, slot: ref} for each in filled for ref in refs]
        return filled

    def _asked_of(self, one: Wanted, tool: Tool) -> list[dict[str, JsonValue]]:
        """What a question is put to: a document, a text, or neither and so the knowledge base."""
        documents = self._files("document", one)
        texts = self._texts(one, documents=False)
        of_document = self.reading.scores.get(f"{tool.name}.document", 0.0)
        of_text = self.reading.scores.get(f"{tool.name}.context", 0.0)
        if texts and (of_text >= _LIKELY or (of_text >= of_document >= _LIKELY)):
            return [{"context": ref} for ref in texts]
        if documents and max(of_document, of_text) >= _LIKELY:
            return [{"document": ref} for ref in documents]
        return [{}]

    def _pages(self, one: Wanted) -> list[dict[str, JsonValue]] | None:
        meant = [name for name in self._attachments() if self._meant(one.tool, name)]
        made: list[dict[str, JsonValue]] = [
            {kind: f"input:{name}"}
            for name in meant
            if (kind := self.inputs[name]) in ("image", "document")
        ]
        for kind in ("image", "document"):
            made = made or [{kind: ref} for ref in self._files(kind, one)]
        return made or None

    def _files(self, kind: Kind, one: Wanted) -> list[JsonValue]:
        """The attachments that may fill a slot: those of its own kind before others that fit, and
        of several the ones that the words name."""
        names = self._attachments()
        same = [name for name in names if self.inputs[name] == kind]
        fitting = [name for name in names if fits(self.inputs[name], kind)]
        chosen = [name for name in fitting if self._meant(one.tool, name)]
        if not chosen:
            fitting = same or fitting
            named = _named(fitting, one.words) or _named(fitting, self.instruction)
            chosen = named or fitting
        return [f"input:{name}" for name in chosen]

    def _attachments(self) -> list[str]:
        return [file.name for file in attached(self.inputs)]

    def _meant(self, tool: str, name: str) -> bool:
        """Whether a tool is likely to work on this one of several attachments."""
        files = self._attachments()
        if not 1 < len(files) <= MAX_FILES:
            return False
        return self._likely(f"{tool}@{files.index(name) + 1}")

    def _texts(self, one: Wanted, *, documents: bool = True) -> list[JsonValue]:
        """The texts that a tool works on; a list inside where it takes several as one."""
        refs = self._earlier(one) or self._base(one, documents=documents)
        return [refs] if len(refs) > 1 and self._likely(f"{one.tool}<joined") else refs

    def _earlier(self, one: Wanted) -> list[JsonValue]:
        """What other text tools made, where this one goes on from it."""
        before = [step for step in self.steps if self._on_text(step.tool)]
        redacted: list[JsonValue] = [
            f"{step.id}.{_REDACTED}" for step in before if step.args.get("redact")
        ]
        made = [step for step in before if self.registry[step.tool].prose]
        # What is read aloud is what was made of a text, where anything was.
        least = 0.25 if _speaks(self.registry[one.tool]) else _LIKELY
        goes_on = self.reading.scores.get(f"{one.tool}<step", 0.0) >= least
        again = self.registry[one.tool].prose and made and _names(made[-1].tool, one.words)
        if made and (goes_on or again):
            last = made[-1].tool
            return [step.id for step in made if step.tool == last]
        return redacted

    def _base(self, one: Wanted, *, documents: bool) -> list[JsonValue]:
        """What the request is about: what was written down or read first, files, or its text."""
        sources: list[JsonValue] = [
            step.id
            for step in self.steps
            if not self._on_text(step.tool)
            and self.registry[step.tool].outputs.get("text") == "text"
            and next(iter(self.registry[step.tool].outputs)) == "text"
        ]
        if of_several := self._of_several(one, sources, documents=documents):
            return of_several
        read = [ref for step in self.steps if step.id in sources for ref in step.args.values()]
        files = [f for f in self._files("document", one) if f not in read] if documents else []
        has_text = TEXT_INPUT in self.inputs
        if sources and not (files and FILE_WORDS.search(one.words)):
            return sources
        if has_text and (not files or self._reads_own_text()):
            return [f"input:{TEXT_INPUT}"]
        if files:
            return files
        return [f"input:{PREVIOUS_INPUT}"] if PREVIOUS_INPUT in self.inputs else []

    def _of_several(
        self, one: Wanted, sources: Sequence[JsonValue], *, documents: bool
    ) -> list[JsonValue]:
        """What there is of those of several attachments that the tool is meant for."""
        found: list[JsonValue] = []
        for name in self._attachments():
            if not self._meant(one.tool, name):
                continue
            ref = f"input:{name}"
            made = [s.id for s in self.steps if s.id in sources and ref in s.args.values()]
            if made:
                found += made
            elif documents and fits(self.inputs[name], "text"):
                found.append(ref)
        return found

    def _reads_own_text(self) -> bool:
        scores = self.reading.scores
        return scores["reads_text"] >= scores["reads_file"]


def _from_outside(source: Mapping[str, JsonValue]) -> bool:
    """Whether a slot is filled with an input, and not with what a step made."""
    return all(str(ref).startswith("input:") for ref in source.values())


def _speaks(tool: Tool) -> bool:
    return tool.outputs[next(iter(tool.outputs))] == "audio"


def _names(tool: str, words: str) -> bool:
    """Whether the words speak of what the tool made, as in "translate the summary"."""
    called = PRODUCT_WORDS.get(tool)
    return called is not None and re.search(called, words, re.IGNORECASE) is not None


def _named(names: Sequence[str], words: str) -> list[str]:
    """The files of which the words say a part of the name that the others do not share."""
    if len(names) < 2:
        return []
    parts = {name: set(_WORD.findall(name.lower().rsplit(".", 1)[0])) for name in names}
    shared = set.intersection(*parts.values())
    said = words.lower()
    return [n for n in names if n in words or any(p in said for p in parts[n] - shared)]
