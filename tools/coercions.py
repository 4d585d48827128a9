"""From what a step gave to what the next one takes: the only place where kinds change."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from tools.artifacts import Artifact, ArtifactStore
from tools.contracts import InvalidInput, Kind
from tools.crops import surest_crop
from tools.documents import document_text


async def coerce(
    value: Any,
    given: Kind,
    wanted: Kind,
    artifacts: ArtifactStore,
    *,
    beside: Mapping[str, Any] | None = None,
) -> Any:
    """`value`, of kind `given`, as data of kind `wanted`.

    Files are Artifacts, or their JSON. To text: documents (read), labels, entities, items, tables
    and lists of texts (joined by blank lines). To a document: text, which is put into the store.
    To audio: a video, whose sound is meant. To an image: boxes, of which the surest is cut out.

    Args:
        beside: the whole result that the value is part of; boxes need its `image`.

    Raises InvalidInput where there is no such way, or the document can't be read.
    """
    value = _as_artifact(value)
    if wanted == "text":
        if isinstance(value, Artifact):
            return await document_text(value, artifacts)
        return _as_text(value, given)
    if wanted == "document" and given == "text" and not isinstance(value, Artifact):
        data = _as_text(value, given).encode("utf-8", "replace")
        return await asyncio.to_thread(artifacts.put, data, name="text.txt", origin="tool")
    if (given, wanted) == ("boxes", "image") and beside is not None:
        picture = Artifact.model_validate(beside["image"])
        return await surest_crop(_listed(value), picture, artifacts)
    if given == wanted or (given, wanted) == ("video", "audio"):
        return value
    raise InvalidInput(f"{given.capitalize()} can't be used where {wanted} is needed.")


def _as_artifact(value: Any) -> Any:
    if isinstance(value, Mapping) and value.keys() >= {"id", "kind", "media_type"}:
        return Artifact.model_validate(value)
    return value


def _as_text(value: Any, given: Kind) -> str:
    if isinstance(value, str):
        return value
    if given == "labels":
        return "\n".join(f"{item['label']} ({item['score']:.0%})" for item in _listed(value))
    if given == "entities":
        return "\n".join(f"{item['text']} ({item['type']})" for item in _listed(value))
    if given in {"items", "table"}:
        return "\n".join(_row(item) for item in _listed(value))
    return "\n\n".join(_as_text(item, given) for item in _listed(value))


def _listed(value: Any) -> Sequence[Any]:
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return value
    raise InvalidInput("A list was expected here; the step before gave something else.")


def _row(item: Any) -> str:
    if isinstance(item, Mapping):
        return ", ".join(f"{key}: {cell}" for key, cell in item.items())
    if isinstance(item, Sequence) and not isinstance(item, str):
        return " | ".join(map(str, item))
    return str(item)
