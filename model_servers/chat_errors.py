"""litellm's errors in the words of our own tree."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

from model_servers.contracts import (
    ContextTooLong,
    DeadlineExceeded,
    ModelBusy,
    ModelError,
    ModelRefused,
    ModelUnavailable,
    SwitchboardError,
)

logger = logging.getLogger(__name__)

_CREDENTIALS = re.compile(r"//[^/\s@]+@|(?i:bearer)\s+\S+|\bsk-\S+")
UNREADY = frozenset({502, 503, 504})
_LOGGED_CHARS = 300
_LONGEST_RETRY_AFTER_S = 86_400.0


class Unreachable(ModelUnavailable):
    """The connection was refused or lost."""


class Unready(ModelUnavailable):
    """The endpoint answered that it can't serve just now: 502, 503 or 504."""


class EndpointFailed(ModelError):
    """The endpoint broke on this request: any other 5xx, or an answer that makes no sense."""

    http_status = 502


def as_ours(error: Exception, *, secret: str) -> SwitchboardError:
    """The error of our tree for one of litellm's or the transport's.

    The message is ours: what the endpoint says may hold an address or a secret. It goes to the
    log, without credentials.
    """
    if isinstance(error, SwitchboardError):
        return error
    ours = _translate(error)
    detail = _CREDENTIALS.sub("[removed] ", str(error).replace(secret, "[removed]"))
    logger.warning(
        "chat model: %s from %s: %s", ours.code, type(error).__name__, detail[:_LOGGED_CHARS]
    )
    return ours


def _translate(error: Exception) -> SwitchboardError:
    import httpx
    from litellm import exceptions

    causes = tuple(_causes(error))
    status = _status(causes)
    if any(isinstance(cause, httpx.ConnectError | httpx.ConnectTimeout) for cause in causes):
        return Unreachable("The chat model's endpoint can't be reached; is it running?")
    if status in UNREADY:
        return Unready(
            "The chat model is not available just now; try again later.",
            retry_after_s=_retry_after_s(causes),
        )
    if isinstance(error, exceptions.Timeout | httpx.TimeoutException):
        return DeadlineExceeded("The chat model did not answer in time.")
    if isinstance(error, exceptions.ContextWindowExceededError):
        return ContextTooLong(
            "The prompt does not fit the chat model's context window; shorten the text "
            "or start a new conversation."
        )
    if isinstance(error, exceptions.RateLimitError):
        return ModelBusy(
            "The chat model's endpoint takes no more requests just now; try again later.",
            retry_after_s=_retry_after_s(causes),
        )
    if any(isinstance(cause, httpx.TransportError) for cause in causes):
        return Unreachable("The chat model broke off; try again.")
    if status in {401, 403}:
        return ModelError("The chat model's endpoint refused the API key; check it.")
    if status == 404:
        return ModelError("The chat model's endpoint does not serve that model; check its name.")
    if status in {400, 422}:
        return ModelRefused(
            "The chat model's endpoint refused the request; check max_tokens and the JSON Schema."
        )
    return EndpointFailed("The chat model's endpoint failed; its log says why.")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _status(causes: tuple[BaseException, ...]) -> int | None:
    """The status that the endpoint answered with; litellm has its own for some, as for 504."""
    answered = (getattr(getattr(cause, "response", None), "status_code", None) for cause in causes)
    # litellm makes up a response for errors that had none: the innermost is the endpoint's.
    found = [status for status in answered if isinstance(status, int)]
    return found[-1] if found else None


def _retry_after_s(causes: tuple[BaseException, ...]) -> float | None:
    """Seconds from a Retry-After header; a date there is ignored, and what makes no sense."""
    for cause in causes:
        headers = getattr(getattr(cause, "response", None), "headers", None) or {}
        try:
            seconds = float(headers["retry-after"])
        except (KeyError, ValueError):
            continue
        if 0 <= seconds <= _LONGEST_RETRY_AFTER_S:
            return seconds
    return None
