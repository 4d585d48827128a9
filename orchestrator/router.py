"""Which tools does a wish need? Answered by an encoder and a linear head, without the LLM.

The head is fitted at start on every tool's examples (and on requests that need no tool), so a
tool from outside is routed to like the built-in ones. Its probabilities are calibrated by one
temperature, chosen on predictions that were made out of fold. English has its own encoder; all
other languages share a multilingual one.

Temperature scaling: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import tempfile
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tools.contracts import Tool
from tools.registry import Registry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

CHAT = "chat"
"""The class of wishes that need no tool."""
_VERSION = 3
_FOLDS = 5
_C = 10.0
_REMEMBERED = 4096
"""Texts whose vectors are kept: 6 MB, and more than all examples are."""

Scores = Mapping[str, float]
"""Calibrated probability of each tool, and of CHAT; they sum to 1."""


class Encoder(Protocol):
    """Texts in one language to unit vectors of shape (n, d)."""

    async def __call__(self, texts: Sequence[str], *, language: str) -> NDArray[np.float32]: ...


@dataclass(frozen=True, slots=True)
class Head:
    """A linear classifier over unit vectors: weights (classes, d), bias (classes,)."""

    classes: tuple[str, ...]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    temperature: float

    def __call__(self, vectors: NDArray[np.float32]) -> list[Scores]:
        import numpy as np

        logits = (vectors @ self.weights.T + self.bias) / self.temperature
        logits -= logits.max(axis=1, keepdims=True)
        odds = np.exp(logits)
        probabilities = odds / odds.sum(axis=1, keepdims=True)
        return [dict(zip(self.classes, map(float, row), strict=True)) for row in probabilities]


@dataclass(frozen=True, slots=True)
class Example:
    text: str
    label: str
    language: str


@dataclass(frozen=True, slots=True)
class Heads:
    """The head for English, and the one for all other languages."""

    english: Head
    other: Head

    def __call__(self, vectors: NDArray[np.float32], language: str) -> list[Scores]:
        return (self.english if language == "en" else self.other)(vectors)


class Remembered:
    """An encoder that has the vectors of the last texts at hand: a turn asks for some twice, and
    what is fitted on the same examples as something else needs them again."""

    def __init__(self, encode: Encoder) -> None:
        self._encode = encode
        self._vectors: OrderedDict[tuple[str, bool], NDArray[np.float32]] = OrderedDict()

    async def __call__(self, texts: Sequence[str], *, language: str) -> NDArray[np.float32]:
        import numpy as np

        # All languages but English share an encoder.
        keys = [(text, language == "en") for text in texts]
        found = {key: self._vectors[key] for key in keys if key in self._vectors}
        new = [key for key in dict.fromkeys(keys) if key not in found]
        if new:
            made = await self._encode([text for text, _ in new], language=language)
            found.update(zip(new, made, strict=True))
            self._vectors.update(found)
            while len(self._vectors) > _REMEMBERED:
                self._vectors.popitem(last=False)
        return np.stack([found[key] for key in keys])


class Router:
    """Scores wishes. Build it with `fit`; `encode` is the encoder it scores with."""

    def __init__(self, encode: Encoder, heads: Heads) -> None:
        self.encode = encode
        self._heads = heads

    @classmethod
    async def fit(cls, registry: Registry, encode: Encoder, cache_dir: Path) -> Router:
        """Fit both heads on the offered tools' examples, or take them from the cache."""
        remembered = Remembered(encode)
        offered = registry.offered()
        for name in registry.keys() - {tool.name for tool in offered}:
            log.warning("%s has no description: the agent never chooses it", name)
        heads = await fit_heads(training_examples(offered), remembered, cache_dir)
        return cls(remembered, heads)

    async def score(self, wishes: Sequence[str], *, language: str) -> list[Scores]:
        """The scores of each wish; all are in the one language (ISO 639-1)."""
        if not wishes:
            return []
        return self._heads(await self.encode(wishes, language=language), language)


