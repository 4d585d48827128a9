"""The shop of a service, put together: what is asked, what fills it, and what ranks it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from orchestrator.database import Database
from orchestrator.recommender_training import Training
from orchestrator.recommender_versions import RecommenderVersions
from orchestrator.shop import DatabaseShop
from orchestrator.shop_bandit import ShopBandit
from orchestrator.shop_import import ShopImport
from orchestrator.shop_store import ShopStore
from tools.recommendation.item_vectors import ItemVectors


@dataclass(frozen=True, slots=True)
class OwnShop:
    """Attributes:
    asked: what the tool that recommends asks.
    imports: takes items and interactions in.
    versions: the trained models.
    training: trains them.
    """

    asked: DatabaseShop
    imports: ShopImport
    versions: RecommenderVersions
    training: Training


def open_shop(database: Database, vectors: ItemVectors, folder: Path) -> OwnShop:
    """The shop in this database.

    Args:
        vectors: of its items; whoever opened them closes them.
        folder: for the trained models.
    """
    store = ShopStore(database)
    versions = RecommenderVersions(database, folder / "versions")
    return OwnShop(
        DatabaseShop(store, vectors, versions, ShopBandit(folder / "bandit.npz")),
        ShopImport(database, vectors),
        versions,
        Training(store, versions, folder / "training"),
    )
