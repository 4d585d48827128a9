"""How a file comes in, by whatever door: looked at first, and kept then."""

from __future__ import annotations

from tools.artifacts import Artifact, FileArtifactStore, Origin, Provenance, clean_name
from tools.documents import MAX_PDF_PAGES
from tools.file_types import PDF, detect_file_type
from tools.media import check_media, check_pages


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
    found = detect_file_type(content, name)
    check_media(content, found.kind, name=name)
    if found.media_type == PDF:
        check_pages(content, MAX_PDF_PAGES, name=name)
    return store.put(content, name=name, origin=origin, provenance=provenance)
