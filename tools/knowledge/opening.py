"""Where vectors are kept: Qdrant Edge in a folder of this machine, or a Qdrant server."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.knowledge.vectors import Layout, VectorStore


def open_vectors(
    layout: Layout, folder: Path, qdrant_url: str | None, qdrant_api_key: str | None
) -> VectorStore:
    """A store of this layout, which is opened at its first use.

    Args:
        folder: where Qdrant Edge keeps it; not used with a server.
        qdrant_url: a Qdrant server or cluster instead.
    """
    from tools.knowledge.edge import EdgeStore
    from tools.knowledge.qdrant import QdrantStore, server_client

    if qdrant_url:
        return QdrantStore(partial(server_client, qdrant_url, qdrant_api_key), layout)
    return EdgeStore(folder, layout)
