"""Tasks: requests that are kept and done whatever becomes of the connection or of the service."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Header, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from orchestrator.api.admitted import admitted
from orchestrator.api.chat_request import Body, FileData
from orchestrator.api.facade import Owner, Service, TheService
from orchestrator.api.files import page
from orchestrator.api.limits import BoundedRoute
from orchestrator.api.replies import Json
from orchestrator.api.streams import closing, sse, streamed
from orchestrator.api.uploads import uploaded
from orchestrator.errors import BadRequest
from orchestrator.guard import admit
from orchestrator.task import UNFINISHED, Task, TaskEvent, TaskRequest, TaskState
from orchestrator.tasks import MAX_LISTED
from orchestrator.turn import ErrorReport, Finished, Outcome, Turn

router = APIRouter(prefix="/v1/tasks", tags=["Tasks"], route_class=BoundedRoute)

MAX_NUMBER = 2**31 - 1
"""What a database takes for an event's number."""
KEEP_ALIVE_S = 15.0
"""A stream on which nothing happens for so long says that it is still there."""


class TaskBody(Body):
    """What a task is made of.

    Attributes:
        request: what is to be done, in plain language.
        files: what it is about.
        conversation: id of a stored conversation that it continues.
        each: do it for every row of the one file, a CSV or JSONL.
        dry_run: give the plan, make no task.
    """

    request: str
    files: list[FileData] = Field(default_factory=list)
    conversation: str | None = None
    each: bool = False
    dry_run: bool = False


TaskId = Annotated[str, Path(alias="id", description="As GET /v1/tasks lists it.")]
_KEY = Header(
    alias="Idempotency-Key",
    min_length=1,
    max_length=255,
    description="Sent again with the same request it gives the same task.",
)


@router.post(
    "",
    summary="Have something done",
    status_code=202,
    responses={200: {"description": "The plan of a dry run; or the task made with this key."}},
)
async def create_task(
    body: TaskBody,
    http: Request,
    service: TheService,
    owner: Owner,
    key: Annotated[str | None, _KEY] = None,
) -> Json:
    """The answer comes at once, with status 202 and the task as it stands. Its work goes on when
    the client has gone, and after a restart of the service.
    """
    request = await _request(body, service, owner)
    turn = Turn(
        text=request.text,
        attachments=request.attachments,
        conversation_id=request.conversation_id,
        plan_only=True,
        owner=owner,
    )
    if body.dry_run:
        outcome = await (_plan_of_rows if body.each else _plan)(service, turn)
        about = {"plan", "route", "rows"}
        return Json({"object": "task.plan"} | outcome.model_dump(mode="json", include=about))
    if body.each:  # what is no table is refused now, not when its turn comes
        await service.bulk.read(turn)
    task, is_new = await service.tasks.create(owner, request, key)
    return Json(_linked(_head(task), service, http), 202 if is_new else 200)


