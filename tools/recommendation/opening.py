"""The items' vectors of a service: made by its encoders, kept where its knowledge is."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model_servers.pool import ModelPool
    from tools.recommendation.item_vectors import ItemVectors


def open_item_vectors(
    folder: Path,
    pool: ModelPool,
    *,
    qdrant_url: str | None = None,
    qdrant_api_key: str | None = None,
) -> ItemVectors:
    """Item vectors, in a store that is opened at its first use; close them when done.

    Args:
        folder: where Qdrant Edge keeps them; not used with a server.
        pool: has the encoders and the image classifier.
        qdrant_url: a Qdrant server or cluster instead.
    """
    from model_servers.encoders import encode
    from tools.knowledge.opening import open_vectors
    from tools.knowledge.pictures import looks
    from tools.recommendation.item_vectors import ITEMS, ItemVectors

    store = open_vectors(ITEMS, folder, qdrant_url, qdrant_api_key)
    return ItemVectors(store, partial(encode, pool), partial(looks, pool))
