"""Files that requests bring and tools make: typed, content-addressed, bounded."""

from __future__ import annotations

from typing import BinaryIO, Literal, Protocol

from pydantic import BaseModel, ConfigDict

ArtifactKind = Literal["text", "document", "image", "audio", "video", "table"]
Origin = Literal["user", "tool", "web"]


class Artifact(BaseModel):
    """A file by its content. `id` is the sha256 of its bytes, in hex; `size` is in bytes."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: ArtifactKind
    media_type: str
    size: int
    name: str
    origin: Origin


class ArtifactStore(Protocol):
    """Where the bytes lie."""

    def put(self, data: bytes, *, name: str, origin: Origin) -> Artifact:
        """Keep the bytes; kind and media type are read from them, not from the name.

        Raises InvalidInput where the bytes are empty, too large, or not what the name says.
        """
        ...

    def get(self, artifact_id: str) -> Artifact:
        """What is known of a file. Raises NotFound."""
        ...

    def open(self, artifact_id: str) -> BinaryIO:
        """Its bytes. Raises NotFound."""
        ...
