"""The knowledge base: documents in, passages out; and pictures to compare others with."""

from __future__ import annotations

import asyncio
import math
from typing import Annotated

from fastapi import APIRouter, File, Form, Query, UploadFile
from pydantic import Field

from orchestrator.api.admitted import admitted
from orchestrator.api.chat_request import Body
from orchestrator.api.facade import Owner, Service, TheService
from orchestrator.api.limits import CostlyRoute
from orchestrator.api.replies import Json
from orchestrator.errors import BadRequest
from tools.coercions import coerce
from tools.knowledge.passages import DEFAULT_COLLECTION, Document
from tools.knowledge.pictures import Picture

router = APIRouter(prefix="/v1/kb", tags=["Knowledge base"], route_class=CostlyRoute)


class KnowledgeSearch(Body):
    query: str = Field(min_length=1, max_length=10_000)
    collection: str = DEFAULT_COLLECTION
    limit: int = Field(default=5, ge=1, le=50)


@router.post("/documents", summary="Add documents")
async def add_documents(
    service: TheService,
    owner: Owner,
    file: Annotated[list[UploadFile], File(description="Markdown, HTML, PDF, DOCX, CSV, text.")],
    collection: Annotated[str, Form()] = DEFAULT_COLLECTION,
) -> Json:
    """As multipart/form-data. A document is known by its file's name, which may hold folders
    (`en/returns.md`); one with the name of another takes its place."""
    # A long document takes its time: the body's size is what bounds it.
    async with service.admission.admitted(owner, timeout_s=math.inf):
        added = [await _add(upload, collection, service) for upload in file]
    return Json({"object": "list", "data": added})


async def _add(upload: UploadFile, collection: str, service: Service) -> Document:
    if not upload.filename:
        raise BadRequest("file: each document needs a file name.", param="file")
    # The bytes get no name here: they would be held beside those that are read from the store.
    artifact = await asyncio.to_thread(
        service.artifacts.put, await upload.read(), name=upload.filename, origin="user"
    )
    text = await coerce(artifact, artifact.kind, "text", service.artifacts)
    return await service.knowledge.add(upload.filename, text, collection=collection)


@router.get("/documents", summary="The documents")
async def list_documents(
    service: TheService,
    collection: Annotated[str | None, Query()] = None,
) -> Json:
    return Json({"object": "list", "data": await service.knowledge.list(collection)})


@router.delete("/documents/{document_id}", summary="Remove a document")
async def remove_document(
    document_id: str,
    service: TheService,
    collection: Annotated[str, Query()] = DEFAULT_COLLECTION,
) -> Json:
    """By its id, or by its name in a collection."""
    removed = await service.knowledge.remove(document_id, collection)
    return Json({"object": "document", "id": removed.id, "deleted": True})


@router.post("/search", summary="The passages nearest to a query")
async def search(body: KnowledgeSearch, service: TheService, owner: Owner) -> Json:
    async with admitted(service, owner):
        passages = await service.knowledge.search(
            body.query, collection=body.collection, limit=body.limit
        )
    return Json({"object": "list", "data": passages})


@router.get("/passages/{chunk_id}", summary="One passage, as a citation names it")
async def get_passage(chunk_id: str, service: TheService) -> Json:
    return Json(await service.knowledge.passage(chunk_id))


@router.post("/images", summary="Add pictures")
async def add_images(
    service: TheService,
    owner: Owner,
    file: Annotated[list[UploadFile], File(description="PNG, JPEG, WebP, GIF, BMP, TIFF.")],
    collection: Annotated[str, Form()] = DEFAULT_COLLECTION,
) -> Json:
    """As multipart/form-data. `search_images` tells by the file's name which one a picture looks
    like; a picture with the name of another takes its place."""
    async with service.admission.admitted(owner, timeout_s=math.inf):
        added = [await _add_image(upload, collection, service) for upload in file]
    return Json({"object": "list", "data": added})


async def _add_image(upload: UploadFile, collection: str, service: Service) -> Picture:
    if not upload.filename:
        raise BadRequest("file: each picture needs a file name.", param="file")
    content = await upload.read()
    return await service.knowledge.pictures.add(upload.filename, content, collection=collection)


@router.get("/images", summary="The pictures")
async def list_images(
    service: TheService,
    collection: Annotated[str | None, Query()] = None,
) -> Json:
    return Json({"object": "list", "data": await service.knowledge.pictures.list(collection)})


@router.delete("/images/{image_id}", summary="Remove a picture")
async def remove_image(
    image_id: str,
    service: TheService,
    collection: Annotated[str, Query()] = DEFAULT_COLLECTION,
) -> Json:
    """By its id, or by its name in a collection."""
    removed = await service.knowledge.pictures.remove(image_id, collection)
    return Json({"object": "image", "id": removed.id, "deleted": True})
