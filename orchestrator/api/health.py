"""Whether the service is up, and whether it can work."""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import APIRouter

from model_servers.contracts import SwitchboardError
from orchestrator.api.facade import Service, TheService
from orchestrator.api.replies import Json
from tools.artifacts import writing
from tools.errors import StorageUnavailable

log = logging.getLogger(__name__)

router = APIRouter(tags=["Health"])

PROBE_BYTES = 4096
CHECK_TIMEOUT_S = 5.0


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", summary="The process is up")
async def healthz() -> Json:
    return Json({"status": "ok"})


@router.head("/readyz", include_in_schema=False)
@router.get(
    "/readyz",
    summary="Database, disk, vectors and models are there",
    responses={503: {"description": "A part is missing, or the service stops."}},
)
async def readyz(service: TheService) -> Json:
    """503 while a part is missing; each part says "ok", or what is wrong with it. While the
    service stops, that is all it says."""
    if service.admission.stopping:
        return Json({"status": "stopping", "parts": {}}, 503)
    checks: dict[str, Callable[[Service], Awaitable[object]]] = {
        "database": lambda service: service.conversations.ping(),
        "disk": _disk,
        "vectors": lambda service: service.knowledge.list(),
        "models": _models,
    }
    states = await asyncio.gather(*(_state(check(service)) for check in checks.values()))
    parts = dict(zip(checks, states, strict=True))
    ready = all(state == "ok" for state in states)
    return Json({"status": "ok" if ready else "unavailable", "parts": parts}, 200 if ready else 503)


async def _state(check: Awaitable[object]) -> str:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            await check
    except SwitchboardError as error:
        return error.message
    except TimeoutError:
        return f"It did not answer in {CHECK_TIMEOUT_S:g} s."
    except Exception:
        log.exception("a readiness check broke")
        return "The check broke; the log has the details."
    return "ok"


async def _disk(service: Service) -> None:
    """Raises StorageUnavailable where the home can't be written, or has no room for a request."""
    home, needed_bytes = service.settings.home_dir, service.settings.max_request_bytes

    def check() -> None:
        with writing():
            _write_something(home)
            if shutil.disk_usage(home).free < needed_bytes:
                raise StorageUnavailable(
                    f"The service's disk is full: less than {needed_bytes:,} bytes are left."
                )

    await asyncio.to_thread(check)


def _write_something(folder: Path) -> None:
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(PROBE_BYTES))
        file.flush()


async def _models(service: Service) -> None:
    """Raises WeightsError for the first model of the profile that was not pulled."""
    from model_servers.catalog import load_catalog
    from model_servers.store import ModelStore

    def check() -> None:
        catalog, store = load_catalog(), ModelStore(service.settings.cache_dir)
        for name in catalog.required(service.settings.profile):
            store.path(name)

    await asyncio.to_thread(check)
