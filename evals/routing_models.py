"""The models that plan without the LLM, in this process: for what measures them alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from model_servers.encoders import encode
from model_servers.pool import ModelPool
from model_servers.serving import build_pool
from model_servers.store import ModelStore
from orchestrator.router import Router
from orchestrator.settings import get_settings
from tools.registry import Registry


@asynccontextmanager
async def routing_models(registry: Registry) -> AsyncIterator[tuple[ModelPool, Router]]:
    """The pool that has what reads requests, and the router over these tools. Raises as they do."""
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
        yield pool, await Router.fit(registry, encoder, settings.cache_dir)
    finally:
        await pool.close()
