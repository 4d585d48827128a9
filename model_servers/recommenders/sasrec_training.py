"""SASRec's training loop: early stopping on held-out events, and checkpoints to go on from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from model_servers.recommenders.contract import Interactions, Progress
from model_servers.recommenders.errors import RecommenderError
from model_servers.recommenders.holdout import HeldOut, hold_out_last, ndcg, places_of
from model_servers.recommenders.sasrec_network import PADDING, SasRecNetwork, Shape

if TYPE_CHECKING:
    from model_servers.recommenders.contract import History

Loss = Literal["softmax", "sampled"]
_CHECKPOINT = "checkpoint.pt"
_VALIDATED = 5_000
"""Of more people than these, the first are looked at to stop early."""
_SCORED_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is trained.

    On MovieLens-100k's validation events these defaults reach an nDCG@10 of 0.107. A longer history
    (50: 0.105, two layers: 0.096) and a higher learning rate (3e-3) did not lift it; a shorter
    history costs less, too: 40 s a search on one core, where 50 items and two layers take 119 s.

    Attributes:
        loss: over all items, or over `negatives` that are drawn for each target: for a catalogue
            that is too large for the former.
        patience: epochs without a better nDCG@10 on validation, after which it stops.
        device: "cpu", "cuda", or "auto": a GPU where there is one.
    """

    loss: Loss = "softmax"
    negatives: int = 256
    batch: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    epochs: int = 200
    patience: int = 8
    device: str = "auto"


@dataclass(slots=True)
class _State:
    """How far a training is."""

    epoch: int = 0
    best: float = -1.0
    best_epoch: int = 0


@dataclass(frozen=True, slots=True)
class _Running:
    """All that changes while a network is trained."""

    network: SasRecNetwork
    optimizer: torch.optim.Optimizer
    generator: np.random.Generator
    state: _State


