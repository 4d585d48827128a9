"""A tool as a model: it alone runs on the last message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from model_servers.contracts import Usage
from model_servers.languages import UNDETERMINED, identify
from orchestrator.api.facade import Service
from orchestrator.arguments import read_arguments
from orchestrator.errors import BadRequest
from orchestrator.plan import fits
from tools.artifacts import Artifact
from tools.coercions import coerce
from tools.contracts import Tool


async def run_as_model(
    service: Service,
    name: str,
    text: str,
    files: Sequence[Artifact],
    *,
    instructions: str,
    owner: str,
) -> tuple[str, Sequence[Artifact], Usage]:
    """The tool's result in words, the files that it made, and what it cost.

    The message is the tool's text or question, its files fill the other slots, and the
    parameters (a target language, labels) are read from the system message. Raises BadRequest,
    and what the tool raises.
    """
    tool = service.registry[name]
    arguments: dict[str, Any] = {**read_arguments(tool, instructions).args}
    arguments.pop("question", None)
    slot = _text_argument(tool)
    if text.strip() and slot is not None:
        arguments[slot] = text
    slots = tool.slots()
    for file in files:
        free = [n for n, kind in slots.items() if n not in arguments and fits(file.kind, kind)]
        if not free:
            raise BadRequest(f"{name} has no use for the file {file.name}.", param="messages")
        exact = [n for n in free if slots[n] == file.kind]
        into = (exact or free)[0]
        arguments[into] = await coerce(file, file.kind, slots[into], service.artifacts)
    missing = [
        argument
        for argument, info in tool.Args.model_fields.items()
        if info.is_required() and argument not in arguments
    ]
    if missing:
        raise BadRequest(
            f"{name} needs {', '.join(missing)}: say it in a system message, or use "
            f"POST /v1/tools/{name}/invoke.",
            param="messages",
        )
    result = await service.run_tool(name, arguments, owner=owner)
    language = identify(text).code
    rendered = tool.render(result.data, "en" if language == UNDETERMINED else language)
    return rendered, result.artifacts, result.usage


def _text_argument(tool: Tool) -> str | None:
    """The argument that the message fills."""
    if "question" in tool.Args.model_fields:
        return "question"
    return next((name for name, kind in tool.slots().items() if kind == "text"), None)
