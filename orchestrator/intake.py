"""How a file comes in, by whatever door: looked at first, and kept then."""

from __future__ import annotations

from tools.artifacts import Artifact, FileArtifactStore, Origin, Provenance, clean_name
from tools.file_types import detect_file_type
from tools.media import check_media


def take_in(
    store: FileArtifactStore,
    content: bytes,
    *,
    name: str,
    origin: Origin = "user",
    provenance: Provenance | None = None,
) -> Artifact:
    """Keep a file, once it was found to be of a kind that is read, whole, and within bounds.

    Blocking. Raises InvalidInput, StorageUnavailable.
    """
    name = clean_name(name)
    check_media(content, detect_file_type(content, name).kind, name=name)
    return store.put(content, name=name, origin=origin, provenance=provenance)
