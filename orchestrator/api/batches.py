"""OpenAI's batches: a file of requests, answered when there is time."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field

from orchestrator.api.chat_request import Body
from orchestrator.api.facade import Owner, TheService
from orchestrator.api.files import page
from orchestrator.api.limits import BoundedRoute
from orchestrator.api.replies import Json
from orchestrator.batch import Batch, Endpoint

router = APIRouter(prefix="/v1/batches", tags=["OpenAI"], route_class=BoundedRoute)

MAX_LISTED = 100


class BatchBody(Body):
    """`input_file_id` is of a file uploaded with the purpose "batch"."""

    input_file_id: str = Field(max_length=100)
    endpoint: Endpoint
    completion_window: Literal["24h"]
    metadata: dict[str, Annotated[str, Field(max_length=512)]] | None = Field(
        default=None, max_length=16
    )


BatchId = Annotated[str, Path(alias="id", max_length=100)]


@router.post("", summary="Have a file of requests answered")
async def create_batch(body: BatchBody, service: TheService, owner: Owner) -> Json:
    """Each line of the file is `{"custom_id", "method": "POST", "url", "body"}`. The results are
    files: the answers, and what failed, each line under its `custom_id`. A batch goes on after a
    restart of the service."""
    batch = await service.batches.create(
        owner,
        input_file_id=body.input_file_id,
        endpoint=body.endpoint,
        metadata=body.metadata,
    )
    return Json(as_batch(batch))


@router.get("", summary="Your batches, newest first")
async def list_batches(
    service: TheService,
    owner: Owner,
    after: Annotated[str | None, Query(description="Those older than this one.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = 20,
) -> Json:
    found = await service.batches.store.list(owner, after=after, limit=limit + 1)
    return Json(page([as_batch(batch) for batch in found], limit))


@router.get("/{id}", summary="One batch")
async def get_batch(batch_id: BatchId, service: TheService, owner: Owner) -> Json:
    return Json(as_batch(await service.batches.store.get(batch_id, owner)))


@router.post("/{id}/cancel", summary="Stop a batch")
async def cancel_batch(batch_id: BatchId, service: TheService, owner: Owner) -> Json:
    """What was answered by then is in its files."""
    return Json(as_batch(await service.batches.cancel(batch_id, owner)))


_TIMES = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")


def as_batch(batch: Batch) -> dict[str, Any]:
    """The batch as OpenAI's API shows it."""
    times = {name: int(time.timestamp()) for name, time in batch.times.items()}
    times.setdefault("cancelling", times.get("cancelled", 0))
    errors = {"object": "list", "data": batch.errors} if batch.errors else None
    return {
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.endpoint,
        "errors": errors,
        "input_file_id": batch.input_file_id,
        "completion_window": "24h",
        "status": batch.state,
        "output_file_id": batch.output_file_id,
        "error_file_id": batch.error_file_id,
        "created_at": int(batch.created_at.timestamp()),
        "expires_at": int(batch.expires_at.timestamp()),
        **{f"{name}_at": times.get(name) or None for name in _TIMES},
        "request_counts": batch.counts,
        "metadata": batch.metadata,
    }
