"""How files leave: by who asked for them with a key, or by a signed link."""

from __future__ import annotations

import asyncio
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query
from starlette.responses import FileResponse, Response

from orchestrator.api.facade import Service, TheService
from orchestrator.api.limits import BoundedRoute
from tools.artifacts import Artifact

router = APIRouter(tags=["Files"], route_class=BoundedRoute)


@router.get("/files/{artifact_id}", summary="A file's bytes, by a signed link")
async def get_linked_file(
    artifact_id: str,
    service: TheService,
    expires: Annotated[str, Query(pattern=r"^\d{1,12}$")],
    signature: Annotated[str, Query(min_length=64, max_length=64)],
) -> Response:
    """Links are in the `url` of the files that answers describe. No key is needed."""
    service.links.check(artifact_id, expires, signature)
    return await served(await asyncio.to_thread(service.artifacts.get, artifact_id), service)


async def served(artifact: Artifact, service: Service) -> Response:
    """The bytes, whole or the range that is asked for. Raises NotFound."""
    path = await asyncio.to_thread(service.artifacts.path, artifact.id)
    return FileResponse(
        path,
        media_type=artifact.media_type,
        headers={
            # A file may be a page with scripts: it is saved, never shown as ours. Pictures and
            # players take it all the same.
            "content-disposition": f"attachment; filename*=UTF-8''{quote(artifact.name)}",
            "x-content-type-options": "nosniff",
            "content-security-policy": "sandbox; default-src 'none'",
            "referrer-policy": "no-referrer",
            "cache-control": "private, max-age=3600",
            "etag": f'"{artifact.id}"',
        },
    )
