"""Conversations that a person has taken over: see them, answer in them, give them back."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field

from orchestrator.api.chat_request import Body
from orchestrator.api.facade import TheService, only_operators
from orchestrator.api.limits import BoundedRoute
from orchestrator.api.replies import Json
from orchestrator.api.stored import MAX_MESSAGES
from orchestrator.errors import BadRequest
from orchestrator.guard import clean
from orchestrator.handoffs import MAX_LISTED, Handoff, HandoffState, not_open

MAX_REPLY_CHARS = 20_000

router = APIRouter(
    prefix="/v1/handoffs",
    tags=["Handoffs"],
    route_class=BoundedRoute,
    dependencies=[Depends(only_operators)],
)

HandoffId = Annotated[
    str, Path(alias="id", max_length=64, description="As GET /v1/handoffs lists it.")
]


class Reply(Body):
    text: str = Field(min_length=1, max_length=MAX_REPLY_CHARS)


@router.get("", summary="Conversations that wait for a person, or did")
async def list_handoffs(
    service: TheService,
    state: Annotated[HandoffState | None, Query()] = None,
    after: Annotated[
        str | None, Query(max_length=64, description="The id that the page before ended with.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = 50,
) -> Json:
    """The oldest first. This and what follows is for operators: who is on this machine, or has an
    operator's key.
    """
    listed = await service.handoffs.list(state, after=after, limit=limit + 1)
    page = listed[:limit]
    return Json(
        {
            "object": "list",
            "data": [*map(_shown, page)],
            "first_id": page[0].id if page else None,
            "last_id": page[-1].id if page else None,
            "has_more": len(listed) > len(page),
        }
    )


@router.get("/{id}", summary="One, with its conversation")
async def get_handoff(handoff_id: HandoffId, request: Request, service: TheService) -> Json:
    handoff = await service.handoffs.get(handoff_id)
    messages = await service.conversations.messages(
        handoff.conversation_id, owner=None, limit=MAX_MESSAGES
    )
    linked = service.links.added(messages, str(request.base_url))
    return Json({**_shown(handoff), "messages": linked})


@router.post("/{id}/replies", summary="Answer the customer", status_code=201)
async def reply(handoff_id: HandoffId, body: Reply, service: TheService) -> Json:
    """The reply becomes a message of the conversation, of the role `person`."""
    text = clean(body.text)
    if not text:
        raise BadRequest("text: the reply is empty; write one.", param="text")
    handoff = await service.handoffs.get(handoff_id)
    if handoff.state != "open":
        raise not_open(handoff)
    message_id = await service.conversations.append(handoff.conversation_id, "person", text)
    return Json(
        {
            "object": "message",
            "id": message_id,
            "conversation_id": handoff.conversation_id,
            "role": "person",
            "content": text,
        },
        201,
    )


@router.post("/{id}/resume", summary="Give the conversation back to the agent")
async def resume(handoff_id: HandoffId, service: TheService) -> Json:
    """The agent tells the customer that it is back, and serves the next message."""
    return Json(_shown(await service.resume(handoff_id)))


def _shown(handoff: Handoff) -> dict[str, Any]:
    # Which thread of LangGraph waits is nobody's business but ours.
    return {"object": "handoff", **handoff.model_dump(mode="json", exclude={"thread_id"})}
