"""Bandits, the session policy and off-policy estimates, judged where the truth is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from evals.recommenders import simulators
from evals.recommenders.simulators import (
    N_ITEMS,
    N_SESSION_ITEMS,
    STEPS,
    ChangingTaste,
    SingleShowings,
    best_session,
    next_level,
    start_level,
)
from model_servers.recommenders.bandit import LinearBandit, LinearThompson, LinUCB
from model_servers.recommenders.off_policy import doubly_robust, importance_weights, ips, snips
from model_servers.recommenders.ridge import Floats, RidgeModel

if TYPE_CHECKING:
    from model_servers.recommenders.session_policy import SessionPolicy

ROUNDS = 3_000
ARMS_ROUNDS = 1_000
"""mabwiser inverts a matrix an arm at each round: so many are enough to see where it goes."""
SESSIONS = 4_000
JUDGED_SESSIONS = 1_000
RUNS = 50
UNITS = 800
COVERED = 0.9
MOST_CLICKS = 50
SUBLINEAR = 0.9
"""The exponent of regret's growth that counts as below linear."""

Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """A figure of a simulation, and whether it is as it should be; None: it has no bound."""

    name: str
    value: float
    bound: str = ""
    ok: bool | None = None


def simulate(seeds: Sequence[int], told: Told) -> list[Finding]:
    """All simulations; figures are means over the seeds."""
    found: list[Finding] = []
    for linear in (True, False):
        name = "linear" if linear else "non-linear"
        told(f"{name} showings")
        found += _showings(name, seeds, linear=linear)
    told("clicks on what a shop shows")
    found.append(_clicks_needed())
    told("sessions in which taste changes")
    found += _sessions(seeds)
    told("off-policy estimates")
    found += _estimates()
    return found


def _showings(name: str, seeds: Sequence[int], *, linear: bool) -> Iterator[Finding]:
    """Regret against the best candidate of each showing."""
    makers: dict[str, Callable[[int], LinearBandit]] = {
        "LinUCB": lambda width: LinUCB(RidgeModel(width), alpha=0.5),
        "Thompson": lambda width: LinearThompson(RidgeModel(width), scale=0.3),
    }
    static = np.mean([_static_regret(SingleShowings(linear=linear, seed=s)) for s in seeds], axis=0)
    yield Finding(f"{name}: regret of the best static ranking", float(static[-1]))
    for label, make in makers.items():
        runs = [
            _bandit_regret(SingleShowings(linear=linear, seed=s), make, np.random.default_rng(s))
            for s in seeds
        ]
        curve = np.mean(runs, axis=0)
        yield Finding(
            f"{name}: regret of {label}",
            float(curve[-1]),
            f"< {static[-1]:.0f}",
            bool(curve[-1] < static[-1]),
        )
        exponent = growth(curve)
        yield Finding(
            f"{name}: exponent of its growth", exponent, f"< {SUBLINEAR}", exponent < SUBLINEAR
        )
    if linear:
        arms = np.mean([_arms_regret(SingleShowings(linear=True, seed=s)) for s in seeds], axis=0)
        same = float(static[ARMS_ROUNDS - 1])
        yield Finding(
            f"{name}: regret of mabwiser's LinUCB, an arm an item, {ARMS_ROUNDS} rounds "
            f"(static {same:.0f})",
            float(arms[-1]),
        )


