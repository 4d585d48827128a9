"""What turns texts into probabilities of labels: from the labels' words, or from examples."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import ConfigDict, Field, StringConstraints

from model_servers.contracts import DeadlineExceeded
from model_servers.encoders import Vector, encode, encoder_name
from tools import label_choice
from tools.contracts import RunContext
from tools.described_labels import Statements
from tools.example_head import ExampleHead, affordable
from tools.fitted_heads import FittedHeads, Sized, digest

Label = Annotated[str, Field(min_length=1, max_length=120)]
ExampleText = Annotated[str, Field(min_length=1, max_length=4_000)]
ExampleLabel = Annotated[Label, StringConstraints(strip_whitespace=True)]

ENCODED_BYTES: Mapping[str, int] = {"minilm": 2_400_000, "e5": 240_000}
"""Of examples' texts that an encoder reads for one head: about a minute's work on two cores."""


@dataclass(frozen=True, slots=True)
class Example:
    """A text that belongs to a label. No BaseModel: of these a call may bring 20,000."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    text: ExampleText
    label: ExampleLabel


class Taught(NamedTuple):
    """Examples' texts, and the label of each."""

    texts: list[str]
    labels: list[str]


class Head(NamedTuple):
    """The probabilities, and the way in which they are found."""

    score: label_choice.Score
    method: Literal[
        "label similarity", "description similarity", "example similarity", "logistic regression"
    ]


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be chosen from.

    Attributes:
        labels: each once.
        language: ISO 639-1; its encoder reads texts, labels and examples.
        multi: each label is judged by itself.
        about: what is said of each label, in their order; empty where nothing is of any.
    """

    labels: Sequence[str]
    language: str
    multi: bool
    about: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def encoder(self) -> str:
        return encoder_name(self.language)

    async def encoded(
        self, texts: Sequence[str], ctx: RunContext, *, deadline: float | None
    ) -> Vector:
        """The texts' vectors. Raises as `encode` does."""
        return await encode(
            ctx.models, texts, language=self.language, role="query", deadline=deadline
        )


async def by_labels(choice: Choice, ctx: RunContext) -> Head:
    """By the likeness of a text to each label's words."""
    sentences = [label_choice.hypothesis(label) for label in choice.labels]
    vectors = await choice.encoded(sentences, ctx, deadline=ctx.deadline)
    scale = label_choice.SCALES[choice.encoder]
    score = label_choice.by_similarity(vectors, scale, multi=choice.multi)
    return Head(score, "label similarity")


class LearntHeads:
    """Heads learnt from examples or from descriptions, each once for all calls with the same."""

    def __init__(self) -> None:
        self._heads: FittedHeads[Head] = FittedHeads()

    async def head(self, choice: Choice, taught: Taught, ctx: RunContext) -> Head:
        """What the examples teach, each of one of the choice's labels; without any, what is said
        of the labels.

        Raises DeadlineExceeded where they are too many to learn from in the request's time, and
        what the models raise. The learning goes on, for who asks again.
        """
        how = f"{choice.encoder} {choice.multi} {len(choice.labels)}"
        said = [text for label, texts in choice.about.items() for text in (label, *texts)]
        key = digest([how, *choice.labels, *said, *taught.labels, *taught.texts])
        try:
            return await self._heads.get(
                key, lambda: _fit(choice, taught, ctx), timeout_s=ctx.remaining_s()
            )
        except TimeoutError:
            raise DeadlineExceeded(
                "Learning from so many examples takes longer than this request may; give fewer, or "
                "ask again: what is begun goes on."
            ) from None


async def _fit(choice: Choice, taught: Taught, ctx: RunContext) -> Sized[Head]:
    """It serves other calls than the one that began it, and has no deadline of its own."""
    if not taught.texts:
        return await _described(choice, ctx)
    labels, number = len(choice.labels), {label: i for i, label in enumerate(choice.labels)}
    texts, classes = taught.texts, np.array([number[label] for label in taught.labels])
    encoded = affordable(texts, classes, ENCODED_BYTES[choice.encoder])
    vectors = await choice.encoded([texts[i] for i in encoded], ctx, deadline=None)
    own = classes[encoded].tolist()
    if not label_choice.has_many(own, labels):
        sentences = [label_choice.hypothesis(label) for label in choice.labels]
        of_labels = await choice.encoded(sentences, ctx, deadline=None)
        means = label_choice.centroids(vectors, own, of_labels)
        scale = label_choice.SCALES[choice.encoder]
        near = label_choice.by_similarity(means, scale, multi=choice.multi, centroids=True)
        return Sized(Head(near, "example similarity"), means.nbytes)
    if choice.multi:
        each = await asyncio.to_thread(label_choice.by_regressions, vectors, own)
        # Of each label as many coefficients as a vector has dimensions, in doubles.
        return Sized(Head(each, "logistic regression"), labels * vectors.shape[1] * 8)
    head = await asyncio.to_thread(ExampleHead, texts, classes, labels, vectors, encoded)
    return Sized(Head(head, "logistic regression"), head.size_bytes)


async def _described(choice: Choice, ctx: RunContext) -> Sized[Head]:
    told = [(label, text) for label, texts in choice.about.items() for text in texts]
    numbers = {label: i for i, label in enumerate(choice.labels)}
    classes = np.array([numbers[label] for label, _ in told], dtype=np.int64)
    # Each is read twice, with the name and without.
    read = affordable([text for _, text in told], classes, ENCODED_BYTES[choice.encoder] // 2)
    about: dict[str, list[str]] = {label: [] for label in choice.labels}
    for i in read:
        label, text = told[i]
        about[label].append(text)
    statements = Statements(about)
    vectors = await choice.encoded(statements.to_encode(), ctx, deadline=None)
    scale = label_choice.SCALES[choice.encoder]
    head = await asyncio.to_thread(statements.head, vectors, scale, multi=choice.multi)
    return Sized(Head(head, "description similarity"), head.size_bytes)
