"""What is kept: conversations, thumbs."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import Field

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


@router.get("/conversations", summary="Your conversations", tags=["Conversations"])
async def list_conversations(service: TheService, owner: Owner) -> Json:
    return Json({"object": "list", "data": await service.conversations.list(owner)})


@router.get("/conversations/{conversation_id}", summary="Its messages", tags=["Conversations"])
async def get_conversation(
    conversation_id: str, request: Request, service: TheService, owner: Owner
) -> Json:
    messages = service.links.added(
        await service.conversations.messages(conversation_id, owner, MAX_MESSAGES),
        str(request.base_url),
    )
    return Json({"object": "conversation", "id": conversation_id, "messages": messages})


@router.get(
    "/conversations/{conversation_id}/state", summary="What is new in it", tags=["Conversations"]
)
async def get_conversation_state(conversation_id: str, service: TheService, owner: Owner) -> Json:
    """Its last message, and the hand-over that is open: little to ask for every second."""
    last = await service.conversations.last_message(conversation_id, owner)
    handoff = await service.handoffs.open_for(conversation_id)
    return Json(
        {
            "object": "conversation.state",
            "id": conversation_id,
            "last_message": last,
            "handoff": handoff.id if handoff else None,
        }
    )


@router.delete("/conversations/{conversation_id}", summary="Forget it", tags=["Conversations"])
async def delete_conversation(conversation_id: str, service: TheService, owner: Owner) -> Json:
    await service.conversations.delete(conversation_id, owner)
    return Json({"object": "conversation", "id": conversation_id, "deleted": True})


@router.post("/messages/{message_id}/feedback", summary="Thumb up or down", tags=["Conversations"])
async def rate_message(message_id: str, body: Feedback, service: TheService, owner: Owner) -> Json:
    await service.conversations.rate(message_id, owner, body.value, body.comment)
    return Json({"object": "feedback", "message_id": message_id, "value": body.value})
