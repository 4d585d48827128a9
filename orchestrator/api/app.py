"""The HTTP API, put together."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from model_servers.contracts import SwitchboardError
from orchestrator.api import (
    audio,
    batches,
    embeddings,
    files,
    handoffs,
    health,
    knowledge,
    openai,
    recommend,
    served_files,
    stored,
    tasks,
    tools,
    traces,
)
from orchestrator.api.auth import Gate
from orchestrator.api.error_shape import RESPONSES, MountedErrors
from orchestrator.api.facade import Service
from orchestrator.api.limits import BodyLimits
from orchestrator.api.replies import (
    on_http_error,
    on_switchboard_error,
    on_validation_error,
    unknown_route,
    wrong_method,
)
from orchestrator.api.tracing import RequestIds

_DESCRIPTION = """Ask in plain language and the right models do it, over OpenAI's API:
`POST /v1/chat/completions` with the model `switchboard`. Tools, the knowledge base and stored
conversations have routes of their own. Errors have OpenAI's shape; every response has an
`x-request-id`."""


def create_app(service: Service) -> FastAPI:
    """The API over an open service, which whoever opened it closes.

    A page may be mounted at "/": unknown addresses below /v1 stay errors of the API.
    """
    max_bytes = service.settings.max_request_bytes
    # Its /docs asks nothing of other hosts.
    app = FastAPIOffline(
        title="Switchboard",
        version=version("switchboard"),
        description=_DESCRIPTION,
        redoc_url=None,
        redirect_slashes=False,
        responses=dict(RESPONSES),
    )
    app.state.service = service
    for router in (*_ROUTERS, _rest):
        app.include_router(router)
    app.add_exception_handler(SwitchboardError, on_switchboard_error)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(RequestValidationError, on_validation_error)
    # The one added last is the first to see a request.
    app.add_middleware(MountedErrors, reason=_nothing_here)
    app.add_middleware(BodyLimits, max_bytes=max_bytes)
    app.add_middleware(Gate, service=service)
    app.add_middleware(RequestIds)
    return app


_ROUTERS = (
    openai.router,
    embeddings.router,
    audio.router,
    tools.router,
    knowledge.router,
    recommend.router,
    stored.router,
    files.router,
    served_files.router,
    batches.router,
    tasks.router,
    handoffs.router,
    traces.router,
    health.router,
)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_rest = APIRouter(include_in_schema=False)


@_rest.api_route("/v1", methods=[*_METHODS])
@_rest.api_route("/v1/{rest:path}", methods=[*_METHODS])
async def nothing_here(request: Request) -> Response:
    """Everything else below /v1."""
    raise _nothing_here(request.scope)


def _nothing_here(scope: Scope) -> SwitchboardError:
    """What is wrong with a request that no route takes: its method, or its address."""
    allowed = [method for method in _METHODS if _is_served({**scope, "method": method})]
    path = scope["path"]
    return wrong_method(path, scope["method"], allowed) if allowed else unknown_route(path)


def _is_served(scope: Scope) -> bool:
    return any(
        route.matches(scope)[0] is Match.FULL for router in _ROUTERS for route in router.routes
    )
