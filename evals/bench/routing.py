"""What routing costs on top of the encoder: a request planned, against the encoder alone."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence

from evals.bench.frame import Bench, Row, interleave, ratio_row, row
from evals.routing_models import routing_models
from model_servers.request_reader import Asked
from orchestrator.composer import Composer
from orchestrator.understanding import READER, understand_with
from orchestrator.wishes import request_language
from tools.registry import load_registry

ROUTING_RATIO = 1.5
"""Bound of the issue "Ask in plain language, get it done"."""

REQUESTS = (
    "Is this review good or bad? The zip broke after two days and nobody answers my mails.",
    "How long do I have to send a laptop back?",
    "Translate this into French and Portuguese and list the people and places in it: Maria Silva "
    "flew from Lisbon to Paris on Tuesday to meet Dr. Chen.",
    "Put this into Spanish please: The parcel will arrive tomorrow.",
    "Summarise this and then translate the summary into German: The meeting began at nine.",
    "Who is mentioned here? Anna Schmidt met Mr Weber in Cologne.",
    "Can I pay by invoice?",
    "Hello, how much does express delivery cost?",
)


def run(repeats: int) -> Sequence[Row]:
    return asyncio.run(_run(repeats))


async def _run(repeats: int) -> Sequence[Row]:
    registry = load_registry()
    async with routing_models(registry) as (pool, router):
        composer = Composer(registry, router, understand_with(pool))
        numbers = itertools.count()

        def requests() -> list[str]:
            """Requests that nobody has seen: the router remembers the vectors of the last ones."""
            number = next(numbers)
            return [request.replace(" ", f" {number} ", 1) for request in REQUESTS]

        async def plan() -> None:
            for request in requests():
                await composer.compose(request, {}, language=request_language(request))

        async def encode_only() -> None:
            for request in requests():
                await pool.predict(READER, [Asked(request)])

        ours, alone = await interleave(repeats, plan, encode_only)
    each = len(REQUESTS)
    return [
        row("a request planned", [1000 * seconds / each for seconds in ours], "ms"),
        row("a request encoded", [1000 * seconds / each for seconds in alone], "ms"),
        ratio_row("planned over encoded", ours, alone, ROUTING_RATIO),
    ]


BENCH = Bench("routing", "planning without the LLM, against the encoder alone", run, repeats=21)
