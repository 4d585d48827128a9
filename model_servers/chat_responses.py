"""What litellm gives, in the words of our contracts."""

from __future__ import annotations

import json
from typing import Any, Literal

from model_servers.contracts import Usage


async def whole(response: Any) -> Any:
    """The response of a call that is not streamed."""
    return response


async def begun(stream: Any) -> tuple[Any, Any | None]:
    """A stream and its first chunk, None where it has none. Raises what reading it raises."""
    try:
        return stream, await anext(stream, None)
    except BaseException:
        await stream.aclose()
        raise


def finish_of(reason: str | None) -> Literal["stop", "length"]:
    return "length" if reason == "length" else "stop"


def usage_of(usage: Any) -> Usage:
    details = getattr(usage, "prompt_tokens_details", None)
    return Usage(
        prompt_tokens=usage.prompt_tokens or 0,
        completion_tokens=usage.completion_tokens or 0,
        llm_calls=1,
        cached_tokens=getattr(details, "cached_tokens", None) or 0,
    )


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