@router.get("", summary="Your tasks, newest first")
async def list_tasks(
    http: Request,
    service: TheService,
    owner: Owner,
    *,
    state: Annotated[TaskState | None, Query()] = None,
    after: Annotated[str | None, Query(description="Those older than this one.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = 20,
) -> Json:
    found = await service.tasks.store.list(owner, state=state, after=after, limit=limit + 1)
    return Json(_linked(page([_head(task) for task in found], limit), service, http))


@router.get("/{id}", summary="One task: its plan, steps, files and outcome")
async def get_task(task_id: TaskId, http: Request, service: TheService, owner: Owner) -> Json:
    whole = await _whole(await service.tasks.store.get(task_id, owner), service)
    return Json(_linked(whole, service, http))


@router.get(
    "/{id}/events",
    summary="What happens in a task, as it happens",
    response_description="Numbered server-sent events; the last one, `task`, has all of it.",
)
async def follow_task(
    http: Request,
    task_id: TaskId,
    service: TheService,
    owner: Owner,
    last: Annotated[
        int,
        Header(alias="Last-Event-ID", ge=0, le=MAX_NUMBER, description="Go on after this event."),
    ] = 0,
) -> Response:
    """Events are kept: those of a finished task are told all the same."""
    await service.tasks.store.get(task_id, owner)
    linked = functools.partial(_linked, service=service, http=http)
    return await streamed(_events(service, task_id, owner, last, linked), http)


@router.post("/{id}/cancel", summary="Stop a task")
async def cancel_task(task_id: TaskId, http: Request, service: TheService, owner: Owner) -> Json:
    """A task that has ended stays as it is."""
    whole = await _whole(await service.tasks.cancel(task_id, owner), service)
    return Json(_linked(whole, service, http))


async def _request(body: TaskBody, service: Service, owner: str) -> TaskRequest:
    """What is asked for, once it is known to be sound. Raises BadRequest, NotFound, …"""
    text = admit(body.request, len(body.files), max_chars=service.settings.max_prompt_chars)
    if body.each and body.conversation is not None:
        raise BadRequest(
            "conversation: what is done for each row is part of no conversation.",
            param="conversation",
        )
    if body.conversation is not None:
        await service.conversations.messages(body.conversation, owner, limit=1)
    files = [
        await uploaded(file, service, owner, param=f"files[{index}]")
        for index, file in enumerate(body.files)
    ]
    return TaskRequest(
        text=text, attachments=tuple(files), conversation_id=body.conversation, each=body.each
    )


async def _plan(service: Service, turn: Turn) -> Outcome:
    async with closing(service.run(turn)) as events:
        async for event in events:
            if isinstance(event, Finished):
                return event.outcome
    raise AssertionError("the agent ends with an outcome")


async def _plan_of_rows(service: Service, turn: Turn) -> Outcome:
    told: list[TaskEvent] = []
    async with admitted(service, turn.owner):
        await service.bulk.run(turn, told.append, job_id=f"plan_{uuid4().hex}")
    assert isinstance(told[-1], Finished)
    return told[-1].outcome


async def _events(
    service: Service, task_id: str, owner: str, after: int, linked: Callable[[Any], Any]
) -> AsyncIterator[bytes]:
    store = service.tasks.store
    async with closing(store.follow(task_id, after, news_s=KEEP_ALIVE_S)) as news:
        async for told in news:
            if told is None:
                yield b": waiting\n\n"
                continue
            number, event = told
            if event["type"] == "task" and event["state"] not in UNFINISHED:
                task = await _whole(await store.get(task_id, owner), service)
                event = {"type": "task", "task": task}
            yield sse(linked(event), event=event["type"], number=number)


def _linked(content: Any, service: Service, http: Request) -> Any:
    """What is told of a task, with a link to each of its files that works without a key."""
    return service.links.added(content, str(http.base_url))


def _head(task: Task) -> dict[str, Any]:
    """A task as lists show it."""
    request = task.request
    return {
        "id": task.id,
        "object": "task",
        "state": task.state,
        "request": {
            "text": request.text,
            "files": request.attachments,
            "conversation": request.conversation_id,
            "each": request.each,
        },
        "progress": task.progress,
        "error": task.error,
        "attempts": task.attempts,
        "created_at": task.created_at,
        "started_at": task.started_at,
        "finished_at": task.finished_at,
    }


async def _whole(task: Task, service: Service) -> dict[str, Any]:
    """A task with what has come of it so far."""
    told = [event for _, event in await service.tasks.store.events(task.id)]
    plan = _last(told, "plan")
    steps: dict[str, dict[str, Any]] = {}
    for event in told:
        if event["type"] == "step":
            steps[event["step"]["id"]] = _as_it_ended(event["step"], task)
    order = [step["id"] for step in (plan or {}).get("steps", ())]
    outcome = task.outcome or {}
    made = [file for step in steps.values() for file in step["artifacts"]]
    return {
        **_head(task),
        "route": _last(told, "route"),
        "plan": plan,
        "steps": sorted(steps.values(), key=lambda step: order.index(step["id"])),
        "artifacts": outcome.get("artifacts", made),
        "outcome": task.outcome,
    }


def _as_it_ended(step: dict[str, Any], task: Task) -> dict[str, Any]:
    """A step as it was told last. What ends a task in the middle of one leaves nobody to tell how
    the step ended."""
    cancelled = ErrorReport(code="cancelled", message="The task was cancelled while this step ran.")
    error = {"cancelled": cancelled, "failed": task.error}.get(task.state)
    if step["status"] != "running" or error is None:
        return step
    return step | {"status": "failed", "error": error.model_dump()}


def _last(told: Iterable[Mapping[str, Any]], kind: str) -> Any:
    found = [event[kind] for event in told if event["type"] == kind]
    return found[-1] if found else None
