"""A plan: steps of tools, joined by references. The checks here are pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from model_servers.contracts import SwitchboardError
from tools.artifacts import Artifact
from tools.contracts import Kind, Tool
from tools.registry import Registry

STEP_ID = re.compile(r"s[1-9]\d?")
_REF = re.compile(r"(?:(?P<step>s[1-9]\d?)(?:\.(?P<port>[a-z_]+))?|input:(?P<input>.+))", re.DOTALL)


class PlanError(SwitchboardError):
    """The plan can't run: an unknown tool, a missing reference, a cycle, a wrong kind."""

    code = "invalid_plan"
    http_status = 422


@dataclass(frozen=True, slots=True)
class Ref:
    """Where a slot's data comes from: `input:NAME`, or `sN` with an optional port."""

    source: str
    port: str | None = None

    @property
    def is_input(self) -> bool:
        return self.source.startswith("input:")

    @property
    def name(self) -> str:
        """The input's name, or the step's id."""
        return self.source.removeprefix("input:")

    @classmethod
    def parse(cls, value: object) -> Ref | None:
        """The reference that a string spells, or None where it is a literal."""
        match = _REF.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            return None
        if match["input"] is not None:
            return cls(f"input:{match['input']}")
        return cls(match["step"], match["port"])


class Step(BaseModel):
    """One call of a tool. In a slot, `args` holds a reference or a list of them, as strings."""

    model_config = ConfigDict(frozen=True)

    id: str
    tool: str
    args: dict[str, JsonValue] = Field(default_factory=dict)

    def refs(self, slots: Mapping[str, Kind]) -> dict[str, list[Ref]]:
        """The references in each slot, in the order written."""
        found: dict[str, list[Ref]] = {}
        for name in slots:
            value = self.args.get(name)
            values = value if isinstance(value, list) else [value]
            refs = [ref for ref in map(Ref.parse, values) if ref is not None]
            if refs:
                found[name] = refs
        return found


class Plan(BaseModel):
    """Steps in an order in which each comes after those it refers to."""

    model_config = ConfigDict(frozen=True)

    steps: tuple[Step, ...] = ()

    def needs(self, registry: Registry) -> dict[str, set[str]]:
        """For each step, the ids of the steps whose results it takes."""
        return {
            step.id: {
                ref.name
                for refs in step.refs(registry[step.tool].slots()).values()
                for ref in refs
                if not ref.is_input
            }
            for step in self.steps
        }

    def check(self, registry: Registry, inputs: Mapping[str, Kind]) -> Plan:
        """The same plan in dependency order, once it is known to be runnable.

        `inputs` gives the kind of each named input; no bytes are needed. Raises PlanError.
        """
        ids = [step.id for step in self.steps]
        for step in self.steps:
            if not STEP_ID.fullmatch(step.id):
                raise PlanError(f"Step ids are s1, s2, …; {step.id!r} is not one.")
            if ids.count(step.id) > 1:
                raise PlanError(f"Two steps are called {step.id}.")
            if step.tool not in registry:
                raise PlanError(f"There is no tool {step.tool!r}; {registry.suggest(step.tool)}")
        by_id = {step.id: step for step in self.steps}
        needs = self.needs(registry)
        for step in self.steps:
            _check_args(step, by_id, registry, inputs)
        try:
            order = list(TopologicalSorter(needs).static_order())
        except CycleError as error:
            raise PlanError(
                f"The steps wait for each other: {' → '.join(error.args[1])}."
            ) from None
        # Keep the written order wherever the references allow it.
        placed: list[str] = []
        waiting = list(ids)
        while waiting:
            ready = next(i for i in waiting if needs[i] <= set(placed))
            placed.append(ready)
            waiting.remove(ready)
        assert len(placed) == len(order)
        return Plan(steps=tuple(by_id[i] for i in placed))


