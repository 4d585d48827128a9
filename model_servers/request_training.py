"""Trains what reads requests: an adapter of low rank on multilingual E5, and a head.

On two CPU cores a thousand requests take about twelve seconds an epoch; the frozen weights are kept
in bfloat16.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_servers.e5_weights import E5Weights, tokenizer
from model_servers.request_network import LORA_SCALE, PARTS, Adapter
from model_servers.request_reader import Asked, File, tokens

RANK = 32
ADAPTED_LAYERS = 10
"""Of twelve; the upper ones."""
EPOCHS = 5
BATCH = 32
LEARNING_RATE = 7e-4
HEAD_FASTER = 3.0
TAGS_COUNT = 20.0
"""How much the mean over what is known of tags counts beside the sum over the labels."""
WARM_UP_STEPS = 100
"""At most, and no more than a tenth of all."""
WEIGHT_DECAY = 0.01
SMOOTHING = 0.01
DROPOUT = 0.1
"""Of the head's input, and of the adapter's ranks, which are left out for a whole request."""
MASKED = 0.06
"""Of the tokens, in the mean; in some requests none, in others twice as many."""
CARELESS = 0.15
"""So many requests are read without capitals, and so many without the signs at their end."""
NAMELESS = 0.3
"""So many single pictures and recordings are read with the name that a device gives them."""
_DEVICE_NAMES = {"image": "IMG_{}.jpg", "audio": "AUD_{}.m4a", "video": "VID_{}.mp4"}
_END_SIGNS = ".!?。!?؟।"
_MASK = "<mask>"
_BUCKET = 8
"""Batches whose requests are sorted by length, so that little of a batch is padding."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A request to learn from.

    Attributes:
        labels: whether each label holds, (labels,), 0 or 1.
        weights: how much each of them counts, (labels,); 0 where it is not known.
        tags: for each tag of which it is known, the parts of the text that it means: where they
            begin and end, in characters.
    """

    text: str
    attached: tuple[File, ...]
    labels: NDArray[np.float32]
    weights: NDArray[np.float32]
    tags: Mapping[str, Sequence[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Epoch:
    """What there is after one time through the rows; `loss` is the mean over them."""

    number: int
    of: int
    loss: float
    adapter: Adapter


def train(
    rows: Sequence[Labelled],
    labels: Sequence[str],
    tags: Sequence[str],
    *,
    epochs: int = EPOCHS,
    seed: int = 0,
    start: Adapter | None = None,
    told: Callable[[Epoch], None] = lambda _epoch: None,
) -> Adapter:
    """An adapter that fits the rows. The same seed gives nearly the same one.

    Args:
        labels, tags: in the order of the network's outputs.
        start: an adapter of the same labels and tags to go on from, of this rank or a lower one.
        told: of each epoch, when it is done.
    """
    import torch
    from torch import nn

    torch.manual_seed(seed)
    order_of = np.random.default_rng(seed)
    weights = E5Weights()
    network = _network(weights, len(labels), len(tags))
    if start is not None:
        network.go_on_from(start)
    words = tokenizer(weights)
    mask_id = words.token_to_id(_MASK)
    lengths = [len(tokens(words, Asked(row.text, row.attached))[0]) for row in rows]
    slow, fast = network.adapter_parameters(), network.head_parameters()
    groups = [{"params": slow, "lr": LEARNING_RATE}]
    groups.append({"params": fast, "lr": LEARNING_RATE * HEAD_FASTER})
    optimizer = torch.optim.AdamW(groups, weight_decay=WEIGHT_DECAY)
    steps = epochs * math.ceil(len(rows) / BATCH)
    warm_up = max(1, min(WARM_UP_STEPS, steps // 10))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: (
            min(1.0, (step + 1) / warm_up)
            * max(0.02, 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps))))
        ),
    )
    network.train()
    for epoch in range(1, epochs + 1):
        losses = []
        for batch in _batches(lengths, order_of):
            read = [_read(words, _varied(rows[i], order_of), tags) for i in batch]
            ids, mask = _padded([_masked(each.ids, mask_id, order_of) for each in read])
            wanted = torch.from_numpy(np.stack([rows[i].labels for i in batch]))
            counts = torch.from_numpy(np.stack([rows[i].weights for i in batch]))
            meant, _ = _padded([each.meant for each in read])
            known, _ = _padded([each.known for each in read])
            scores, tagged = network(ids, mask)
            of_labels = _cross_entropy(scores, wanted)
            of_tags = _cross_entropy(tagged, meant)
            loss = (of_labels * counts).sum(1).mean()
            loss = loss + TAGS_COUNT * (of_tags * known).sum() / known.sum().clamp(min=1)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        told(Epoch(epoch, epochs, float(np.mean(losses)), network.adapter(labels, tags)))
    learnt: Adapter = network.adapter(labels, tags)
    return learnt


def _cross_entropy(scores: Any, wanted: Any) -> Any:
    """Of each label by itself, against a wish that is never quite sure."""
    from torch.nn import functional

    smoothed = wanted * (1 - 3 * SMOOTHING) + SMOOTHING
    return functional.binary_cross_entropy_with_logits(scores, smoothed, reduction="none")


@dataclass(frozen=True, slots=True)
class _Read:
    """A row in tokens: which tags mean each, and of which that is known, (tokens, tags)."""

    ids: NDArray[np.int64]
    meant: NDArray[np.float32]
    known: NDArray[np.float32]


def _read(words: Any, row: Labelled, tags: Sequence[str]) -> _Read:
    ids, spans = tokens(words, Asked(row.text, row.attached))
    meant = np.zeros((len(spans), len(tags)), dtype=np.float32)
    known = np.zeros_like(meant)
    in_text = spans[:, 1] > spans[:, 0]
    for number, tag in enumerate(tags):
        if tag not in row.tags:
            continue
        known[in_text, number] = 1
        for begin, end in row.tags[tag]:
            meant[in_text & (spans[:, 0] < end) & (spans[:, 1] > begin), number] = 1
    return _Read(ids, meant, known)


def _varied(row: Labelled, pick: np.random.Generator) -> Labelled:
    """The request as others would have sent it, its words in their places."""
    text, attached = row.text, row.attached
    if pick.random() < CARELESS and len(text.lower()) == len(text):
        text = text.lower()
    if pick.random() < CARELESS:
        text = text.rstrip(_END_SIGNS) or text
    if len(attached) == 1 and attached[0].kind in _DEVICE_NAMES and pick.random() < NAMELESS:
        name = _DEVICE_NAMES[attached[0].kind].format(pick.integers(1, 10_000))
        attached = (attached[0]._replace(name=name),)
    return replace(row, text=text, attached=attached)


def _masked(ids: NDArray[np.int64], mask_id: int, pick: np.random.Generator) -> NDArray[np.int64]:
    """The tokens, some of them hidden; never the first and the last, which frame the request."""
    hidden = pick.random(len(ids)) < pick.random() * 2 * MASKED
    hidden[[0, -1]] = False
    return np.where(hidden, mask_id, ids)


def _network(weights: E5Weights, labels: int, tags: int) -> Any:
    import torch
    from torch import nn
    from transformers import BertConfig, BertModel

    shape = weights.shape
    config = BertConfig(
        vocab_size=2,  # the tokens' vectors are looked up here, and never trained
        hidden_size=shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.inner,
        max_position_embeddings=shape.positions,
        layer_norm_eps=shape.epsilon,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    encoder = BertModel(config, add_pooling_layer=False)
    # On CPU the way back through it takes a quarter of the fused one's time.
    encoder.set_attn_implementation("eager")
    names = {
        "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
        "ao": "attention.output.dense", "fi": "intermediate.dense", "fo": "output.dense",
        "aln": "attention.output.LayerNorm", "oln": "output.LayerNorm",
    }  # fmt: skip
    sizes = dict.fromkeys(PARTS, (shape.width, shape.width))
    sizes |= {"fi": (shape.inner, shape.width), "fo": (shape.width, shape.inner)}

    def linear(layer: int, part: str) -> None:
        module = encoder.encoder.layer[layer].get_submodule(names[part])
        matrix = weights.matrix(f"l{layer}.{part}.w", *sizes[part])
        module.weight.data = torch.from_numpy(matrix)
        module.bias.data = torch.from_numpy(
            weights.vector(f"l{layer}.{part}.b", sizes[part][0]).copy()
        )

    def norm(module: Any, name: str) -> None:
        module.weight.data = torch.from_numpy(weights.vector(f"{name}.w", shape.width).copy())
        module.bias.data = torch.from_numpy(weights.vector(f"{name}.b", shape.width).copy())

    norm(encoder.embeddings.LayerNorm, "emb.ln")
    for layer in range(shape.layers):
        for part in PARTS:
            linear(layer, part)
        for part in ("aln", "oln"):
            norm(encoder.encoder.layer[layer].get_submodule(names[part]), f"l{layer}.{part}")
    for parameter in encoder.parameters():
        parameter.requires_grad_(False)
    encoder.bfloat16()

    class Adapted(nn.Module):
        """A frozen matrix, and the two small ones that are learnt beside it."""

        def __init__(self, frozen: nn.Linear) -> None:
            super().__init__()
            self.frozen = frozen
            width = frozen.in_features
            self.low = nn.Parameter(torch.randn(RANK, width) / math.sqrt(width))
            self.high = nn.Parameter(torch.zeros(frozen.out_features, RANK))

        def forward(self, value: torch.Tensor) -> torch.Tensor:
            small = value @ self.low.T.to(value.dtype)
            if self.training:
                kept = torch.rand(len(value), 1, RANK) >= DROPOUT
                small = small * (kept / (1 - DROPOUT)).to(small.dtype)
            out: torch.Tensor = self.frozen(value) + small @ (
                self.high.T.to(value.dtype) * LORA_SCALE
            )
            return out

    class Network(nn.Module):
        """The encoder with its adapter, and the head."""

        def __init__(self) -> None:
            super().__init__()
            self.first = shape.layers - ADAPTED_LAYERS
            self.lower = encoder.encoder.layer[: self.first]
            self.upper = encoder.encoder.layer[self.first :]
            self.adapted: dict[str, Adapted] = {}
            for number, layer in enumerate(self.upper, start=self.first):
                for part in PARTS:
                    owner, _, last = names[part].rpartition(".")
                    module = layer.get_submodule(owner) if owner else layer
                    adapted = Adapted(getattr(module, last))
                    setattr(module, last, adapted)
                    self.adapted[f"l{number}.{part}"] = adapted
            self.place = nn.Linear(shape.width, labels, bias=False)
            self.seen = nn.Linear(shape.width, labels, bias=False)
            self.mean = nn.Linear(shape.width, labels)
            self.tag = nn.Linear(shape.width, tags)
            nn.init.zeros_(self.mean.weight)
            self.drop = nn.Dropout(DROPOUT)

        def embedded(self, ids: torch.Tensor) -> torch.Tensor:
            from model_servers.e5_weights import unpack

            flat = torch.from_numpy(unpack(weights.words[ids.flatten().numpy()]))
            places = weights.vector("emb.pos", shape.positions, shape.width)[: ids.shape[1]]
            kind = weights.vector("emb.type", shape.width)
            value = flat.reshape(*ids.shape, -1) + torch.from_numpy(places + kind)
            normed: torch.Tensor = encoder.embeddings.LayerNorm(value.to(torch.bfloat16))
            return normed

        def forward(
            self, ids: torch.Tensor, mask: torch.Tensor
        ) -> tuple[torch.Tensor, torch.Tensor]:
            with torch.no_grad():
                hidden = self._run(self.lower, self.embedded(ids), mask)
            value = self.drop(self._run(self.upper, hidden, mask).float())
            looks = self.place(value).masked_fill(mask[..., None] == 0, -1e4).softmax(1)
            mean = (value * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
            scores: torch.Tensor = (looks * self.seen(value)).sum(1) + self.mean(mean)
            return scores, self.tag(value)

        def _run(self, layers: Any, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            hush = ((1 - mask[:, None, None, :]) * -1e4).to(torch.bfloat16)
            for layer in layers:
                out = layer(hidden, hush)
                hidden = out[0] if isinstance(out, tuple) else out
            return hidden

        def adapter_parameters(self) -> list[nn.Parameter]:
            return [p for one in self.adapted.values() for p in (one.low, one.high)]

        def head_parameters(self) -> list[torch.Tensor]:
            return [*self.head.values()]

        def go_on_from(self, start: Adapter) -> None:
            for name, one in self.adapted.items():
                rank = len(start.low[name])  # what is beyond it adds nothing yet
                one.low.data[:rank] = torch.from_numpy(start.low[name])
                one.high.data[:, :rank] = torch.from_numpy(start.high[name])
            for name, value in start.head.items():
                self.head[name].data = torch.from_numpy(value)

        @property
        def head(self) -> dict[str, torch.Tensor]:
            return {
                "place": self.place.weight,
                "seen": self.seen.weight,
                "mean": self.mean.weight,
                "bias": self.mean.bias,
                "tag": self.tag.weight,
                "tag_bias": self.tag.bias,
            }

        def adapter(self, labels: Sequence[str], tags: Sequence[str]) -> Adapter:
            def plain(value: torch.Tensor) -> NDArray[np.float32]:
                return np.asarray(value.detach().numpy(), dtype=np.float32)

            return Adapter(
                tuple(labels),
                tuple(tags),
                {name: plain(one.low) for name, one in self.adapted.items()},
                {name: plain(one.high) for name, one in self.adapted.items()},
                {name: plain(value) for name, value in self.head.items()},
            )

    return Network()


def _padded(values: Sequence[NDArray[Any]]) -> tuple[Any, Any]:
    """What there is for each request's tokens in one tensor, and which tokens there are."""
    import torch

    padded = torch.nn.utils.rnn.pad_sequence(
        [torch.from_numpy(value) for value in values], batch_first=True
    )
    mask = torch.zeros(padded.shape[:2])
    for row, value in enumerate(values):
        mask[row, : len(value)] = 1
    return padded, mask


def _batches(lengths: Sequence[int], order_of: np.random.Generator) -> list[list[int]]:
    order = order_of.permutation(len(lengths)).tolist()
    batches = []
    for at in range(0, len(order), BATCH * _BUCKET):
        bucket = sorted(order[at : at + BATCH * _BUCKET], key=lambda i: lengths[i])
        batches += [bucket[i : i + BATCH] for i in range(0, len(bucket), BATCH)]
    return [batches[i] for i in order_of.permutation(len(batches))]
