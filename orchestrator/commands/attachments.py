"""Files named on the command line, as the API takes them."""

from __future__ import annotations

import base64
import mimetypes
from pathlib import Path

from orchestrator.commands.output import BadUsage


def read_file(path: Path, *, limit_bytes: int) -> bytes:
    """The bytes of a file. Raises BadUsage where there is none that can be sent."""
    try:
        if path.is_dir():
            raise BadUsage(f"{path} is a folder; name a file.")
        size = path.stat().st_size
        if size > limit_bytes:
            raise BadUsage(
                f"{path} is too large: {_mb(size)}, and the limit is {_mb(limit_bytes)}."
            )
        data = path.read_bytes()
    except FileNotFoundError:
        raise BadUsage(f"There is no file {path}.") from None
    except OSError as error:
        raise BadUsage(f"{path} can't be read: {error.strerror}.") from None
    if not data:
        raise BadUsage(f"{path} is empty.")
    return data


def as_attachment(path: Path, *, limit_bytes: int) -> dict[str, str]:
    """A file as OpenAI's `file` parts and our tools take it: its name, and a data URL.

    `limit_bytes` is the largest request; a data URL is a third larger than its file.
    """
    data = read_file(path, limit_bytes=limit_bytes * 3 // 4)
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    encoded = base64.b64encode(data).decode("ascii")
    return {"filename": path.name, "file_data": f"data:{media_type};base64,{encoded}"}


def _mb(size: int) -> str:
    return f"{size / 1024**2:.1f} MB"
