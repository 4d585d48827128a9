"""Makes a plan without the LLM: the router's scores, the words' arguments, and types.

What it can't fill in makes it unsure, and being unsure is cheap: the planner is asked then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import JsonValue

from orchestrator.arguments import read_arguments
from orchestrator.clauses import Clause, points
from orchestrator.draft import SURE, UNRESOLVED, Draft, Lack, draft_of, likely_target
from orchestrator.looking import SUBJECT, found_thing, with_look
from orchestrator.plan import REQUEST, Plan, PlanError, Ref, Step, fits, missing_media
from orchestrator.router import CHAT, Router
from orchestrator.turn import ToolScore
from orchestrator.understanding import Understand
from orchestrator.whole_request import SHOWN
from orchestrator.wishes import (
    FILE_WORDS,
    PREVIOUS_INPUT,
    PRODUCT_WORDS,
    TEXT_INPUT,
    Reader,
    Wish,
    has_field,
    without_remarks,
    works_on_text,
)
from tools.contracts import Kind, Tool
from tools.registry import Registry

_BARE_WORDS = 6
"""An order of so few words has no text in it."""
_REDACTED = "redacted"
"""The port of a text that a step was asked to `redact`."""


@dataclass(frozen=True, slots=True)
class Composer:
    """Turns a request into a draft.

    What was trained to read whole requests says what is wanted; where there is none, where a
    follow-up brings its text along, and for tools from outside, which it does not know, each
    clause is scored by itself.
    """

    registry: Registry
    router: Router
    understand: Understand | None = None

    async def compose(
        self,
        request: str,
        kinds: Mapping[str, Kind],
        *,
        language: str,
        payload: str | None = None,
    ) -> Draft:
        """Draft a plan.

        Args:
            request: what the user says, cleaned.
            kinds: inputs there are by name and kind: attachments, and `previous` where there is
                an earlier answer. Their bytes are not needed.
            language: of the request's instruction (ISO 639-1).
            payload: the text it is about, where the caller knows it already.
        """
        if self.understand is None or payload is not None:
            return await self._by_clauses(request, kinds, language=language, payload=payload)
        reading = await self.understand(request, kinds)
        draft = draft_of(reading, request, kinds, self.registry, language)
        goes_on = draft.lacks is not None and PREVIOUS_INPUT in kinds
        unknown = {tool.name for tool in self.registry.offered()} - reading.scores.keys()
        if not (goes_on or unknown):
            return draft
        other = await self._by_clauses(request, kinds, language=language, payload=None)
        if goes_on or any(step.tool in unknown for step in other.plan.steps):
            return other
        return draft

    async def _by_clauses(
        self, request: str, kinds: Mapping[str, Kind], *, language: str, payload: str | None
    ) -> Draft:
        wishes, payload = await Reader(self.registry, self.router).read(
            request, payload, kinds, language
        )
        best: dict[str, float] = {}
        for wish in wishes:
            for name, score in wish.scores.items():
                best[name] = max(score, best.get(name, 0.0))
        shortlist = tuple(
            ToolScore(tool=name, confidence=round(score, 4))
            for name, score in sorted(best.items(), key=lambda item: -item[1])
        )
        wishes = self._with_manners(wishes)
        asked = without_remarks([wish for wish in wishes if wish.best != CHAT]) or wishes
        chat = min((wish.scores[CHAT] for wish in asked), default=1.0)
        inputs = dict(kinds)
        if payload is not None:
            inputs[TEXT_INPUT] = "text"
        plan, confidence = self._assemble(asked, inputs, likely_target(payload, kinds, language))
        lacks = self._lacks(asked, inputs) if confidence < SURE else None
        plan = with_look(plan, kinds, self.registry)
        return Draft(plan, confidence, chat, payload, shortlist, lacks)

    def _with_manners(self, wishes: Sequence[Wish]) -> list[Wish]:
        """The wishes, with what a clause by itself says of how the one before is to be done, as in
        "Too long for me. In three lines."."""
        kept: list[Wish] = []
        for wish in wishes:
            last = kept[-1] if kept else None
            if last is not None and wish.best == CHAT != last.best and self._adds(wish, last):
                clause = Clause(f"{last.clause.text} {wish.clause.text}", last.clause.joiner)
                kept[-1] = replace(last, clause=clause)
            else:
                kept.append(wish)
        return kept

    def _adds(self, wish: Wish, last: Wish) -> bool:
        """Whether the words name a parameter of the wish before that it leaves open."""
        tool = self.registry[last.best]
        said, more = (read_arguments(tool, each.clause.text).args for each in (last, wish))
        return bool(more.keys() - said.keys() - {"labels"})

    def _lacks(self, wishes: Sequence[Wish], inputs: Mapping[str, Kind]) -> Lack | None:
        """What one clear wish can't do without and the request does not hold."""
        if len(wishes) != 1 or wishes[0].confidence < SURE:
            return None
        (wish,) = wishes
        if wish.best == CHAT:
            return None
        match missing_media(self.registry[wish.best], list(inputs.values())):
            case "image" | "audio" | "video" as kind:
                return kind
        if not works_on_text(self.registry, wish.best):
            return None
        words = wish.clause.text
        if not any(fits(kind, "text") for kind in inputs.values()):
            return "text" if points(words) or len(words.split()) <= _BARE_WORDS else None
        missing = read_arguments(self.registry[wish.best], words).missing
        return "target_language" if missing == ("target_language",) else None

    def _assemble(
        self, wishes: Sequence[Wish], inputs: Mapping[str, Kind], likely_target: str | None
    ) -> tuple[Plan, float]:
        if not wishes or any(wish.best == CHAT for wish in wishes):
            return Plan(), 0.0
        steps: list[Step] = []
        confidence = 1.0
        for wish in self._merge(wishes):
            tool = self.registry[wish.best]
            made = self._steps(wish, tool, steps, inputs, likely_target)
            if made is None or len(steps) + len(made) > 9:
                return Plan(steps=tuple(steps)), UNRESOLVED
            steps += made
            confidence = min(confidence, wish.confidence)
        try:
            plan = Plan(steps=tuple(steps)).check(self.registry, inputs)
        except PlanError:
            return Plan(steps=tuple(steps)), UNRESOLVED
        return plan, confidence

    def _merge(self, wishes: Sequence[Wish]) -> list[Wish]:
        """Join neighbours that want the same tool with the same parameters."""
        merged: list[Wish] = []
        for wish in wishes:
            last = merged[-1] if merged else None
            if last is not None and last.best == wish.best and self._alike(last, wish):
                joined = f"{last.clause.text} {wish.clause.text}"
                scores = last.scores if last.confidence >= wish.confidence else wish.scores
                merged[-1] = Wish(
                    Clause(joined, last.clause.joiner),
                    scores,
                    wish.language or last.language,
                    last.labels + wish.labels,
                )
            else:
                merged.append(wish)
        return merged

    def _alike(self, one: Wish, other: Wish) -> bool:
        tool = self.registry[one.best]
        if not {"question", REQUEST}.isdisjoint(tool.Args.model_fields):
            return True
        first, second = (read_arguments(tool, wish.clause.text).args for wish in (one, other))
        if first.keys() == {"source_language"}:  # "It's in Czech. Put it into English."
            return True
        if "target_language" in first or "types" in first:
            return True
        return first.items() <= second.items() or second.items() <= first.items()

    def _steps(
        self,
        wish: Wish,
        tool: Tool,
        before: Sequence[Step],
        inputs: Mapping[str, Kind],
        likely_target: str | None,
    ) -> list[Step] | None:
        """The steps of one wish, or None where something can't be filled in."""
        words = wish.clause.text
        read = read_arguments(tool, words)
        args: dict[str, JsonValue] = dict(read.args)
        if wish.language and has_field(self.registry, tool.name, "language"):
            args["language"] = wish.language
        if wish.labels and has_field(self.registry, tool.name, "labels"):
            args["labels"] = list(wish.labels)
        if read.missing == ("target_language",) and likely_target is not None:
            args["target_language"] = likely_target
        elif read.missing:
            return None
        sources = self._sources(wish, tool, before, inputs)
        if sources is None:
            return None
        fan: list[dict[str, JsonValue]] = [{}]
        if read.fan_out is not None:
            name, values = read.fan_out
            fan = [{name: value} for value in values]
        return [
            Step(id=f"s{len(before) + number}", tool=tool.name, args={**args, **more, **source})
            for number, (more, source) in enumerate(
                ((more, source) for source in sources for more in fan), start=1
            )
        ]

    def _sources(
        self, wish: Wish, tool: Tool, before: Sequence[Step], inputs: Mapping[str, Kind]
    ) -> list[dict[str, JsonValue]] | None:
        """What fills the tool's slots: one dict a step. None where a required slot stays empty."""
        slots = tool.slots()
        required = [s for s in slots if tool.Args.model_fields[s].is_required()]
        words = wish.clause.text
        fixed: dict[str, JsonValue] = {}
        several: tuple[str, list[JsonValue]] | None = None
        for slot in slots:
            needed = slot in required
            refs = self._candidates(tool, wish, before, inputs, kind=slots[slot], needed=needed)
            if not refs and needed:
                return None
            if len(refs) == 1:
                fixed[slot] = refs[0]
            elif refs:
                named = [ref for ref in refs if str(ref).removeprefix("input:") in words]
                several = (slot, named or refs)
        fixed.pop(SUBJECT, None)  # `with_look` fills it
        fixed.pop(SHOWN, None)  # `with_request` does
        if "document" in fixed and "context" in fixed:
            del fixed["context"]
        if several is None:
            return [fixed]
        return [{**fixed, several[0]: ref} for ref in several[1]]

    def _candidates(
        self,
        tool: Tool,
        wish: Wish,
        before: Sequence[Step],
        inputs: Mapping[str, Kind],
        *,
        kind: Kind,
        needed: bool,
    ) -> list[JsonValue]:
        """References that may fill a slot, best only; several files are all of them."""
        words = wish.clause.text
        files = [name for name in inputs if name not in (TEXT_INPUT, PREVIOUS_INPUT)]
        fitting: list[JsonValue] = [f"input:{name}" for name in files if fits(inputs[name], kind)]
        if kind != "text":
            if kind == "image" and (found := found_thing(tool, words, before, self.registry)):
                return [found]
            exact: list[JsonValue] = [f"input:{name}" for name in files if inputs[name] == kind]
            return exact or (fitting or self._made(before, kind) if needed else [])
        earlier = self._earlier(tool, wish, before)
        if earlier is not None:
            return [earlier]
        if TEXT_INPUT in inputs and not (fitting and FILE_WORDS.search(words)):
            return [f"input:{TEXT_INPUT}"]
        if not needed:
            return []
        if fitting:
            return fitting
        texts = [step for step in before if self._text_of(step) is not None]
        if texts:
            last = texts[-1]
            return [self._text_of(last) if _carries_on(tool) else self._untranslated(last)]
        if PREVIOUS_INPUT in inputs and points(words):
            return [f"input:{PREVIOUS_INPUT}"]
        return []

    def _made(self, before: Sequence[Step], kind: Kind) -> list[JsonValue]:
        """What the last step before that makes such a thing gives; nothing where none does."""
        for step in reversed(before):
            outputs = self.registry[step.tool].outputs
            for port, made in outputs.items():
                if made == kind:
                    return [step.id if port == next(iter(outputs)) else f"{step.id}.{port}"]
        return []

    def _earlier(self, tool: Tool, wish: Wish, before: Sequence[Step]) -> JsonValue:
        """The earlier results that this wish is about, where its words say so: one, or a list."""
        words = wish.clause.text
        for step in reversed(before):
            named = PRODUCT_WORDS.get(step.tool)
            if step.tool != tool.name and named and re.search(named, words, re.IGNORECASE):
                return self._joined(step, before)
        last = before[-1] if before else None
        if last is None or last.tool == tool.name or self._text_of(last) is None:
            return None
        if wish.clause.joiner == "then":
            return self._joined(last, before)
        if len([step for step in before if step.tool == last.tool]) > 1:
            return None
        # What was taken out of a text is not to be in what is made of it.
        if not works_on_text(self.registry, last.tool) or self._is_redacted(last):
            return self._text_of(last)
        return self._text_of(last) if _carries_on(tool) and points(words) else None

    def _untranslated(self, step: Step) -> str | None:
        """The step that a translation was made of: what is looked for in a text is in both, and
        the two can be worked on at once."""
        source = step.args.get("text")
        translates = has_field(self.registry, step.tool, "target_language")
        if translates and isinstance(source, str) and Ref.parse(source) is not None:
            return source
        return self._text_of(step)

    def _joined(self, step: Step, before: Sequence[Step]) -> JsonValue:
        """The text of a step; of all that its tool made, where each was made of another file.
        None where the same text was worked on in several ways, and nothing says which is meant."""
        same = [other for other in before if other.tool == step.tool]
        if len(same) == 1:
            return self._text_of(step)
        sources = {str(other.args.get("text")) for other in same}
        return [self._text_of(other) for other in same] if len(sources) == len(same) else None

    def _text_of(self, step: Step) -> str | None:
        """The reference to the text that a step gives, or None where it gives none."""
        outputs = self.registry[step.tool].outputs
        if outputs[next(iter(outputs))] == "text":
            return step.id
        return f"{step.id}.{_REDACTED}" if self._is_redacted(step) else None

    def _is_redacted(self, step: Step) -> bool:
        return bool(step.args.get("redact")) and _REDACTED in self.registry[step.tool].outputs


def _carries_on(tool: Tool) -> bool:
    """Whether "and … it" means the text just made: one that is written anew, or read aloud."""
    return tool.prose or tool.outputs[next(iter(tool.outputs))] == "audio"
