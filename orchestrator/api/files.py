"""OpenAI's files, and those that requests brought or tools made, by the hash of their bytes."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from starlette.responses import Response

from orchestrator.api.facade import Owner, TheService
from orchestrator.api.limits import BoundedRoute
from orchestrator.api.replies import Json
from orchestrator.api.served_files import served
from orchestrator.errors import BadRequest
from orchestrator.files import MAX_LISTED, PREFIX, Purpose, StoredFile
from orchestrator.intake import take_in

router = APIRouter(prefix="/v1/files", tags=["Files"], route_class=BoundedRoute)


@router.post("", summary="Upload a file")
async def create_file(
    service: TheService,
    owner: Owner,
    file: Annotated[UploadFile, File(description="For a batch: JSONL, one request a line.")],
    purpose: Annotated[str, Form()],
) -> Json:
    """As multipart/form-data. Only who uploaded it can see it, use it or delete it."""
    if purpose not in get_args(Purpose):
        raise BadRequest(f"purpose: it is one of {', '.join(get_args(Purpose))}.", param="purpose")
    content = await file.read()
    name = file.filename or "file"
    artifact = await asyncio.to_thread(take_in, service.artifacts, content, name=name)
    return Json(as_file(await service.files.add(owner, artifact, purpose)))


@router.get("", summary="Your files")
async def list_files(
    service: TheService,
    owner: Owner,
    *,
    purpose: Annotated[str | None, Query()] = None,
    after: Annotated[str | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = 1_000,
    order: Annotated[Literal["asc", "desc"], Query()] = "desc",
) -> Json:
    """Those that were uploaded, and the results of batches."""
    found = await service.files.list(
        owner, purpose=purpose, after=after, limit=limit + 1, newest_first=order == "desc"
    )
    return Json(page([as_file(file) for file in found], limit))


@router.get("/{file_id}", summary="What is known of a file")
async def get_file(file_id: str, request: Request, service: TheService, owner: Owner) -> Json:
    """By its id; or a file that came with a request, or that a tool made, by its sha256."""
    if file_id.startswith(PREFIX):
        return Json(as_file(await service.files.get(file_id, owner)))
    artifact = await service.files.artifact(file_id, owner)
    return Json(service.links.added(artifact, str(request.base_url)))


@router.get("/{file_id}/content", summary="A file's bytes")
async def get_file_content(file_id: str, service: TheService, owner: Owner) -> Response:
    """By its id, or by its sha256."""
    return await served(await service.files.artifact(file_id, owner), service)


@router.delete("/{file_id}", summary="Delete a file")
async def delete_file(file_id: str, service: TheService, owner: Owner) -> Json:
    await service.files.delete(file_id, owner)
    return Json({"id": file_id, "object": "file", "deleted": True})


def as_file(file: StoredFile) -> dict[str, Any]:
    """The file as OpenAI's API shows it."""
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.artifact.size,
        "created_at": int(file.created_at.timestamp()),
        "expires_at": None,
        "filename": file.artifact.name,
        "purpose": file.purpose,
        "status": "processed",
        "status_details": None,
    }


def page(found: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    """A page of OpenAI's lists; of what was found one more than the limit says there is more."""
    data = found[:limit]
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": len(found) > limit,
    }
