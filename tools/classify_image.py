"""The tool `classify_image`: what a picture shows as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from model_servers.encoders import encode, encoder_name
from model_servers.image_classifier import Glance
from model_servers.languages import identify
from model_servers.siglip import PictureAndLabels
from tools import label_choice
from tools.artifacts import Artifact
from tools.classify_image_words import EXAMPLES, TITLES, verdict
from tools.contracts import Kind, RunContext, Tool, ToolArgs, ToolData, ToolResult
from tools.errors import InvalidInput, NotFound
from tools.pictures import ImageSlot, read_picture

if TYPE_CHECKING:
    from model_servers.images import Image

Label = Annotated[str, Field(min_length=1, max_length=120)]
FileId = Annotated[str, Field(pattern=r"^([0-9a-f]{64}|file-[0-9a-f]{32})$")]
Method = Literal["imagenet", "label names", "example pictures", "pictures and names"]

ZERO_SHOT = "image-labels"
SHOWN = 5
"""Classes told where no labels are given."""
# Below these the tool says that it doesn't know.
IMAGENET_THRESHOLD = 0.25
LABELS_THRESHOLD = 0.5
EXAMPLES_THRESHOLD = 0.45
EXAMPLES_SCALE = 10.0
"""How much one more unit of likeness to a label's examples says."""


class PictureExample(BaseModel):
    """A picture that belongs to a label, by the id of its file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: FileId
    label: Label


class PictureLabel(BaseModel):
    """A label and its probability."""

    model_config = ConfigDict(frozen=True)

    label: str
    score: float


class ClassifyImageArgs(ToolArgs):
    image: ImageSlot
    labels: list[Label] | None = Field(default=None, min_length=2, max_length=100)
    examples: list[PictureExample] | None = Field(
        default=None, min_length=2, max_length=200, description="A few pictures of each label."
    )


class ClassifyImageResult(ToolData):
    """`labels` are likeliest first; `label` is the first one, None when the tool abstains.

    `method` tells what the labels come from: ImageNet's 1,000 classes; the caller's labels
    compared with ImageNet's by their names alone; or with the pictures given for each; or with the
    picture itself, by a network that knows pictures and names.
    """

    labels: list[PictureLabel]
    label: str | None
    abstained: bool
    method: Method


class ClassifyImage(Tool):
    """See `description`."""

    name = "classify_image"
    description = (
        "Says what a picture shows as a whole: an animal's breed, a kind of product, plant, dish, "
        "vehicle or building, or which of the labels it fits that the request gives. Use it to "
        "name the main thing in a photo, or to sort pictures."
    )
    examples = EXAMPLES
    Args = ClassifyImageArgs
    Result = ClassifyImageResult
    outputs: ClassVar[Mapping[str, Kind]] = {"labels": "labels"}
    titles = TITLES

    async def __call__(self, args: ClassifyImageArgs, ctx: RunContext) -> ToolResult:
        """Raises InvalidInput, NotFound, ModelError, DeadlineExceeded."""
        image = await read_picture(args.image, ctx)
        if args.labels and not args.examples and ZERO_SHOT in ctx.models:
            scores = await _by_sight(image, list(dict.fromkeys(args.labels)), ctx)
            return ToolResult(_result(scores, LABELS_THRESHOLD, "pictures and names"))
        (glance,) = await ctx.models.predict("image-classifier", [image], deadline=ctx.deadline)
        if args.examples:
            scores = await _by_examples(glance, args.examples, args.labels, ctx)
            return ToolResult(_result(scores, EXAMPLES_THRESHOLD, "example pictures"))
        if args.labels:
            scores = await _by_names(glance, list(dict.fromkeys(args.labels)), ctx)
            return ToolResult(_result(scores, LABELS_THRESHOLD, "label names"))
        return ToolResult(_result(dict(glance.classes[:SHOWN]), IMAGENET_THRESHOLD, "imagenet"))

    def render(self, data: Any, language: str) -> str:
        assert isinstance(data, ClassifyImageResult)
        scores = [(score.label, score.score) for score in data.labels]
        return verdict(scores, abstained=data.abstained, method=data.method, language=language)


async def _by_sight(image: Image, labels: Sequence[str], ctx: RunContext) -> dict[str, float]:
    """How well each label fits the picture; what is missing to 1 is that none of them does."""
    asked = PictureAndLabels(image, tuple(labels))
    (scores,) = await ctx.models.predict(ZERO_SHOT, [asked], deadline=ctx.deadline)
    return dict(zip(labels, map(float, scores), strict=True))


async def _by_names(glance: Glance, labels: Sequence[str], ctx: RunContext) -> dict[str, float]:
    """Each class that the picture may show votes for the labels that are near it in meaning."""
    guess = identify(" ".join(labels))
    language = guess.code if guess.probability >= 0.5 and not " ".join(labels).isascii() else "en"
    names = [name for name, _ in glance.classes]
    vectors = await encode(
        ctx.models, [*names, *labels], language=language, role="query", deadline=ctx.deadline
    )
    scale = label_choice.SCALES[encoder_name(language)]
    votes = _shares(vectors[: len(names)] @ vectors[len(names) :].T / scale.temperature)
    weights = np.array([score for _, score in glance.classes])
    scores = weights @ votes / weights.sum()
    return dict(zip(labels, map(float, scores), strict=True))


async def _by_examples(
    glance: Glance,
    examples: Sequence[PictureExample],
    labels: Sequence[str] | None,
    ctx: RunContext,
) -> dict[str, float]:
    given = list(dict.fromkeys(example.label.strip() for example in examples))
    if missing := [label for label in labels or () if label.strip() not in given]:
        raise InvalidInput(
            f"There is no example picture for {missing[0]!r}; give one for each label.",
            param="examples",
        )
    if len(given) < 2:
        raise InvalidInput("Give example pictures of at least two labels.", param="examples")
    images = [await read_picture(await _given(example.image, ctx), ctx) for example in examples]
    glances = await ctx.models.predict("image-classifier", images, deadline=ctx.deadline)
    features = np.stack([seen.features for seen in glances])
    classes = [given.index(example.label.strip()) for example in examples]
    scores = label_shares(glance.features, features, classes)
    return dict(zip(given, map(float, scores), strict=True))


async def _given(file_id: str, ctx: RunContext) -> Artifact:
    """The caller's picture. Raises NotFound, InvalidInput where it is none."""
    try:
        file = await ctx.file(file_id)
    except NotFound as error:
        error.param = "examples"
        raise
    if file.kind != "image":
        raise InvalidInput(f"{file.name} is no picture, but {file.kind}.", param="examples")
    return file


