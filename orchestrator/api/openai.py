"""OpenAI's API: chat completions and models."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from orchestrator.api.admitted import admitted, admitted_stream
from orchestrator.api.audio import LISTENERS, SPEAKERS
from orchestrator.api.chat_request import ChatRequest, Extension, SystemMessage
from orchestrator.api.completions import Completion, FinishReason
from orchestrator.api.conversation import as_turn, check_size, limits_of, request_of, text_of
from orchestrator.api.direct import DirectChat, is_direct
from orchestrator.api.embeddings import MODELS as EMBEDDING_MODELS
from orchestrator.api.facade import Owner, Service, TheService
from orchestrator.api.limits import CostlyRoute
from orchestrator.api.replies import Json
from orchestrator.api.streams import closing, streamed
from orchestrator.api.tool_model import run_as_model
from orchestrator.errors import BadRequest, UnknownModel
from orchestrator.turn import Event, Finished, Limits, Outcome, TextDelta, UsageReport
from tools.artifacts import Artifact

AGENT = "switchboard"
_MADE_AT = 1_767_225_600
"""`created` of every model, 2026-01-01: OpenAI's clients want a time."""

router = APIRouter(prefix="/v1", tags=["OpenAI"], route_class=CostlyRoute)


@router.post(
    "/chat/completions",
    summary="Ask the agent, or one tool",
    response_description="A chat completion, or with `stream` its chunks as server-sent events.",
)
async def create_chat_completion(
    request: Request, body: ChatRequest, service: TheService, owner: Owner
) -> Response:
    """The model `switchboard` is the agent: it plans, runs tools and answers. A tool's name as
    the model runs that tool alone on the last message, with parameters such as a target language
    from the system message. With `tools` or a JSON `response_format` the chat model answers
    itself; with `parallel_tool_calls` it may call a function several times. System messages do
    not reach the agent, which has its own instructions. An audio part without a word of text is
    the request itself: it is written down, and `heard` in the outcome has what was understood.
    Where no outcome was asked for, files that tools made are links at the end of the text.

    `max_completion_tokens`, or `max_tokens`, bounds all that the chat model generates for the
    request, planning and the tools' own use of it included, as OpenAI counts reasoning: the answer
    ends there with `finish_reason` "length", or says which step had no tokens left. An answer put
    together without the chat model takes none. A tool that runs alone is not bounded by it.

    With `tools` a call that has its result already is not made again unless `tool_choice` asks for
    it: the chat model answers from the results.

    The extension field `switchboard` continues or keeps a conversation, stops after planning,
    lowers what the request may take (time, steps, calls and tokens of the chat model), and asks
    for progress: then a stream carries events called `switchboard`, which are chunks without text
    as well, and a whole answer has the outcome (plan, steps, citations, artifacts) under the same
    name.
    """
    check_size(body, service.settings)
    completion = Completion(
        body.model, bool(body.stream_options and body.stream_options.include_usage)
    )
    if body.model in service.registry:
        return await _tool(body, completion, service, owner, request)
    if body.model in (elsewhere := _served_elsewhere()):
        raise BadRequest(
            f"model: {body.model!r} {elsewhere[body.model]}; chat with {AGENT!r}.", param="model"
        )
    if body.model != AGENT:
        raise UnknownModel(
            f"There is no model {body.model!r}; the agent is {AGENT!r}, and GET /v1/models lists "
            "the tools.",
            param="model",
        )
    if is_direct(body):
        _refuse_extension(body)
        direct = DirectChat(body, service.chat, service.settings)
        if body.stream:
            chunks = admitted_stream(service, owner, direct.stream(completion))
            return await streamed(chunks, request)
        async with admitted(service, owner):
            return Json(await direct.whole(completion))
    if body.tool_choice not in (None, "none", "auto"):
        raise BadRequest("tool_choice: there are no tools to choose from.", param="tool_choice")
    return await _agent(body, completion, service, owner, request)


