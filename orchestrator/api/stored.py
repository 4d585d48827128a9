"""What is kept: files, conversations, thumbs."""

from __future__ import annotations

import asyncio
from typing import Literal
from urllib.parse import quote

from fastapi import APIRouter
from pydantic import Field
from starlette.background import BackgroundTask
from starlette.responses import Response, StreamingResponse

from orchestrator.api.chat_request import Body
from orchestrator.api.facade import Owner, TheService
from orchestrator.api.limits import BoundedRoute
from orchestrator.api.replies import Json
from orchestrator.conversations import MAX_COMMENT_CHARS

router = APIRouter(prefix="/v1", route_class=BoundedRoute)

MAX_MESSAGES = 1_000


class Feedback(Body):
    value: Literal[1, -1]
    comment: str | None = Field(default=None, max_length=MAX_COMMENT_CHARS)


@router.get("/files/{file_id}", summary="What is known of a file", tags=["Files"])
async def get_file(file_id: str, service: TheService) -> Json:
    return Json(await asyncio.to_thread(service.artifacts.get, file_id))


@router.get("/files/{file_id}/content", summary="A file's bytes", tags=["Files"])
async def get_file_content(file_id: str, service: TheService) -> Response:
    artifact = await asyncio.to_thread(service.artifacts.get, file_id)
    content = await asyncio.to_thread(service.artifacts.open, file_id)
    return StreamingResponse(
        content,
        media_type=artifact.media_type,
        headers={
            "content-length": str(artifact.size),
            # A file may be a page with scripts: it is saved, never shown as ours.
            "content-disposition": f"attachment; filename*=UTF-8''{quote(artifact.name)}",
            "x-content-type-options": "nosniff",
            "content-security-policy": "sandbox",
        },
        background=BackgroundTask(content.close),
    )


@router.get("/conversations", summary="Your conversations", tags=["Conversations"])
async def list_conversations(service: TheService, owner: Owner) -> Json:
    return Json({"object": "list", "data": await service.conversations.list(owner)})


@router.get("/conversations/{conversation_id}", summary="Its messages", tags=["Conversations"])
async def get_conversation(conversation_id: str, service: TheService, owner: Owner) -> Json:
    messages = await service.conversations.messages(conversation_id, owner, MAX_MESSAGES)
    return Json({"object": "conversation", "id": conversation_id, "messages": messages})


@router.delete("/conversations/{conversation_id}", summary="Forget it", tags=["Conversations"])
async def delete_conversation(conversation_id: str, service: TheService, owner: Owner) -> Json:
    await service.conversations.delete(conversation_id, owner)
    return Json({"object": "conversation", "id": conversation_id, "deleted": True})


@router.post("/messages/{message_id}/feedback", summary="Thumb up or down", tags=["Conversations"])
async def rate_message(message_id: str, body: Feedback, service: TheService, owner: Owner) -> Json:
    await service.conversations.rate(message_id, owner, body.value, body.comment)
    return Json({"object": "feedback", "message_id": message_id, "value": body.value})
