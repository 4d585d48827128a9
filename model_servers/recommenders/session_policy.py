"""A policy that was taught by whole sessions, so that it counts what today's choice does tomorrow.

REINFORCE on logged sessions, with the off-policy correction of Chen et al. (2019, Top-K Off-Policy
Correction for a REINFORCE Recommender System): each step's gradient of log π counts by the reward
still to come less what was expected, times π / β, the chance now against the logged one (clipped),
times K (1 - π)^(K-1) where K items are shown at once and one is enough. A GRU reads what was shown
and what came of it; it sees no more of the state of a person than that.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from model_servers.recommenders.contract import Progress, ignore
from model_servers.recommenders.errors import RecommenderError
from model_servers.recommenders.ridge import Floats
from model_servers.recommenders.slates import Indices, draw_slate

if TYPE_CHECKING:
    import torch

_SHAPE_FILE, _WEIGHTS_FILE = "session_policy.json", "session_policy.safetensors"
_NONE = -1


@dataclass(frozen=True, slots=True)
class Sessions:
    """Logged sessions, a row each; the steps after a session's end have the item -1.

    Attributes:
        contexts: (n, c), what was known of each person before the session.
        items: (n, steps) int, what was shown.
        rewards: (n, steps), what it earned.
        propensities: (n, steps), how likely it was to be shown, above 0.
    """

    contexts: Floats
    items: NDArray[np.int64]
    rewards: Floats
    propensities: Floats

    def __post_init__(self) -> None:
        shape = self.items.shape
        if len(shape) != 2 or not shape[0] or not shape[1]:
            raise RecommenderError("Learning from sessions needs a session with a step.")
        if self.rewards.shape != shape or self.propensities.shape != shape:
            raise RecommenderError("Each step needs its item, its reward and its propensity.")
        if self.contexts.ndim != 2 or len(self.contexts) != shape[0]:
            raise RecommenderError("Each session needs a row of what was known before it.")
        there = self.items != _NONE
        logged = self.propensities[there]
        if not ((logged > 0) & (logged <= 1)).all():
            raise RecommenderError("Logged propensities must be above 0, and 1 at most.")
        if not np.isfinite(self.rewards[there]).all() or not np.isfinite(self.contexts).all():
            raise RecommenderError("Rewards and contexts must be finite numbers.")


@dataclass(frozen=True, slots=True)
class PolicySettings:
    """How a session policy is made and taught.

    Attributes:
        hidden: width of the GRU's state.
        epochs, batch, rate: of Adam.
        clip: no π / β counts for more: less noise, for a little bias.
        places: K, how many items are shown at once.
        entropy: how much a spread-out policy is worth, so that it does not settle too early.
        discount: what a reward is worth a step earlier.
        floor: the part of the chance that all candidates share when it chooses.
    """

    hidden: int = 32
    epochs: int = 20
    batch: int = 128
    rate: float = 0.005
    clip: float = 10.0
    places: int = 1
    entropy: float = 0.01
    discount: float = 1.0
    floor: float = 0.02


class SessionPolicy:
    """π(item | session so far). Made untaught, taught by `fit`, as often as there is a new log."""

    def __init__(
        self,
        n_items: int,
        n_context: int,
        settings: PolicySettings = PolicySettings(),
        *,
        seed: int,
    ) -> None:
        """Raises RecommenderError where there is nothing to choose from."""
        if n_items < 1 or n_context < 0:
            raise RecommenderError("A session policy needs items to choose from.")
        self.n_items, self.n_context, self.settings = n_items, n_context, settings
        self._network = _network(n_items, n_context, settings.hidden, seed)

    def fit(self, log: Sessions, *, seed: int = 0, progress: Progress = ignore) -> None:
        """Learn from a log, from where it stands. Raises RecommenderError."""
        import torch

        if log.contexts.shape[1] != self.n_context or log.items.max() >= self.n_items:
            raise RecommenderError("The log is of other items or contexts than the policy.")
        contexts, items, rewards, logged = _tensors(log)
        to_come = _to_come(rewards, self.settings.discount)
        size = float(to_come[items != _NONE].std()) or 1.0
        optimizer = torch.optim.Adam(self._network.parameters(), lr=self.settings.rate)
        shuffled = torch.Generator().manual_seed(seed)
        for epoch in range(self.settings.epochs):
            for rows in torch.randperm(len(items), generator=shuffled).split(self.settings.batch):  # type: ignore[no-untyped-call]
                loss = self._loss(
                    contexts[rows], items[rows], rewards[rows], logged[rows], to_come[rows] / size
                )
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
                optimizer.step()
            progress((epoch + 1) / self.settings.epochs)

    def probabilities(
        self, contexts: Floats, items: NDArray[np.int64], rewards: Floats
    ) -> NDArray[np.float64]:
        """π of the next item after each of n sessions so far: (n, n_items).

        Args:
            contexts: (n, c).
            items: (n, steps) shown so far, all of one length; steps may be 0.
            rewards: (n, steps) that they earned.
        """
        import torch

        with torch.no_grad():
            logits, _ = _run(self._network, *self._inputs(contexts, items, rewards))
            return np.asarray(torch.softmax(logits[:, -1].double(), dim=-1).numpy())

    def choose(
        self,
        context: Floats,
        items: Sequence[int],
        rewards: Sequence[float],
        *,
        candidates: Indices,
        show: int,
        random: np.random.Generator,
    ) -> tuple[Indices, Floats]:
        """Choose `show` of the candidates (item numbers) after a session so far, best first.

        Returns:
            The chosen items, and the propensity of each at its place (see `draw_slate`).

        Raises:
            RecommenderError: there are no candidates, or one is no item.
        """
        allowed = np.asarray(candidates, dtype=np.intp)
        if allowed.size and not (allowed.min() >= 0 and allowed.max() < self.n_items):
            raise RecommenderError("A candidate is not among the items the policy knows.")
        shown, earned = np.array([items], dtype=np.int64), np.array([rewards], dtype=np.float64)
        chances = self.probabilities(np.asarray(context)[None], shown, earned)[0, allowed]
        at, propensities = draw_slate(
            lambda left: chances[left] / chances[left].sum(),
            len(allowed),
            show,
            self.settings.floor,
            random,
        )
        return allowed[at], propensities

    def save(self, folder: Path) -> None:
        """Write it into a folder that is there: JSON and safetensors."""
        from safetensors.torch import save_file

        shape = {"n_items": self.n_items, "n_context": self.n_context}
        text = json.dumps(shape | {"settings": asdict(self.settings)}, indent=1)
        save_file(self._network.state_dict(), folder / _WEIGHTS_FILE)
        (folder / _SHAPE_FILE).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` wrote. Raises RecommenderError where that can't be."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            shape = json.loads((folder / _SHAPE_FILE).read_text(encoding="utf-8"))
            settings = PolicySettings(**shape["settings"])
            policy = cls(shape["n_items"], shape["n_context"], settings, seed=0)
            policy._network.load_state_dict(load_file(folder / _WEIGHTS_FILE))
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            raise RecommenderError("The session policy can't be read; train it anew.") from error
        return policy

    def _inputs(
        self, contexts: Floats, items: NDArray[np.int64], rewards: Floats
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        import torch

        return (
            torch.as_tensor(np.asarray(contexts), dtype=torch.float32),
            torch.as_tensor(np.asarray(items), dtype=torch.int64),
            torch.as_tensor(np.asarray(rewards), dtype=torch.float32),
        )

    def _loss(
        self,
        contexts: torch.Tensor,
        items: torch.Tensor,
        rewards: torch.Tensor,
        logged: torch.Tensor,
        to_come: torch.Tensor,
    ) -> torch.Tensor:
        """The surrogate whose gradient is the corrected policy gradient, and the baseline's error.

        Args: (n, c), then all (n, steps); `to_come` is scaled to a deviation of about 1.
        """
        import torch

        logits, expected = _run(self._network, contexts, items[:, :-1], rewards[:, :-1])
        there = (items != _NONE).float()
        log_all = torch.log_softmax(logits, dim=-1)
        log_done = log_all.gather(-1, items.clamp(min=0)[..., None])[..., 0]
        surprise = to_come - expected
        with torch.no_grad():
            chance = log_done.exp()
            weight = (chance / logged).clamp(max=self.settings.clip)
            weight = weight * top_k_factor(chance, self.settings.places)
        spread = -(log_all.exp() * log_all).sum(dim=-1)
        per_step = (
            -weight * surprise.detach() * log_done
            + 0.5 * surprise**2
            - self.settings.entropy * spread
        )
        return (per_step * there).sum() / there.sum().clamp(min=1)


def top_k_factor(chance: torch.Tensor, places: int) -> torch.Tensor:
    """K (1 - π)^(K-1): how much more likely an item is among K draws for each bit of π.

    It is about K where π is small, and falls to 0 where the item is nearly sure to be shown: the
    rest of the chance goes to the next best items.
    """
    return places * (1.0 - chance) ** (places - 1)


def _network(n_items: int, n_context: int, hidden: int, seed: int) -> torch.nn.ModuleDict:
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return torch.nn.ModuleDict(
            {
                "shown": torch.nn.Embedding(n_items, hidden),
                "step": torch.nn.Linear(hidden + 1 + n_context, hidden),
                "start": torch.nn.Linear(n_context, hidden),
                "gru": torch.nn.GRU(hidden, hidden, batch_first=True),
                "logits": torch.nn.Linear(hidden, n_items),
                "expected": torch.nn.Linear(hidden, 1),
            }
        )


def _run(
    network: torch.nn.ModuleDict,
    contexts: torch.Tensor,
    items: torch.Tensor,
    rewards: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Before each step and after the last: logits (n, steps + 1, n_items), what to expect (…)."""
    import torch

    start = torch.tanh(network["start"](contexts))
    states = start[:, None]
    if items.shape[1]:
        known = contexts[:, None].expand(-1, items.shape[1], -1)
        seen = network["shown"](items.clamp(min=0))
        steps = torch.cat([seen, rewards[..., None], known], dim=-1)
        after, _ = network["gru"](torch.tanh(network["step"](steps)), start[None].contiguous())
        states = torch.cat([states, after], dim=1)
    return network["logits"](states), network["expected"](states)[..., 0]


def _tensors(log: Sessions) -> tuple[Any, Any, Any, Any]:
    import torch

    there = log.items != _NONE
    return (
        torch.as_tensor(log.contexts, dtype=torch.float32),
        torch.as_tensor(log.items, dtype=torch.int64),
        torch.as_tensor(np.where(there, log.rewards, 0.0), dtype=torch.float32),
        torch.as_tensor(np.where(there, log.propensities, 1.0), dtype=torch.float32),
    )


def _to_come(rewards: torch.Tensor, discount: float) -> torch.Tensor:
    """What each step and all after it earn, each step later counting `discount` times as much."""
    import torch

    total = torch.zeros(len(rewards))
    columns = []
    for step in reversed(range(rewards.shape[1])):
        total = rewards[:, step] + discount * total
        columns.append(total)
    return torch.stack(columns[::-1], dim=1)