class TrainingLoop:
    """Trains one network; the same seed, data and machine give the same weights, also where the
    training was cut off and went on from its checkpoint.

    Args:
        checkpoints: a folder for them; None keeps none.
    """

    def __init__(
        self,
        shape: Shape,
        recipe: Recipe,
        *,
        seed: int,
        checkpoints: Path | None,
    ) -> None:
        self._shape = shape
        self._recipe = recipe
        self._seed = seed
        self._checkpoints = checkpoints
        self._device = pick_device(recipe.device)

    def fit(self, events: Interactions, progress: Progress) -> SasRecNetwork:
        """The network with the weights of its best epoch.

        Everybody's last event is held out to find that epoch, and only that: the network that is
        returned is then trained on all events for as many epochs.
        """
        rest, held = hold_out_last(events)
        validated, epochs = held[:_VALIDATED], self._recipe.epochs
        with _one_thread():
            network, state = self._run(rest, validated, "search", epochs, _part(progress, 0.0, 0.6))
            if held:
                network, _ = self._run(
                    events, [], "all", state.best_epoch, _part(progress, 0.6, 0.4)
                )
        return network

    def _run(
        self,
        events: Interactions,
        held: Sequence[HeldOut],
        name: str,
        epochs: int,
        progress: Progress,
    ) -> tuple[SasRecNetwork, _State]:
        torch.manual_seed(self._seed)
        network = SasRecNetwork(self._shape).to(self._device)
        optimizer = torch.optim.AdamW(
            network.parameters(),
            lr=self._recipe.learning_rate,
            weight_decay=self._recipe.weight_decay,
            betas=(0.9, 0.98),
        )
        generator = np.random.default_rng(self._seed)
        state = _State()
        running = _Running(network, optimizer, generator, state)
        path = None if self._checkpoints is None else self._checkpoints / f"{name}-{_CHECKPOINT}"
        # The number of epochs is not part of it: what was searched decides how long all is trained.
        digest = self._digest(events)
        if path is not None and path.exists():
            self._resume(path, digest, running)
        histories = [history + 1 for history in events.histories() if len(history) > 1]
        while state.epoch < epochs and state.epoch - state.best_epoch < self._recipe.patience:
            self._epoch(network, optimizer, generator, histories)
            state.epoch += 1
            if held:
                found = ndcg(places_of(score(network, [h.history for h in held]), held))
                if found > state.best:
                    state.best, state.best_epoch = found, state.epoch
            else:
                state.best_epoch = state.epoch
            if path is not None:
                self._keep(path, digest, running)
            progress(state.epoch / epochs)
        progress(1.0)
        return network.eval(), state

    def _epoch(
        self,
        network: SasRecNetwork,
        optimizer: torch.optim.Optimizer,
        generator: np.random.Generator,
        histories: Sequence[NDArray[np.int32]],
    ) -> None:
        """Every history once, in a new order; of a long one a window that is drawn."""
        network.train()
        order = generator.permutation(len(histories))
        for start in range(0, len(order), self._recipe.batch):
            rows = [histories[row] for row in order[start : start + self._recipe.batch]]
            windows = [_window(row, self._shape.length + 1, generator) for row in rows]
            batch = torch.from_numpy(padded(windows)).to(self._device)
            inputs, targets = batch[:, :-1], batch[:, 1:]
            known = targets != PADDING
            states = network(inputs)[known]
            loss = self._loss(network, states, targets[known], generator)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()

    def _loss(
        self,
        network: SasRecNetwork,
        states: Tensor,
        targets: Tensor,
        generator: np.random.Generator,
    ) -> Tensor:
        if self._recipe.loss == "softmax":
            # Without the padding's column: it is never a target.
            return cross_entropy(network.scores(states)[:, 1:], targets - 1)
        drawn = generator.integers(1, self._shape.n_items + 1, size=self._recipe.negatives)
        negatives = torch.from_numpy(drawn).to(states.device)
        right = (states * network.items(targets)).sum(-1) + network.biases[targets]
        wrong = states @ network.items(negatives).T + network.biases[negatives]
        # A target that is drawn as its own negative is no negative.
        wrong = wrong.masked_fill(negatives[None, :] == targets[:, None], -torch.inf)
        logits = torch.cat((right[:, None], wrong), dim=1)
        return cross_entropy(
            logits, torch.zeros(len(logits), dtype=torch.long, device=logits.device)
        )

    def _digest(self, events: Interactions) -> str:
        """Of all that a checkpoint is good for."""
        told = {"shape": asdict(self._shape), "recipe": asdict(self._recipe), "seed": self._seed}
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
        for array in (events.users, events.items, events.times):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def _keep(self, path: Path, digest: str, running: _Running) -> None:
        """Write a checkpoint, whole or not at all."""
        kept: dict[str, Any] = {
            "digest": digest,
            "network": running.network.state_dict(),
            "optimizer": running.optimizer.state_dict(),
            "numpy": json.dumps(running.generator.bit_generator.state),
            "torch": torch.get_rng_state(),
            "state": asdict(running.state),
        }
        if self._device.type == "cuda":
            kept["cuda"] = torch.cuda.get_rng_state()
        beside = path.with_suffix(".partial")
        torch.save(kept, beside)
        beside.replace(path)

    def _resume(self, path: Path, digest: str, running: _Running) -> None:
        import pickle

        try:
            # Tensors and plain values alone: nothing in the file can run.
            kept = torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise RecommenderError(
                f"The checkpoint {path.name} can't be read; remove it, and training begins anew."
            ) from error
        if kept["digest"] != digest:
            raise RecommenderError(
                f"The checkpoint {path.name} is of other events, settings or another seed; "
                "remove it, and training begins anew."
            )
        running.network.load_state_dict(kept["network"])
        running.optimizer.load_state_dict(kept["optimizer"])
        running.generator.bit_generator.state = json.loads(kept["numpy"])
        torch.set_rng_state(kept["torch"])
        if "cuda" in kept and self._device.type == "cuda":
            torch.cuda.set_rng_state(kept["cuda"])
        for field, value in kept["state"].items():
            setattr(running.state, field, value)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch work with one thread on the CPU.

    The network is so small that threads wait for each other more than they work: on two cores that
    others used, too, an epoch over MovieLens-100k took 1.5 s with one thread, 10 to 22 s with two.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def score(network: SasRecNetwork, histories: Sequence[History]) -> NDArray[np.float32]:
    """Scores (len(histories), n_items) of what comes next; the network is not changed."""
    network.eval()
    length, device = network.shape.length, network.biases.device
    rows = [np.empty((0, network.shape.n_items), dtype=np.float32)]
    with torch.inference_mode():
        for start in range(0, len(histories), _SCORED_AT_ONCE):
            some = histories[start : start + _SCORED_AT_ONCE]
            # One padded place stands before each: an empty history has a state, too.
            windows = [np.asarray(h, dtype=np.int64)[-length:] + 1 for h in some]
            batch = torch.from_numpy(padded(windows, least=1)).to(device)
            rows.append(network.scores(network(batch)[:, -1])[:, 1:].float().cpu().numpy())
    return np.concatenate(rows)


def padded(rows: Sequence[NDArray[Any]], *, least: int = 2) -> NDArray[np.int64]:
    """Rows of one length, with 0 on the left."""
    width = max([least, *(len(row) for row in rows)])
    filled = np.zeros((len(rows), width), dtype=np.int64)
    for place, row in enumerate(rows):
        if len(row):
            filled[place, width - len(row) :] = row
    return filled


def pick_device(name: str) -> torch.device:
    """The device of this name. Raises RecommenderError where it is not there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise RecommenderError("There is no GPU that torch can use; train on the CPU.")
    return torch.device(name)


def _window(
    history: NDArray[np.int32], length: int, generator: np.random.Generator
) -> NDArray[np.int32]:
    spare = len(history) - length
    if spare <= 0:
        return history
    start = int(generator.integers(spare + 1))
    return history[start : start + length]


def _part(progress: Progress, begin: float, share: float) -> Callable[[float], None]:
    return lambda done: progress(begin + share * done)
