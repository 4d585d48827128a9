"""SASRec's network: a causal transformer over a history of items.

Kang & McAuley 2018, "Self-attentive sequential recommendation". The score of an item is the inner
product of its embedding with the last state, so that what is learned of an item as input and as
target is one thing.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

PADDING = 0
"""Items are numbered from 1 inside the network."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a network is: `length` items of a history are looked at, the latest."""

    n_items: int
    length: int = 30
    width: int = 64
    heads: int = 2
    layers: int = 1
    dropout: float = 0.3


class SasRecNetwork(nn.Module):
    """Histories (batch, length) of item numbers from 1, padded on the left with 0, to states
    (batch, length, width)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.items = nn.Embedding(shape.n_items + 1, shape.width, padding_idx=PADDING)
        self.places = nn.Embedding(shape.length, shape.width)
        self.biases = nn.Parameter(torch.zeros(shape.n_items + 1))
        layer = nn.TransformerEncoderLayer(
            shape.width,
            shape.heads,
            dim_feedforward=4 * shape.width,
            dropout=shape.dropout,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.blocks = nn.TransformerEncoder(layer, shape.layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(shape.width)
        self.dropout = nn.Dropout(shape.dropout)
        nn.init.normal_(self.items.weight, std=0.02)
        nn.init.normal_(self.places.weight, std=0.02)
        with torch.no_grad():
            self.items.weight[PADDING].zero_()

    def forward(self, histories: Tensor) -> Tensor:
        length = histories.shape[1]
        padded = histories == PADDING
        # Counted from the first item, so that short histories stand where they stood in training:
        # at the beginning of longer ones.
        places = (~padded).cumsum(dim=1).sub(1).clamp(min=0)
        states = self.dropout(self.items(histories) + self.places(places))
        later = torch.ones(length, length, dtype=torch.bool, device=histories.device).triu(1)
        # A padded place looks at itself: a row without anything to look at would be no number.
        hidden = (later | padded[:, None, :]) & ~torch.eye(
            length, dtype=torch.bool, device=histories.device
        )
        heads = hidden.repeat_interleave(self.shape.heads, dim=0)
        found: Tensor = self.norm(self.blocks(states, mask=heads))
        return found

    def scores(self, states: Tensor) -> Tensor:
        """Scores of all items (…, n_items + 1), the first of which is the padding's."""
        return states @ self.items.weight.T + self.biases
