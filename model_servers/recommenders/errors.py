"""What can go wrong with a recommender."""

from __future__ import annotations

from model_servers.contracts import ModelError


class RecommenderError(ModelError):
    """A recommender can't be fitted on this data, or can't be read back."""

    code = "recommender_error"
    http_status = 409