async def fit_heads(
    examples: Sequence[Example], encode: Encoder, cache_dir: Path, *, c: float = _C
) -> Heads:
    """Both heads, fitted on the examples or taken from the cache, which is keyed by them.

    `c` is the inverse strength of the regularisation.
    """
    key = hashlib.sha256(
        json.dumps([_VERSION, c, [(e.text, e.label, e.language) for e in examples]]).encode()
    ).hexdigest()
    path = cache_dir / "router" / f"{key[:32]}.npz"
    heads = await asyncio.to_thread(_load, path)
    if heads is None:
        in_english = [example for example in examples if example.language == "en"]
        heads = Heads(
            await _fit_head(in_english, encode, "en", c),
            await _fit_head(examples, encode, "mul", c),
        )
        await asyncio.to_thread(_save, path, heads)
    return heads


def training_examples(tools: Iterable[Tool]) -> list[Example]:
    """What the heads learn from: the tools' examples and descriptions, and our own list.

    The list's lines for other tools are left out.
    """
    from model_servers.languages import identify

    by_name = {tool.name: tool for tool in tools}
    labelled = [
        (text, tool.name)
        for tool in by_name.values()
        for text in (*tool.examples, tool.description.split(". ")[0])
        if text
    ]
    lines = files("orchestrator").joinpath("routing_examples.tsv").read_text("utf-8").splitlines()
    listed = (line.split("\t", 1) for line in lines if line and not line.startswith("#"))
    labelled += [(text, label) for label, text in listed if label in by_name or label == CHAT]
    return [Example(text, label, identify(text).code) for text, label in labelled]


async def _fit_head(examples: Sequence[Example], encode: Encoder, language: str, c: float) -> Head:
    vectors = await encode([example.text for example in examples], language=language)
    labels = [example.label for example in examples]
    return await asyncio.to_thread(_fit, vectors, labels, c)


def _fit(vectors: NDArray[np.float32], labels: Sequence[str], c: float) -> Head:
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from threadpoolctl import threadpool_limits

    model = LogisticRegression(C=c, class_weight="balanced", max_iter=1000)
    fewest = min(labels.count(label) for label in set(labels))
    folds = StratifiedKFold(max(2, min(_FOLDS, fewest)), shuffle=True, random_state=0)
    # The matrices are so small that threads would only wait for each other.
    with threadpool_limits(1):
        logits = cross_val_predict(model, vectors, labels, cv=folds, method="decision_function")
        model.fit(vectors, labels)
    classes = [str(name) for name in model.classes_]
    weights, bias = model.coef_, model.intercept_
    if len(classes) == 2:
        # Two classes have one row of weights: the first class's logit is zero.
        weights, bias = np.vstack([np.zeros_like(weights), weights]), np.array([0.0, bias[0]])
        logits = np.column_stack([np.zeros_like(logits), logits])
    gold = np.array([classes.index(label) for label in labels])
    return Head(tuple(classes), weights, bias, _temperature(logits, gold))


def _temperature(logits: NDArray[np.float64], gold: NDArray[np.int64]) -> float:
    """The temperature of least negative log-likelihood on out-of-fold logits."""
    import numpy as np

    best = (float("inf"), 1.0)
    for temperature in np.geomspace(0.1, 3.0, 40):
        scaled = logits / temperature
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        log_sum = np.log(np.exp(scaled).sum(axis=1))
        loss = float(np.mean(log_sum - scaled[np.arange(len(gold)), gold]))
        best = min(best, (loss, float(temperature)))
    return best[1]


def _save(path: Path, heads: Heads) -> None:
    import numpy as np

    path.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {}
    for name, head in (("english", heads.english), ("other", heads.other)):
        arrays[f"{name}_classes"] = np.array(head.classes)
        arrays[f"{name}_weights"] = head.weights
        arrays[f"{name}_bias"] = head.bias
        arrays[f"{name}_temperature"] = np.array(head.temperature)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as file:
        np.savez(file, **arrays)
    Path(file.name).replace(path)


def _load(path: Path) -> Heads | None:
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as arrays:
            english, other = (
                Head(
                    tuple(map(str, arrays[f"{name}_classes"])),
                    arrays[f"{name}_weights"],
                    arrays[f"{name}_bias"],
                    float(arrays[f"{name}_temperature"]),
                )
                for name in ("english", "other")
            )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, OSError, EOFError):
        # A damaged entry is fitted anew and replaced.
        return None
    return Heads(english, other)
