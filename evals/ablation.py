"""What each part of routing brings: the same requests, planned with one part left out at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from statistics import median
from typing import Any

from pydantic import JsonValue

from evals.datasets.reading import DatasetError
from evals.datasets.routing import RoutingRow, routing_rows
from evals.metrics import PlanMatch
from evals.routing_models import routing_models
from model_servers.request_reader import Reading
from orchestrator.composer import Composer
from orchestrator.guard import admit
from orchestrator.plan import Plan
from orchestrator.settings import get_settings
from orchestrator.signs import REASONS, Signs
from orchestrator.understanding import understand_with
from orchestrator.wanted import NOTHING
from orchestrator.whole_request import with_request
from orchestrator.wishes import request_language
from tools.contracts import Kind
from tools.registry import Registry, load_registry

REQUESTS = Path(str(files("evals") / "data" / "routing" / "test.jsonl"))
FIGURES = ("node_f1", "edge_f1", "arg_f1", "exact_plan", "abstention_f1")
_MOST_CHARS = 20_000
_LIKELY = 0.5

Change = Callable[[Reading], Reading]


@dataclass(frozen=True, slots=True)
class Ablated:
    """How requests are planned without a part.

    Attributes:
        figures: those of FIGURES.
        median_ms: that a request took, read by the network anew.
    """

    without: str
    figures: Mapping[str, float]
    median_ms: float


def _tags(reading: Reading) -> Reading:
    return replace(reading, tags={})


def _labels(*marks: str) -> Change:
    def changed(reading: Reading) -> Reading:
        kept = {n: s for n, s in reading.scores.items() if not any(mark in n for mark in marks)}
        return replace(reading, scores=kept)

    return changed


def _combinations(reading: Reading) -> Reading:
    """Each label by itself, whatever it was seen with."""
    likely = {n for n, s in reading.scores.items() if s >= _LIKELY and n.isidentifier()}
    tools = frozenset(likely - {*REASONS, *NOTHING, "reads_text", "reads_file"})
    nothing = max(NOTHING, key=lambda name: reading.scores[name])
    return replace(reading, combinations=[c for c in (tools, frozenset({nothing})) if c])


PARTS: Mapping[str, Change] = {
    "the words that say a question, a list, a language": _tags,
    "values that are learnt": _labels("."),
    "which file a tool is meant for": _labels("@"),
    "what goes on from what": _labels("<"),
    "which tools are known to come together": _combinations,
}


def ablate(data: Path, told: Callable[[str], None]) -> list[Ablated]:
    """Plans the requests of a file as they are planned, and without each part. Raises
    DatasetError."""
    rows = routing_rows(data)
    if not rows:
        raise DatasetError(f"{data} has no requests.")
    return asyncio.run(_ablate(rows, told))


async def _ablate(rows: Sequence[RoutingRow], told: Callable[[str], None]) -> list[Ablated]:
    threshold, registry = get_settings().route_threshold, load_registry()
    async with routing_models(registry) as (pool, router):

        def way(change: Change | None) -> tuple[Composer, Signs]:
            understand = understand_with(pool)  # of its own, as it remembers what it read

            async def changed(request: str, kinds: Mapping[str, Kind]) -> Reading:
                reading = await understand(request, kinds)
                return reading if change is None else change(reading)

            return Composer(registry, router, changed), Signs(registry, understand)

        by_clauses, signs = way(None)
        ways = {
            "(nothing)": way(None),
            **{name: way(change) for name, change in PARTS.items()},
            "the trained network: clause by clause": (replace(by_clauses, understand=None), signs),
        }
        done = []
        for name, (composer, sign) in ways.items():
            told(name)
            done.append(await _planned(name, rows, composer, sign, threshold))
        return done


async def _planned(
    name: str, rows: Sequence[RoutingRow], composer: Composer, signs: Signs, threshold: float
) -> Ablated:
    predictions: list[JsonValue] = []
    seconds = []
    for row in rows:
        kinds: dict[str, Any] = {file.name: file.kind for file in row.attachments}
        request = admit(row.request, len(kinds), max_chars=_MOST_CHARS)
        begun = time.perf_counter()
        sign = await signs(request, kinds)
        if sign is None:
            draft = await composer.compose(request, kinds, language=request_language(request))
            plan = draft.plan if draft.confidence >= threshold else Plan()
            steps = _as_json(
                with_request(plan, request, kinds, composer.registry), composer.registry
            )
        else:
            steps = [{"id": "s1", "tool": "handoff", "args": {"reason": sign.reason}, "after": []}]
        seconds.append(time.perf_counter() - begun)
        predictions.append({"steps": steps, "llm_calls": 0})
    golds = [row.model_dump(mode="json", include={"steps", "alternatives"}) for row in rows]
    figures = PlanMatch()(golds, predictions)
    return Ablated(name, {n: figures[n] for n in FIGURES if n in figures}, 1000 * median(seconds))


def _as_json(plan: Plan, registry: Registry) -> list[JsonValue]:
    needs = plan.needs(registry)
    return [
        {
            **step.model_dump(mode="json", include={"id", "tool", "args"}),
            "after": [*sorted(needs[step.id])],
        }
        for step in plan.steps
    ]
