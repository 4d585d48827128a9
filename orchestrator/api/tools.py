"""The tools by themselves: what they take, and calling one."""

from __future__ import annotations

import time
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Path, Request
from pydantic import Field, ValidationError

from orchestrator.api.chat_request import Body, FileData
from orchestrator.api.completions import usage_json
from orchestrator.api.facade import Owner, Service, TheService
from orchestrator.api.limits import CostlyRoute
from orchestrator.api.replies import Json
from orchestrator.api.uploads import named, stored, uploaded
from orchestrator.errors import BadRequest
from orchestrator.plan import fits
from tools.artifacts import Artifact
from tools.coercions import coerce
from tools.contracts import InvalidInput, Kind, Tool

router = APIRouter(prefix="/v1/tools", tags=["Tools"], route_class=CostlyRoute)

FILE_SCHEMA: dict[str, Any] = {
    "description": "A file: sent along as base64 or a data URL, or the id of a stored one.",
    "anyOf": [
        {
            "type": "object",
            "properties": {
                "filename": {"type": "string"},
                "file_data": {"type": "string"},
                "file_url": {"type": "string", "description": "An address on the web."},
                "live": {"type": "boolean", "description": "It is a video still being sent."},
            },
            "oneOf": [{"required": ["file_data"]}, {"required": ["file_url"]}],
            "additionalProperties": False,
        },
        {"type": "string", "pattern": "^([0-9a-f]{64}|file-[0-9a-f]{32})$"},
    ],
}


class Invocation(Body):
    arguments: dict[str, Any] = Field(default_factory=dict)


ToolName = Annotated[str, Path(alias="name", description="As GET /v1/tools lists it.")]


@router.get("", summary="The tools, with their arguments as JSON Schema")
async def list_tools(service: TheService) -> Json:
    return Json({"object": "list", "data": [describe(tool) for tool in service.registry.values()]})


@router.get("/{name}", summary="One tool")
async def get_tool(name: ToolName, service: TheService) -> Json:
    return Json(describe(service.registry[name]))


@router.post("/{name}/invoke", summary="Run one tool")
async def invoke_tool(
    name: ToolName, body: Invocation, request: Request, service: TheService, owner: Owner
) -> Json:
    """A slot for a file takes `{"filename", "file_data"}`, or the id of a stored file. A slot for
    text takes such an object, too: the file's text is used."""
    begun = time.monotonic()
    tool = service.registry[name]
    arguments = dict(body.arguments)
    for slot, kind in tool.slots().items():
        if slot in arguments:
            arguments[slot] = await _filled(
                arguments[slot], kind, service, owner, f"arguments.{slot}"
            )
    try:
        result = await service.run_tool(name, arguments, owner=owner)
    except InvalidInput as error:
        error.param = f"arguments.{error.param}" if error.param else "arguments"
        raise
    answer = {
        "id": f"call_{uuid4().hex}",
        "tool": name,
        "result": result.data,
        "artifacts": result.artifacts,
        "usage": usage_json(result.usage),
        "seconds": round(time.monotonic() - begun, 4),
    }
    return Json(service.links.added(answer, str(request.base_url)))


async def _filled(value: Any, kind: Kind, service: Service, owner: str, param: str) -> Any:
    """What a slot is given, with files in place of what stands for them."""
    if isinstance(value, dict):
        file = await uploaded(_file_data(value, param), service, owner, param=param)
    elif isinstance(value, str) and kind != "text":
        file = await stored(value, service, owner, param=param)
    else:
        return value
    if not fits(file.kind, kind):
        raise BadRequest(f"{param}: {kind} is needed, and {file.name} is {file.kind}.", param=param)
    with named(param):
        return await coerce(file, file.kind, kind, service.artifacts)


def _file_data(value: dict[str, Any], param: str) -> FileData:
    try:
        return FileData.model_validate(value)
    except ValidationError:
        raise BadRequest(
            f'{param}: a file is sent as {{"filename": …, "file_data": base64 or a data URL}}, '
            'or {"file_url": …}.',
            param=param,
        ) from None


def describe(tool: Tool) -> dict[str, Any]:
    """The tool as the API shows it."""
    schema = tool.Args.model_json_schema()
    if Artifact.__name__ in schema.get("$defs", {}):
        schema["$defs"][Artifact.__name__] = FILE_SCHEMA
    return {
        "object": "tool",
        "name": tool.name,
        "description": tool.description,
        "parameters": schema,
        "slots": tool.slots(),
        "outputs": dict(tool.outputs),
        "examples": list(tool.examples),
    }
