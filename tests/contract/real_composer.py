"""The composer and the signs on their real models, as the service has them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from model_servers.encoders import encode
from model_servers.serving import build_pool
from model_servers.store import ModelStore
from orchestrator.composer import Composer
from orchestrator.router import Router
from orchestrator.settings import Settings
from orchestrator.signs import Signs
from orchestrator.understanding import understand_with
from tools.registry import load_registry


@dataclass(frozen=True)
class Real:
    composer: Composer
    signs: Signs


@asynccontextmanager
async def real_composer() -> AsyncIterator[Real]:
    """Over the tools that are installed."""
    settings, registry = Settings(), load_registry()
    pool = build_pool(
        "embedded", ModelStore(settings.cache_dir), memory_budget_mb=2000, idle_s=60, threads=2
    )

    async def encoder(texts: Sequence[str], *, language: str) -> Any:
        return await encode(pool, texts, language=language, role="query")

    try:
        understand = understand_with(pool)
        router = await Router.fit(registry, encoder, settings.cache_dir)
        yield Real(Composer(registry, router, understand), Signs(registry, understand))
    finally:
        await pool.close()