async def _agent(
    body: ChatRequest, completion: Completion, service: Service, owner: str, request: Request
) -> Response:
    extension = body.switchboard or Extension()
    limits = limits_of(body, service.settings)
    turn = (await as_turn(body, service, owner)).model_copy(update={"limits": limits})
    if extension.store and turn.conversation_id is None and not turn.plan_only:
        conversation_id = await service.conversations.create(owner)
        turn = turn.model_copy(update={"conversation_id": conversation_id})
    base_url = str(request.base_url)
    added = functools.partial(service.links.added, base_url=base_url)
    # A client that is told no more than the text finds the files there.
    shown = functools.partial(service.links.shown, base_url=base_url)
    if body.stream:
        told = added if extension.progress else None
        chunks = _chunks(service.run(turn), completion, limits, told, shown)
        return await streamed(chunks, request)
    outcome = await _outcome(service.run(turn))
    links = shown(outcome.artifacts) if body.switchboard is None else ""
    finish = _finish(outcome.usage, limits)
    whole = completion.whole(outcome.answer + links, outcome.usage, finish=finish)
    return Json(whole if body.switchboard is None else whole | {"switchboard": added(outcome)})


def _finish(usage: UsageReport, limits: Limits) -> FinishReason:
    """Whether the client's bound on tokens ended the answer: a model that is stopped at it has
    used all of it."""
    bound = limits.max_completion_tokens
    return "length" if bound is not None and usage.completion_tokens >= bound else "stop"


async def _outcome(events: AsyncIterator[Event]) -> Outcome:
    outcome: Outcome | None = None
    async with closing(events):
        async for event in events:
            if isinstance(event, Finished):
                outcome = event.outcome
    assert outcome is not None, "the agent ends with an outcome"
    return outcome


async def _chunks(
    events: AsyncIterator[Event],
    completion: Completion,
    limits: Limits,
    told: Callable[[Event], Any] | None,
    shown: Callable[[Sequence[Artifact]], str],
) -> AsyncIterator[bytes]:
    """`told` makes of an event what is sent of it; with None the text alone is sent, which ends
    with the files as they are `shown`."""
    begun, usage = False, UsageReport()
    async with closing(events):
        async for event in events:
            # Nothing is sent before the first event: until then an error has its own status.
            if not begun:
                begun = True
                yield completion.first()
            if isinstance(event, TextDelta):
                yield completion.text(event.text)
            elif told is not None:
                yield completion.beside(told(event))
            if isinstance(event, Finished):
                usage = event.outcome.usage
                if told is None and (links := shown(event.outcome.artifacts)):
                    yield completion.text(links)
    yield completion.last(usage, _finish(usage, limits))


async def _tool(
    body: ChatRequest, completion: Completion, service: Service, owner: str, request: Request
) -> Response:
    if is_direct(body):
        raise BadRequest(
            f"model: tools and response_format go with {AGENT!r}, not with a tool's name.",
            param="model",
        )
    _refuse_extension(body)
    text, files = await request_of(body, service, owner)
    instructions = "\n".join(
        text_of(message) for message in body.messages if isinstance(message, SystemMessage)
    )
    told, made, usage = await run_as_model(
        service, body.model, text, files, instructions=instructions, owner=owner
    )
    answer = told + service.links.shown(made, str(request.base_url))
    if not body.stream:
        return Json(completion.whole(answer, usage))

    async def pieces() -> AsyncIterator[bytes]:
        yield completion.first()
        yield completion.text(answer)
        yield completion.last(usage)

    return await streamed(pieces(), request)


def _refuse_extension(body: ChatRequest) -> None:
    if body.switchboard is not None:
        raise BadRequest(
            "switchboard: this field goes with the agent, not with a tool's name, tools or "
            "response_format.",
            param="switchboard",
        )


def _served_elsewhere() -> dict[str, str]:
    """The models of OpenAI's other routes, with what they do and where."""
    doing = {
        "makes vectors, at POST /v1/embeddings": EMBEDDING_MODELS,
        "writes recordings down, at POST /v1/audio/transcriptions": LISTENERS,
        "speaks, at POST /v1/audio/speech": SPEAKERS,
    }
    return {name: what for what, names in doing.items() for name in names if name != AGENT}


@router.get("/models", summary="The agent, the tools, and what vectors and sound are made by")
async def list_models(service: TheService) -> Json:
    return Json({"object": "list", "data": [_model(name) for name in _names(service)]})


@router.get("/models/{model}", summary="One model")
async def get_model(model: str, service: TheService) -> Json:
    if model not in _names(service):
        raise UnknownModel(
            f"There is no model {model!r}; GET /v1/models lists them.", param="model"
        )
    return Json(_model(model))


def _names(service: Service) -> list[str]:
    return [AGENT, *service.registry, *_served_elsewhere()]


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": _MADE_AT, "owned_by": "switchboard"}
