"""Errors that tools and their stores raise on purpose."""

from __future__ import annotations

from model_servers.contracts import SwitchboardError


class ToolError(SwitchboardError):
    """A tool could not do what it was asked; the message says why and what to do."""

    code = "tool_error"
    http_status = 422


class InvalidInput(ToolError):
    """An argument or a file that the tool cannot work with."""

    code = "invalid_input"
    http_status = 400


class StorageUnavailable(SwitchboardError):
    """A file can't be kept just now: the disk is full, or can't be written."""

    code = "storage_unavailable"
    http_status = 503
    retryable = True


class NotFound(SwitchboardError):
    """Something was asked for by an id or a name that does not exist."""

    code = "not_found"
    http_status = 404
