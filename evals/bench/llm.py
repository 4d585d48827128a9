"""What the chat model's prefix cache saves.

Prompts here begin with what stays the same: instructions, tools, a document. Each repetition sends
two requests whose long prefix is new, random text, so that nothing of it is cached before the
first; the second asks another question on it. Prefill is the server's own time for reading the
prompt; the second request is measured whole, from our side, with its one token of an answer.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from evals.bench.frame import Bench, Row, ratio_row, row
from model_servers.llama import LlamaServer
from model_servers.store import ModelStore
from orchestrator.settings import get_settings

PREFIX_WORDS = 600
PREFIX_RATIO = 0.3
"""Bound of the issue "Ask in plain language, get it done"."""
_WORDS = ("order", "parcel", "refund", "laptop", "shoe", "tent", "invoice", "winter", "letter")


@dataclass(frozen=True, slots=True)
class Request:
    """One request's times in seconds, and its prompt's tokens: read now, and from the cache."""

    prefill_s: float
    whole_s: float
    read: int
    cached: int


def run(repeats: int) -> Sequence[Row]:
    """Measure `repeats` pairs of requests on the embedded chat model."""
    pairs = asyncio.run(_pairs(repeats))
    first = [a.prefill_s for a, _ in pairs]
    second = [b.whole_s for _, b in pairs]
    return [
        row("tokens read, first request", [a.read for a, _ in pairs], "tokens"),
        row("tokens read, second request", [b.read for _, b in pairs], "tokens"),
        row("prefill, first request", first, "s"),
        row("prefill, second request", [b.prefill_s for _, b in pairs], "s"),
        row("whole second request", second, "s"),
        ratio_row("whole second request / first prefill", second, first, bound=PREFIX_RATIO),
    ]


async def _pairs(repeats: int) -> list[tuple[Request, Request]]:
    settings = get_settings()
    store = ModelStore(settings.cache_dir)
    server = LlamaServer(
        store.path("qwen2.5-coder-1.5b-instruct"), context_tokens=settings.llm_context_tokens
    )
    try:
        await _ask(server, _random_prefix(20), "Hello?")  # the first request ever pages weights in
        pairs = []
        for _ in range(repeats):
            prefix = _random_prefix(PREFIX_WORDS)
            first = await _ask(server, prefix, "Which word comes first?")
            assert first.cached < 0.1 * first.read, "the first request must find nothing cached"
            pairs.append((first, await _ask(server, prefix, "How does the text end?")))
        return pairs
    finally:
        await server.close()


async def _ask(server: LlamaServer, prefix: str, question: str) -> Request:
    import httpx

    body = {
        "model": await server.model_name(),
        "messages": [{"role": "system", "content": prefix}, {"role": "user", "content": question}],
        "max_tokens": 1,
        "temperature": 0,
    }
    headers = {"Authorization": f"Bearer {server.api_key}"}
    url = f"{await server.url()}/chat/completions"
    async with httpx.AsyncClient(headers=headers, timeout=300, trust_env=False) as client:
        begun = time.perf_counter()
        response = await client.post(url, json=body)
        whole_s = time.perf_counter() - begun
    timings = response.raise_for_status().json()["timings"]
    return Request(
        timings["prompt_ms"] / 1000, whole_s, read=timings["prompt_n"], cached=timings["cache_n"]
    )


def _random_prefix(words: int) -> str:
    return " ".join(random.choices(_WORDS, k=words))  # noqa: S311 - not for secrets


BENCH = Bench(
    name="llm",
    summary="a second request with the same long prefix, against the first one's prefill",
    run=run,
    repeats=3,
)
