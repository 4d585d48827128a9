"""The recommenders by name, each imported when it is first asked for."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from model_servers.recommenders.contract import Recommender
from model_servers.recommenders.errors import RecommenderError

_CLASSES = {
    "popularity": "popularity:Popularity",
    "item_knn": "neighbours:ItemKnn",
    "user_knn": "neighbours:UserKnn",
    "ease": "ease:Ease",
    "als": "factors:Als",
    "bpr": "factors:Bpr",
    "content": "content:Content",
    "sasrec": "sasrec:SasRec",
    "blend": "blend:Blend",
}
BLENDED = ("popularity", "item_knn", "ease", "als", "sasrec")
"""What a blend is made of where nothing else is said."""


def servable() -> tuple[str, ...]:
    """Names that `make_recommender` makes: all but what needs embeddings of the items."""
    return tuple(name for name in _CLASSES if name != "content")


def recommender_class(name: str) -> type[Recommender]:
    """The class of this name. Raises RecommenderError where there is none."""
    try:
        module, _, attribute = _CLASSES[name].partition(":")
    except KeyError:
        known = ", ".join(_CLASSES)
        raise RecommenderError(f"There is no recommender {name!r}; there are: {known}.") from None
    found: type[Recommender] = getattr(
        import_module(f"model_servers.recommenders.{module}"), attribute
    )
    return found


def make_recommender(name: str, *, checkpoints: Path | None = None) -> Recommender:
    """A new recommender, to be fitted.

    Args:
        checkpoints: a folder where one whose fit takes long keeps how far it is.

    Raises RecommenderError for a name that is not `servable`.
    """
    if name not in servable():
        recommender_class(name)
        raise RecommenderError(f"{name} needs embeddings of the items, which a shop's fit has not.")
    if name == "blend":
        from model_servers.recommenders.blend import Blend

        return Blend(BLENDED, make_recommender)
    if name == "sasrec":
        from model_servers.recommenders.sasrec import SasRec

        return SasRec(checkpoints=checkpoints)
    return recommender_class(name)()
