"""Files that come inside JSON: base64, data URLs, addresses on the web, ids of stored ones."""

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
from orchestrator.files import PREFIX
from orchestrator.intake import take_in
from tools.artifacts import Artifact, Provenance, live_video

if TYPE_CHECKING:
    from orchestrator.api.facade import Service

_DATA_URL = re.compile(r"data:(?P<type>[^;,]*)(?:;[^;,]*)*;base64,")
_EXTENSION = re.compile(r"[a-z0-9]{1,8}")


async def attachment(part: AttachmentPart, service: Service, owner: str, *, param: str) -> Artifact:
    """The stored file that a message's part brings. Raises BadRequest, InvalidInput, NotFound."""
    if isinstance(part, FilePart):
        return await uploaded(part.file, service, owner, param=f"{param}.file")
    if isinstance(part, ImagePart):
        param = f"{param}.image_url.url"
        file = await _addressed(part.image_url.url, service, owner, param=param)
    else:
        param = f"{param}.input_audio.data"
        name = "audio." + _extension(part.input_audio.format)
        file = await _sent(part.input_audio.data, name, "", service, param=param)
    wanted = "image" if isinstance(part, ImagePart) else "audio"
    if file.kind != wanted:
        raise BadRequest(
            f"{param}: by its bytes {file.name} is of kind {file.kind}, and {wanted} is taken "
            "here; send it as a part of type file.",
            param=param,
        )
    return file


async def uploaded(file: FileData, service: Service, owner: str, *, param: str) -> Artifact:
    """The stored file that is meant. Raises BadRequest, InvalidInput, NotFound."""
    if sum(given is not None for given in (file.file_id, file.file_data, file.file_url)) != 1:
        raise BadRequest(
            f"{param}: send one of file_data, with a filename, file_url, or the file_id of a "
            "stored file.",
            param=param,
        )
    if file.live:
        return await _live(file, service, param=param)
    if file.file_id is not None:
        return await stored(file.file_id, service, owner, param=f"{param}.file_id")
    if file.file_url is not None:
        return await _fetched(file.file_url, file.filename, service, param=f"{param}.file_url")
    assert file.file_data is not None
    return await _sent(file.file_data, file.filename, "file", service, param=f"{param}.file_data")


async def stored(file_id: str, service: Service, owner: str, *, param: str) -> Artifact:
    """The stored file that an id, or a sha256, names. Raises NotFound."""
    with named(param):
        return await service.files.artifact(file_id, owner)


async def _addressed(url: str, service: Service, owner: str, *, param: str) -> Artifact:
    """A picture by its data URL, the id of a stored file, or an address on the web."""
    if url.startswith(PREFIX):
        return await stored(url, service, owner, param=param)
    if url.startswith("data:"):
        return await _sent(url, None, "image", service, param=param)
    return await _fetched(url, None, service, param=param)


async def _live(file: FileData, service: Service, *, param: str) -> Artifact:
    """What stands for a live video, whose address may be connected to."""
    if file.file_url is None:
        raise BadRequest(f"{param}.live: only what is at a file_url can be live.", param=param)
    with named(f"{param}.file_url"):
        name = await service.web.check(file.file_url)
        return live_video(file.file_url, file.filename or name)


async def _fetched(url: str, name: str | None, service: Service, *, param: str) -> Artifact:
    with named(param):
        found = await service.web.fetch(url)
        return await asyncio.to_thread(
            take_in,
            service.artifacts,
            found.data,
            name=name or found.name,
            origin="web",
            provenance=Provenance(url=found.url.partition("?")[0]),
        )


async def _sent(
    data: str, name: str | None, stem: str, service: Service, *, param: str
) -> Artifact:
    """The file that base64 or a data URL holds; where it has no name, one is made of the stem."""
    content, extension = await asyncio.to_thread(_decode, data, param)
    name = name or f"{stem}.{extension}".rstrip(".")
    with named(param):
        return await asyncio.to_thread(take_in, service.artifacts, content, name=name)


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
