"""A service with the routes that the command line uses, and nothing behind them."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from orchestrator.plan import Plan, Step
from orchestrator.settings import Settings
from orchestrator.turn import (
    Citation,
    ErrorReport,
    Event,
    Finished,
    Outcome,
    Planned,
    RouteReport,
    StepChanged,
    StepReport,
)

PLAN = Plan(steps=(Step(id="s1", tool="echo", args={"text": "input:request"}),))
ROUTE = RouteReport(path="router", confidence=0.9)


def create_fake_app() -> FastAPI:
    app = FastAPI()
    app.state.seen = []
    app.state.hold = asyncio.Event()
    app.state.held = asyncio.Event()

    @app.middleware("http")
    async def note_seen(request: Request, call_next: Any) -> Response:
        app.state.seen.append((request.method, request.url.path, dict(request.headers)))
        response: Response = await call_next(request)
        return response

    @app.get("/hold")
    async def hold() -> dict[str, str]:
        app.state.held.set()
        await app.state.hold.wait()
        return {"held": "yes"}

    @app.get("/echo")
    async def echo(text: str) -> dict[str, str]:
        return {"text": text}

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        body = await request.json()
        content = body["messages"][0]["content"]
        text = content if isinstance(content, str) else content[0]["text"]
        if text == "busy":
            return _error(503, "The chat model is not there.", "model_unavailable")
        if text == "unauthorized":
            return _error(401, "The API key is missing.", "invalid_api_key")
        if text == "not json":
            return Response("<html>", 500)
        return StreamingResponse(_stream(text, body), media_type="text/event-stream")

    return app


def _error(status: int, message: str, code: str) -> JSONResponse:
    error = {"message": message, "type": "x", "param": None, "code": code}
    return JSONResponse({"error": error}, status)


async def _stream(text: str, body: dict[str, Any]) -> AsyncIterator[str]:
    asked = body["switchboard"]
    content = body["messages"][0]["content"]
    files = [] if isinstance(content, str) else [part["file"] for part in content[1:]]
    said = [f"{f['filename']}: {_decoded(f['file_data'])}" for f in files]
    answer = "\n".join([f"You said {text}.", *said])
    outcome = Outcome(
        id="t1",
        conversation_id=(asked["conversation"] or "c1") if asked["store"] else None,
        answer="" if asked["plan_only"] else answer,
        plan=PLAN,
        route=ROUTE,
    )
    yield _event(Planned(plan=PLAN))
    if not asked["plan_only"]:
        outcome = outcome.model_copy(update=_ran(text))
        for step in outcome.steps:
            yield _event(StepChanged(step=step))
        for piece in re.findall(r"\s*\S+", answer):
            yield "data: " + json.dumps({"choices": [{"delta": {"content": piece}}]}) + "\n\n"
            if text == "break off":
                return
            if text == "fail late":
                error = {"message": "It broke in between.", "code": "model_error"}
                yield "data: " + json.dumps({"error": error}) + "\n\n"
                return
    yield _event(Finished(outcome=outcome))
    yield "data: [DONE]\n\n"


def _ran(text: str) -> dict[str, Any]:
    if text == "fail":
        error = ErrorReport(code="tool_error", message="It did not work.")
        return {"steps": (StepReport(id="s1", tool="echo", status="failed", error=error),)}
    step = StepReport(id="s1", tool="echo", status="ok", seconds=0.5, result={"text": text})
    cited = Citation(number=1, document="returns.md", heading="Laptops", chunk_id="k", text="…")
    return {"steps": (step,), "citations": (cited,) if text == "cite" else ()}


def _decoded(data_url: str) -> str:
    return base64.b64decode(data_url.partition(",")[2]).decode()


def _event(event: Event) -> str:
    return f"event: switchboard\ndata: {event.model_dump_json()}\n\n"


@asynccontextmanager
async def fake_service_app(settings: Settings) -> AsyncIterator[FastAPI]:
    yield create_fake_app()
