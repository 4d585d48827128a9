"""How answers and errors leave: JSON, and errors in OpenAI's shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from model_servers.contracts import SwitchboardError
from orchestrator.errors import (
    AuthenticationFailed,
    BadRequest,
    MethodNotAllowed,
    PayloadTooLarge,
    UnknownRoute,
    to_openai,
)


def dumps(content: Any) -> bytes:
    """JSON of plain data and pydantic models; numbers that JSON has no word for become null."""
    return to_json(content, inf_nan_mode="null")


class Json(JSONResponse):
    def render(self, content: Any) -> bytes:
        return dumps(content)


def error_response(error: SwitchboardError) -> Json:
    """The error as OpenAI's clients expect it, and whether they should try again."""
    headers = {"x-should-retry": "true" if error.retryable else "false"}
    if error.retry_after_s is not None:
        headers["retry-after"] = str(max(1, math.ceil(error.retry_after_s)))
    if isinstance(error, AuthenticationFailed):
        headers["www-authenticate"] = "Bearer"
    return Json(to_openai(error), error.http_status, headers)


async def on_switchboard_error(_request: Request, error: Exception) -> Json:
    assert isinstance(error, SwitchboardError)
    return error_response(error)


async def on_http_error(request: Request, error: Exception) -> Json:
    """What the framework itself refuses."""
    assert isinstance(error, HTTPException)
    return error_response(_translated(request, error))


def _translated(request: Request, error: HTTPException) -> SwitchboardError:
    match error.status_code:
        case 404:
            return unknown_route(request.url.path)
        case 405:
            allowed = (error.headers or {}).get("Allow", "another method")
            return wrong_method(request.url.path, request.method, [allowed])
    return BadRequest(str(error.detail))


def unknown_route(path: str) -> UnknownRoute:
    return UnknownRoute(f"There is nothing at {path}; /docs lists what there is.")


def wrong_method(path: str, method: str, allowed: Sequence[str]) -> MethodNotAllowed:
    return MethodNotAllowed(f"{path} takes {', '.join(allowed)}, not {method}.")


def too_large(limit_bytes: int) -> PayloadTooLarge:
    return PayloadTooLarge(
        f"The request is larger than the {limit_bytes:,} bytes that the service takes; send less, "
        "or have SWITCHBOARD_MAX_REQUEST_BYTES raised."
    )


async def on_validation_error(_request: Request, error: Exception) -> Json:
    assert isinstance(error, RequestValidationError)
    return error_response(bad_request(list(error.errors()), error.body))


def bad_request(errors: list[Any], body: object) -> BadRequest:
    """The most telling of pydantic's errors, with the path of the field as OpenAI writes it."""
    found = [(_param(error, body), error) for error in errors]
    # Where a field may be one of several types, the error deepest inside is what was meant.
    path, error = max(found, key=lambda pair: len(pair[0]))
    param = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")
    where = f"{param}: " if param else ""
    return BadRequest(f"{where}{_reason(error)}", param=param or None)


def _param(error: Any, body: object) -> list[str | int]:
    """The error's place in the data, without the names of types that pydantic puts in between."""
    place, *inside = error["loc"]
    if place != "body":
        return [str(part) for part in inside]
    path: list[str | int] = []
    for position, part in enumerate(inside):
        last = position == len(inside) - 1
        if (isinstance(body, dict) and part in body) or (
            isinstance(body, list) and isinstance(part, int) and part < len(body)
        ):
            body = body[part]
            path.append(part)
        elif last and error["type"] == "missing":
            path.append(part)
    if error["type"].startswith("union_tag"):
        path.append(error["ctx"]["discriminator"].strip("'"))
    return path


def _reason(error: Any) -> str:
    match error["type"]:
        case "extra_forbidden":
            return "this field is not known here; leave it out."
        case "missing":
            return "this field is required."
        case "union_tag_invalid":
            return f"it is one of {error['ctx']['expected_tags']}."
        case "union_tag_not_found":
            return "this field is required."
        case "value_error":
            return str(error["ctx"]["error"])
        case "model_attributes_type" | "dict_type":
            return "a JSON object is needed."
    return f"{str(error['msg']).rstrip('.')}."
