"""The knowledge base: documents that answers are drawn from and that they cite, and pictures that
others are compared with."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model_servers.pool import ModelPool
    from tools.knowledge.base import KnowledgeBase


async def open_knowledge(
    folder: Path,
    pool: ModelPool,
    *,
    qdrant_url: str | None = None,
    qdrant_api_key: str | None = None,
) -> KnowledgeBase:
    """The knowledge base of this service; close it when done.

    The store is opened at its first use, so a Qdrant server that is gone stops nothing else.

    Args:
        folder: where Qdrant Edge keeps the vectors, those of pictures beside it; not used with a
            server.
        pool: has the encoders and the image classifier.
        qdrant_url: a Qdrant server or cluster instead.
    """
    from model_servers.encoders import encode
    from tools.knowledge.base import KnowledgeBase
    from tools.knowledge.opening import open_vectors
    from tools.knowledge.pictures import PictureBase, looks
    from tools.knowledge.vectors import PASSAGES, PICTURES

    beside = folder.with_name(f"{folder.name}-pictures")
    pictures = PictureBase(
        open_vectors(PICTURES, beside, qdrant_url, qdrant_api_key), partial(looks, pool)
    )
    passages = open_vectors(PASSAGES, folder, qdrant_url, qdrant_api_key)
    return KnowledgeBase(passages, partial(encode, pool), pictures)
