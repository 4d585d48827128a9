"""Whether the service is up, and whether it can work."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from fastapi import APIRouter

from model_servers.contracts import SwitchboardError
from orchestrator.api.facade import Service, TheService
from orchestrator.api.replies import Json

log = logging.getLogger(__name__)

router = APIRouter(tags=["Health"])


@router.get("/healthz", summary="The process is up")
async def healthz() -> Json:
    return Json({"status": "ok"})


@router.get("/readyz", summary="Database, vectors and models are there")
async def readyz(service: TheService) -> Json:
    """503 while a part is missing; each part says "ok", or what is wrong with it."""
    checks: dict[str, Callable[[Service], Awaitable[object]]] = {
        "database": lambda service: service.conversations.ping(),
        "vectors": lambda service: service.knowledge.list(),
        "models": _models,
    }
    states = await asyncio.gather(*(_state(check(service)) for check in checks.values()))
    parts = dict(zip(checks, states, strict=True))
    ready = all(state == "ok" for state in states)
    return Json({"status": "ok" if ready else "unavailable", "parts": parts}, 200 if ready else 503)


async def _state(check: Awaitable[object]) -> str:
    try:
        await check
    except SwitchboardError as error:
        return error.message
    except Exception:
        log.exception("a readiness check broke")
        return "The check broke; the log has the details."
    return "ok"


async def _models(service: Service) -> None:
    """Raises WeightsError for the first model of the profile that was not pulled."""
    from model_servers.catalog import load_catalog
    from model_servers.store import ModelStore

    def check() -> None:
        catalog, store = load_catalog(), ModelStore(service.settings.cache_dir)
        for name in catalog.required(service.settings.profile):
            store.path(name)

    await asyncio.to_thread(check)
