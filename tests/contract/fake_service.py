"""A service with the routes that the command line uses, and nothing behind them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Annotated, Any

from fastapi import FastAPI, Form, Request, UploadFile
from fastapi.responses import JSONResponse, Response, StreamingResponse

from orchestrator.admission import Admission, Bounds
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
    app.state.service = SimpleNamespace(admission=Admission(Bounds()))
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

    _add_tools(app)
    _add_knowledge(app)
    return app


ECHO = {
    "object": "tool",
    "name": "echo",
    "description": "Says what it is given.",
    "parameters": {
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "labels": {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]},
            "times": {"type": "integer"},
            "document": {"$ref": "#/$defs/Artifact"},
        },
        "required": ["text"],
        "$defs": {"Artifact": {"anyOf": [{"type": "object"}, {"type": "string"}]}},
    },
    "slots": {"text": "text", "document": "document"},
    "outputs": {"text": "text"},
    "examples": [],
}


def _add_tools(app: FastAPI) -> None:
    @app.get("/v1/tools")
    async def tools() -> dict[str, Any]:
        return {"object": "list", "data": [ECHO]}

    @app.get("/v1/tools/{name}")
    async def tool(name: str) -> Any:
        if name != "echo":
            return _error(404, f"There is no tool {name!r}; did you mean 'echo'?", "not_found")
        return ECHO

    @app.post("/v1/tools/{name}/invoke")
    async def invoke(name: str, request: Request) -> Any:
        arguments = (await request.json())["arguments"]
        if not isinstance(arguments.get("times", 1), int):
            return _error(400, "echo: times: Input should be a valid integer.", "invalid_input")
        made = [
            {"id": f"{number:064}", "name": "../said.txt", "media_type": "text/plain"}
            for number in range(2)
        ]
        return {
            "id": "call_1",
            "tool": name,
            "result": {"text": json.dumps(arguments, sort_keys=True)},
            "artifacts": made if arguments.get("text") == "files" else [],
            "seconds": 0.1,
        }

    @app.get("/v1/files/{file_id}/content")
    async def content(file_id: str) -> Response:
        return Response(f"file {int(file_id)}".encode())


def _add_knowledge(app: FastAPI) -> None:
    documents: dict[str, dict[str, Any]] = {}

    @app.post("/v1/kb/documents")
    async def add(file: UploadFile, collection: Annotated[str, Form()]) -> Any:
        raw = await file.read()
        if raw == b"bad":
            return _error(400, "This is not what its name says.", "invalid_input")
        name = str(file.filename)
        document = {
            "id": f"doc-{collection}-{name.replace('/', '-')}",
            "name": name,
            "collection": collection,
            "language": "en",
            "chunks": 1,
            "content_hash": hashlib.sha256(raw).hexdigest(),
        }
        documents[document["id"]] = document
        return {"object": "list", "data": [document]}

    @app.get("/v1/kb/documents")
    async def listed(collection: str | None = None) -> dict[str, Any]:
        found = [d for d in documents.values() if collection in (None, d["collection"])]
        return {"object": "list", "data": found}

    @app.delete("/v1/kb/documents/{document_id}")
    async def remove(document_id: str) -> dict[str, Any]:
        del documents[document_id]
        return {"deleted": True}

    @app.post("/v1/kb/search")
    async def search(request: Request) -> dict[str, Any]:
        body = await request.json()
        passage = {
            "document": "returns.md",
            "heading": ["Returns", "Laptops"],
            "text": f"About\n{body['query']}.",
            "score": 0.875,
        }
        return {"object": "list", "data": [] if body["query"] == "nothing" else [passage]}


def _error(status: int, message: str, code: str) -> JSONResponse:
    error = {"message": message, "type": "x", "param": None, "code": code}
    return JSONResponse({"error": error}, status)


async def _stream(text: str, body: dict[str, Any]) -> AsyncIterator[str]:
    asked = body["switchboard"]
    content = body["messages"][0]["content"]
    files = [] if isinstance(content, str) else [part["file"] for part in content[1:]]
    said = [
        f"live: {f['file_url']}"
        if f.get("live")
        else f"{f['filename']}: {_decoded(f['file_data'])}"
        for f in files
    ]
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
            if text == "hang":
                await asyncio.Event().wait()
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
async def fake_service_app(_: Settings, *, page: bool) -> AsyncIterator[FastAPI]:
    """In the place of `orchestrator.server.service_app`."""
    yield create_fake_app()
