"""What routing costs on top of the encoder: a request planned, against the encoder alone."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

from evals.bench.frame import Bench, Row, interleave, ratio_row, row
from model_servers.encoders import encode
from model_servers.request_reader import Asked
from model_servers.serving import build_pool
from model_servers.store import ModelStore
from orchestrator.composer import Composer
from orchestrator.router import Router
from orchestrator.settings import get_settings
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
    settings = get_settings()
    pool = build_pool(
        settings.profile,
        ModelStore(settings.cache_dir),
        memory_budget_mb=settings.models_memory_mb,
        idle_s=settings.models_idle_s,
        threads=2,
    )

    async def encoder(texts: Sequence[str], *, language: str) -> Any:
        return await encode(pool, texts, language=language, role="query")

    try:
        registry = load_registry()
        router = await Router.fit(registry, encoder, settings.cache_dir)
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
    finally:
        await pool.close()
    each = len(REQUESTS)
    return [
        row("a request planned", [1000 * seconds / each for seconds in ours], "ms"),
        row("a request encoded", [1000 * seconds / each for seconds in alone], "ms"),
        ratio_row("planned over encoded", ours, alone, ROUTING_RATIO),
    ]


BENCH = Bench("routing", "planning without the LLM, against the encoder alone", run, repeats=21)