def label_shares(
    features: NDArray[np.float32], examples: NDArray[np.float32], classes: Sequence[int]
) -> NDArray[np.float64]:
    """How likely each label is, from the likeness to its examples.

    What all examples have in common says nothing of the label, so it is taken out first.

    Args:
        features: (n) of the picture.
        examples: (m, n) of the examples.
        classes: (m) the label of each, counted from 0.
    """
    # The mean of the labels' means: a label with many examples is no more common for that.
    means = np.stack(
        [examples[np.equal(classes, kind)].mean(axis=0) for kind in range(max(classes) + 1)]
    )
    common = means.mean(axis=0)
    centred = means - common
    own = features - common
    lengths = np.linalg.norm(centred, axis=1) * np.linalg.norm(own)
    likeness = centred @ own / np.maximum(lengths, 1e-9)
    shares = _shares(np.asarray(likeness[None] * EXAMPLES_SCALE, dtype=np.float64))
    return np.asarray(shares[0], dtype=np.float64)


def _shares(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Softmax of each row."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float64)


def _result(scores: Mapping[str, float], threshold: float, method: Method) -> ClassifyImageResult:
    ranked = sorted(scores.items(), key=lambda item: -item[1])
    labels = [PictureLabel(label=label, score=round(score, 4)) for label, score in ranked]
    sure = labels[0].score >= threshold
    return ClassifyImageResult(
        labels=labels,
        label=labels[0].label if sure else None,
        abstained=not sure,
        method=method,
    )
