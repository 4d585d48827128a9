"""Files that come inside JSON: base64, data URLs, or the id of a stored one."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from model_servers.contracts import SwitchboardError
from orchestrator.api.chat_request import (
    AttachmentPart,
    FileData,
    FilePart,
    ImagePart,
)
from orchestrator.errors import BadRequest
from tools.artifacts import Artifact

if TYPE_CHECKING:
    from orchestrator.api.facade import Service
    from tools.artifacts import FileArtifactStore

_DATA_URL = re.compile(r"data:(?P<type>[^;,]*)(?:;[^;,]*)*;base64,")
_EXTENSION = re.compile(r"[a-z0-9]{1,8}")


async def attachment(part: AttachmentPart, service: Service, owner: str, *, param: str) -> Artifact:
    """The stored file that a message's part brings. Raises BadRequest, InvalidInput, NotFound."""
    if isinstance(part, FilePart):
        return await uploaded(part.file, service, owner, param=f"{param}.file")
    store = service.artifacts
    if isinstance(part, ImagePart):
        param = f"{param}.image_url.url"
        if not part.image_url.url.startswith("data:"):
            raise BadRequest(
                f"{param}: pictures are sent as data URLs (data:image/png;base64,…); nothing is "
                "fetched from elsewhere.",
                param=param,
            )
        return await _put(part.image_url.url, None, "image", store, param=param)
    return await _put(
        part.input_audio.data,
        None,
        "audio." + _extension(part.input_audio.format),
        store,
        param=f"{param}.input_audio.data",
    )


async def uploaded(file: FileData, service: Service, owner: str, *, param: str) -> Artifact:
    """The stored file that is meant. Raises BadRequest, InvalidInput, NotFound."""
    if (file.file_id is None) == (file.file_data is None):
        raise BadRequest(
            f"{param}: send either file_data, with a filename, or the file_id of a stored file.",
            param=param,
        )
    if file.file_id is not None:
        return await stored(file.file_id, service, owner, param=f"{param}.file_id")
    assert file.file_data is not None
    return await _put(
        file.file_data, file.filename, "file", service.artifacts, param=f"{param}.file_data"
    )


async def stored(file_id: str, service: Service, owner: str, *, param: str) -> Artifact:
    """The stored file that an id, or a sha256, names. Raises NotFound."""
    with named(param):
        return await service.files.artifact(file_id, owner)


async def _put(
    data: str, name: str | None, fallback: str, store: FileArtifactStore, *, param: str
) -> Artifact:
    content, extension = await asyncio.to_thread(_decode, data, param)
    name = name or (fallback if "." in fallback or not extension else f"{fallback}.{extension}")
    with named(param):
        return await asyncio.to_thread(store.put, content, name=name, origin="user")


def _decode(data: str, param: str) -> tuple[bytes, str]:
    match = _DATA_URL.match(data[:200])
    try:
        content = base64.b64decode(data[match.end() :] if match else data, validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest(
            f"{param}: this is no base64; send data:TYPE;base64,DATA, or DATA alone.", param=param
        ) from None
    return content, _extension(match["type"].rpartition("/")[2]) if match else ""


def _extension(value: str) -> str:
    return value.lower() if _EXTENSION.fullmatch(value.lower()) else ""


@contextmanager
def named(param: str) -> Iterator[None]:
    """Adds to an error which field of the request it is about."""
    try:
        yield
    except SwitchboardError as error:
        error.param = error.param or param
        raise
