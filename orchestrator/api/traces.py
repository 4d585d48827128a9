"""How requests were worked on, span by span."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from orchestrator.api.facade import Owner, TheService
from orchestrator.api.limits import BoundedRoute
from orchestrator.api.replies import Json
from orchestrator.traces import MAX_LISTED

router = APIRouter(prefix="/v1/traces", tags=["Traces"], route_class=BoundedRoute)

TraceId = Annotated[
    str,
    Path(
        alias="id",
        pattern=r"^[A-Za-z0-9_.-]{1,64}$",
        description="Of an outcome or a task, or the `x-request-id` of its HTTP request.",
    ),
]


@router.get("", summary="Your newest traces, without their spans")
async def list_traces(
    service: TheService, owner: Owner, limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = 20
) -> Json:
    return Json({"object": "list", "data": await service.traces.list(owner, limit)})


@router.get("/{id}", summary="One request as a tree: route, plan, steps, model calls")
async def get_trace(trace_id: TraceId, service: TheService, owner: Owner) -> Json:
    """Times are in milliseconds from the beginning. Texts are told by their sizes alone."""
    return Json(await service.traces.get(trace_id, owner))