COERCIONS: dict[Kind, tuple[Kind, ...]] = {
    "text": ("document", "labels", "entities", "table", "items"),
    "document": ("text",),
    "table": ("document",),
    "image": ("boxes",),
    "audio": ("video",),
}
"""What the executor turns into what a slot takes, besides the same kind."""


REQUEST = "request"
"""The argument of a tool that reads the wish itself, all of it: words alone are enough for it."""

MEDIA: frozenset[Kind] = frozenset({"image", "audio", "video"})
"""What nobody can write into a request: it is attached, or a step makes it."""


def missing_media(tool: Tool, offered: Collection[Kind]) -> Kind | None:
    """The picture, sound or video without which a tool can't run, where none is offered."""
    slots = tool.slots()
    required = [slots[name] for name in slots if tool.Args.model_fields[name].is_required()]
    for kind in required:
        if kind in MEDIA and not any(fits(given, kind) for given in offered):
            return kind
    if REQUEST in tool.Args.model_fields:
        return None
    # All may be left out, and one must be there: a picture or a document to read.
    files = [given for given in offered if given != "text"]
    media = [kind for kind in slots.values() if kind in MEDIA]
    if media and not required and not any(fits(g, k) for g in files for k in slots.values()):
        return media[0]
    return None


def reachable(tools: Iterable[Tool], offered: Iterable[Kind]) -> frozenset[Kind]:
    """The kinds there are, and those that tools can make of them and of each other's results."""
    known, kinds = list(tools), frozenset(offered)
    while True:
        able = (tool for tool in known if missing_media(tool, kinds) is None)
        more = kinds.union(*(tool.outputs.values() for tool in able))
        if more == kinds:
            return kinds
        kinds = more


def fits(given: Kind, wanted: Kind) -> bool:
    """Whether data of one kind can fill a slot of another."""
    return given == wanted or given in COERCIONS.get(wanted, ())


def _check_args(
    step: Step, by_id: Mapping[str, Step], registry: Registry, inputs: Mapping[str, Kind]
) -> None:
    tool = registry[step.tool]
    slots = tool.slots()
    for name, refs in step.refs(slots).items():
        for ref in refs:
            given = _kind_of(step, ref, by_id, registry, inputs)
            if not fits(given, slots[name]):
                raise PlanError(
                    f"{step.id}: {step.tool} takes {slots[name]} as {name}, "
                    f"and {ref.source} is {given}."
                )
    _check_literals(step, tool, slots)


def _kind_of(
    step: Step, ref: Ref, by_id: Mapping[str, Step], registry: Registry, inputs: Mapping[str, Kind]
) -> Kind:
    if ref.is_input:
        if ref.name not in inputs:
            have = ", ".join(f"input:{name}" for name in inputs) or "none"
            raise PlanError(
                f"{step.id} refers to {ref.source}, which is not there; there is {have}."
            )
        return inputs[ref.name]
    if ref.name not in by_id:
        raise PlanError(f"{step.id} refers to {ref.name}, and no step is called that.")
    outputs = registry[by_id[ref.name].tool].outputs
    if ref.port is not None and ref.port not in outputs:
        raise PlanError(
            f"{step.id}: {ref.name} has no output {ref.port!r}; it has {', '.join(outputs)}."
        )
    return outputs[ref.port or next(iter(outputs))]


_SAMPLE_FILE = Artifact(
    id="0" * 64, kind="document", media_type="text/plain", size=1, name="sample", origin="user"
)


def _check_literals(step: Step, tool: Tool, slots: Mapping[str, Kind]) -> None:
    """Validate the arguments with a sample standing in for what each reference will bring."""
    filled: dict[str, Any] = dict(step.args)
    for name in step.refs(slots):
        filled[name] = "sample" if slots[name] == "text" else _SAMPLE_FILE
    try:
        tool.Args.model_validate(filled)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "arguments"
        raise PlanError(f"{step.id}: {step.tool}: {where}: {first['msg']}.") from None