def growth(curve: Floats) -> float:
    """The exponent b of regret ≈ a · tᵇ, by least squares of logarithms from a tenth on."""
    rounds = np.arange(1, len(curve) + 1)
    some = slice(len(curve) // 10, None)
    slope, _ = np.polyfit(np.log(rounds[some]), np.log(np.maximum(curve[some], 1e-9)), 1)
    return float(slope)


def _static_regret(people: SingleShowings) -> Floats:
    lost = np.empty(ROUNDS)
    for step in range(ROUNDS):
        showing = people.next()
        chosen = int(np.argmax(people.static[showing.candidates]))
        lost[step] = showing.means.max() - showing.means[chosen]
    return np.asarray(np.cumsum(lost))


def _bandit_regret(
    people: SingleShowings, make: Callable[[int], LinearBandit], random: np.random.Generator
) -> Floats:
    bandit = make(people.width)
    lost = np.empty(ROUNDS)
    for step in range(ROUNDS):
        showing = people.next()
        (chosen,), _ = bandit.choose(showing.features, 1, random)
        reward = people.reward(showing, int(chosen))
        bandit.learn(showing.features[[chosen]], np.array([reward]))
        lost[step] = showing.means.max() - showing.means[chosen]
    return np.asarray(np.cumsum(lost))


def _arms_regret(people: SingleShowings) -> Floats:
    """mabwiser's own LinUCB, which knows each item by itself alone."""
    from mabwiser.mab import MAB, LearningPolicy

    arms = MAB(list(range(N_ITEMS)), LearningPolicy.LinUCB(alpha=0.5, l2_lambda=1.0))
    lost = np.empty(ARMS_ROUNDS)
    for step in range(ARMS_ROUNDS):
        showing = people.next()
        context = showing.context[None]
        if step:
            worth = arms.predict_expectations(context)
            chosen = int(np.argmax([worth[int(item)] for item in showing.candidates]))
        else:
            chosen = 0
        told = ([int(showing.candidates[chosen])], [people.reward(showing, chosen)], context)
        (arms.partial_fit if step else arms.fit)(*told)
        lost[step] = showing.means.max() - showing.means[chosen]
    return np.asarray(np.cumsum(lost))


def _clicks_needed() -> Finding:
    """Clicks on the item that came twelfth of twenty until the shop's own bandit shows it first.

    Five are shown; whoever is asked clicks that one where it is among them, and nothing else. It
    counts as first when it was so in four of five showings.
    """
    import asyncio
    import tempfile

    from orchestrator.shop_bandit import ShopBandit
    from orchestrator.shop_store import Pressed
    from tools.recommendation.shop import Item, Match

    matches = [
        Match(Item(id=f"i{n}", title=f"Thing {n}", categories=(f"kind {n % 4}",)), 1.0 / (n + 1))
        for n in range(20)
    ]
    wanted = matches[11].item.id

    async def clicks(folder: Path) -> int:
        bandit = ShopBandit(folder / "bandit.npz", np.random.default_rng(0))
        clicked, firsts = 0, [False] * 5
        for _ in range(20 * MOST_CLICKS):
            shown = await bandit.choose(None, (), matches, 5)
            firsts = [*firsts[1:], shown[0].item == wanted]
            if sum(firsts) >= 4:
                break
            own = next((each for each in shown if each.item == wanted), None)
            if own is not None:
                clicked += 1
                beside = tuple(each for each in shown if each is not own)
                await bandit.learn(Pressed("s", None, own, "click", beside))
        return clicked if sum(firsts) >= 4 else MOST_CLICKS + 1

    with tempfile.TemporaryDirectory() as folder:
        needed = asyncio.run(clicks(Path(folder)))
    name = "clicks until what is clicked is shown first"
    return Finding(name, needed, f"≤ {MOST_CLICKS}", needed <= MOST_CLICKS)


Choose = Callable[[Sequence[int], Sequence[float]], tuple[int, float]]
"""Items and clicks of a session so far → the next item, and how likely it was."""
Learn = Callable[[Sequence[int], Sequence[float]], None]
"""Hears the session so far after each step."""


def _sessions(seeds: Sequence[int]) -> Iterator[Finding]:
    best = best_session()
    policies, bandits = [], []
    for seed in seeds:
        taste = ChangingTaste(seed)
        policy = _taught(taste, seed)
        policies.append(_judged(taste, _following(policy, seed)))
        bandits.append(max(_bandit_clicks(kind, seed) for kind in (LinUCB, LinearThompson)))
    yield Finding("taste that changes: clicks a session under the best policy", best)
    bandit, own = float(np.mean(bandits)), float(np.mean(policies))
    yield Finding("taste that changes: clicks a session, the better bandit", bandit)
    yield Finding(
        "taste that changes: clicks a session, the session policy",
        own,
        f"> {bandit:.2f}",
        own > bandit,
    )


def _taught(taste: ChangingTaste, seed: int) -> SessionPolicy:
    """A policy that learned from showings at random, and once more from its own."""
    from model_servers.recommenders.session_policy import PolicySettings, SessionPolicy, Sessions

    random = np.random.default_rng(seed)

    def at_random(_: Sequence[int], __: Sequence[float]) -> tuple[int, float]:
        return int(random.integers(N_SESSION_ITEMS)), 1.0 / N_SESSION_ITEMS

    policy = SessionPolicy(N_SESSION_ITEMS, 1, PolicySettings(epochs=15), seed=seed)
    choose: Choose = at_random
    for _ in range(2):
        played = [_play(taste, choose) for _ in range(SESSIONS)]
        items, clicks, chances = (np.array([each[k] for each in played]) for k in range(3))
        policy.fit(Sessions(np.zeros((SESSIONS, 1)), items, clicks, chances), seed=seed)
        choose = _following(policy, seed)
    return policy


def _following(policy: SessionPolicy, seed: int) -> Choose:
    random = np.random.default_rng(seed)
    everything = np.arange(N_SESSION_ITEMS)

    def choose(items: Sequence[int], clicks: Sequence[float]) -> tuple[int, float]:
        chosen, chances = policy.choose(
            np.zeros(1), items, clicks, candidates=everything, show=1, random=random
        )
        return int(chosen[0]), float(chances[0])

    return choose


def _bandit_clicks(kind: type[LinUCB] | type[LinearThompson], seed: int) -> float:
    """Clicks a session of a bandit that goes on learning, over the last sessions."""
    taste, random = ChangingTaste(seed), np.random.default_rng(seed)
    bandit = kind(RidgeModel(3 * N_SESSION_ITEMS))

    def features(items: Sequence[int], clicks: Sequence[float]) -> Floats:
        """The item, and the item with what was shown before it and whether that was clicked."""
        own = np.eye(N_SESSION_ITEMS)
        deep = float(bool(items) and items[-1] >= len(simulators.QUICK))
        clicked = clicks[-1] if clicks else 0.0
        return np.hstack([own, own * deep, own * clicked])

    def choose(items: Sequence[int], clicks: Sequence[float]) -> tuple[int, float]:
        (chosen,), (likely,) = bandit.choose(features(items, clicks), 1, random)
        return int(chosen), float(likely)

    def learn(items: Sequence[int], clicks: Sequence[float]) -> None:
        row = features(items[:-1], clicks[:-1])[[items[-1]]]
        bandit.learn(row, np.array([clicks[-1]]))

    for _ in range(JUDGED_SESSIONS // 2):
        _play(taste, choose, learn)
    played = [_play(taste, choose, learn) for _ in range(JUDGED_SESSIONS // 2)]
    return float(np.mean([sum(clicks) for _, clicks, _ in played]))


def _judged(taste: ChangingTaste, choose: Choose) -> float:
    return float(np.mean([sum(_play(taste, choose)[1]) for _ in range(JUDGED_SESSIONS)]))


def _play(
    taste: ChangingTaste, choose: Choose, learn: Learn | None = None
) -> tuple[list[int], list[float], list[float]]:
    """One session: items, clicks, and the chances of the items."""
    items: list[int] = []
    clicks: list[float] = []
    chances: list[float] = []
    level = start_level()
    for _ in range(STEPS):
        item, likely = choose(items, clicks)
        clicks.append(taste.click(level, item))
        items.append(item)
        chances.append(likely)
        level = next_level(level, item)
        if learn is not None:
            learn(items, clicks)
    return items, clicks, chances


def _estimates() -> Iterator[Finding]:
    """In how many of the runs each estimate's interval holds the judged policy's true reward."""
    held = {"IPS": 0, "SNIPS": 0, "doubly robust": 0}
    for seed in range(RUNS):
        for name, holds in _one_log(seed).items():
            held[name] += holds
    for name, count in held.items():
        share = count / RUNS
        yield Finding(
            f"off-policy: the interval of {name} holds the truth",
            share,
            f"≥ {COVERED}",
            share >= COVERED,
        )


def _one_log(seed: int) -> dict[str, bool]:
    """Three kinds of people and five items; half of the log fits the doubly robust's model."""
    random = np.random.default_rng(seed)
    rewards = random.uniform(0.1, 0.9, size=(3, 5))
    logged, judged = (_softmax(random.normal(size=(3, 5))) for _ in range(2))
    truth = float((judged * rewards).sum(axis=1).mean())
    people = random.integers(3, size=2 * UNITS)
    done = np.array([random.choice(5, p=logged[person]) for person in people])
    earned = (random.random(2 * UNITS) < rewards[people, done]).astype(np.float64)
    model = np.full((3, 5), 0.5)
    for person in range(3):
        for item in range(5):
            seen = (people[:UNITS] == person) & (done[:UNITS] == item)
            model[person, item] = (earned[:UNITS][seen].sum() + 0.5) / (seen.sum() + 1.0)
    who, what, got = people[UNITS:], done[UNITS:], earned[UNITS:]
    weights = importance_weights(logged[who, what], judged[who, what])
    expected = (judged * model).sum(axis=1)[who]
    estimates = {
        "IPS": ips(got, weights),
        "SNIPS": snips(got, weights),
        "doubly robust": doubly_robust(got, weights, model[who, what], expected),
    }
    return {name: each.low <= truth <= each.high for name, each in estimates.items()}


def _softmax(values: Floats) -> Floats:
    powers = np.exp(values)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
