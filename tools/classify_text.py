"""The tool `classify_text`: sentiment, topic, intent, language, or any labels the caller gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from model_servers.encoders import encoder_name
from model_servers.languages import UNDETERMINED, identify
from model_servers.sentiment import LABELS, sentiment_probabilities
from tools.classify_text_words import EXAMPLES, INTENTS, TOPICS, polarity_of, verdict
from tools.contracts import Kind, RunContext, TextSlot, Tool, ToolArgs, ToolData, ToolResult
from tools.errors import InvalidInput
from tools.label_heads import (
    Choice,
    Example,
    ExampleLabel,
    ExampleText,
    Head,
    Label,
    LearntHeads,
    Taught,
    by_labels,
)
from tools.second_look import second_look
from tools.windows import split_windows
from tools.word_weights import WordWeight, word_weights

ExamplesByLabel = dict[ExampleLabel, Annotated[list[ExampleText], Field(min_length=1)]]
Description = Annotated[str, Field(max_length=4_000)]
Descriptions = dict[ExampleLabel, Description | list[Description]]
Task = Literal["sentiment", "topic", "intent", "language"]
Method = Literal[
    "sentiment head",
    "label similarity",
    "description similarity",
    "example similarity",
    "logistic regression",
    "llm",
    "language identification",
]

WINDOW_CHARS = 600
MAX_WINDOWS = 24
MAX_EXAMPLES = 20_000
MAX_LABELS = 2_000
EXAMPLES_READ = 40
"""Examples by which their language is told."""
LLM_MAX_LABELS = 40
# Below these the tool says that it doesn't know.
SENTIMENT_THRESHOLD = 0.45
LANGUAGE_THRESHOLD = 0.4
# Of a text whose examples are English: short ones are easily taken for another language.
FOREIGN = 0.9
EXAMPLES_THRESHOLD = 0.35
SIMILARITY_THRESHOLD = 0.4
MULTI_THRESHOLD = 0.5
# Similarity to a label is right three times of four above this; below it the chat model is asked.
SURE = 0.7


class LabelScore(BaseModel):
    """A label and its probability."""

    label: str
    score: float


class Word(BaseModel):
    """A word, and what the winning label's probability loses without it."""

    word: str
    weight: float


class ClassifyTextArgs(ToolArgs):
    text: TextSlot
    labels: list[Label] | None = Field(default=None, min_length=1, max_length=200)
    task: Task | None = None
    examples: list[Example] | None = Field(default=None, min_length=1, max_length=MAX_EXAMPLES)
    multi_label: bool = False
    examples_by_label: ExamplesByLabel | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_LABELS,
        description="Examples as {label: [text, …]}: many of them are sooner read so.",
        json_schema_extra={"planned": False},
    )
    descriptions: Descriptions | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_LABELS,
        description="What each label stands for, as {label: text} or {label: [text, …]}: tools by "
        "what they do, departments by what they deal with.",
        json_schema_extra={"planned": False},
    )
    llm: bool = Field(
        default=True,
        description="Whether the chat model may be asked where likeness doesn't decide.",
        json_schema_extra={"planned": False},
    )
    words: bool = Field(
        default=True,
        description="Whether to tell the words that weighed most; without, a call is faster.",
        json_schema_extra={"planned": False},
    )

    def taught(self) -> Taught:
        """All examples, in their order. Raises InvalidInput where there are too many."""
        texts = [example.text for example in self.examples or ()]
        labels = [example.label for example in self.examples or ()]
        for label, own in (self.examples_by_label or {}).items():
            texts += own
            labels += [label] * len(own)
        if len(texts) > MAX_EXAMPLES:
            raise InvalidInput(
                f"There are {len(texts):,} examples; {MAX_EXAMPLES:,} at most are learnt from.",
                param="examples_by_label",
            )
        return Taught(texts, labels)

    def about(self) -> dict[str, list[str]]:
        """What is said of each label; of one that only `examples` know, nothing can be."""
        found: dict[str, list[str]] = {}
        for label, said in (self.descriptions or {}).items():
            texts = [said] if isinstance(said, str) else said
            found[label] = [text for text in texts if text.strip()]
        if found and (self.examples or self.examples_by_label):
            raise InvalidInput("Give descriptions of the labels or examples, not both.",
                               param="descriptions")  # fmt: skip
        if (count := sum(map(len, found.values()))) > MAX_EXAMPLES:
            raise InvalidInput(
                f"There are {count:,} descriptions; {MAX_EXAMPLES:,} at most are read.",
                param="descriptions",
            )
        return found


class ClassifyTextResult(ToolData):
    """`labels` holds all labels with their scores, the likeliest first; `label` the winner, None
    when the tool abstains. With `multi_label`, `chosen` may hold several. Scores by examples add
    up to less than 1 where the text is unlike all of them."""

    labels: list[LabelScore]
    label: str | None
    chosen: list[str]
    abstained: bool
    method: Method
    task: Task | Literal["labels"]
    words: list[Word]


class ClassifyText(Tool):
    name = "classify_text"
    description = (
        "Says what kind of text something is: its sentiment (good or bad, happy or angry), topic, "
        "intent or language, or which of the labels it fits that the request gives. Use it to "
        "judge reviews and mails, to sort, tag, triage or route them."
    )
    examples = EXAMPLES
    Args = ClassifyTextArgs
    Result = ClassifyTextResult
    outputs: ClassVar[Mapping[str, Kind]] = {"labels": "labels"}

    def __init__(self) -> None:
        self._learnt = LearntHeads()

    async def __call__(self, args: ClassifyTextArgs, ctx: RunContext) -> ToolResult:
        if not args.text.strip():
            raise InvalidInput("The text is empty; give some text to classify.", param="text")
        taught, about = args.taught(), args.about()
        task, labels = _task(args, [*taught.labels, *about])
        if task == "language":
            return ToolResult(_language(args.text))
        if task == "sentiment":
            return ToolResult(await _sentiment(args, labels, ctx))
        multi = args.multi_label or len(labels) == 1
        told = taught.texts or [text for texts in about.values() for text in texts]
        language = _common_language(args.text, labels, told)
        said = {label: about.get(label, []) for label in labels} if about else {}
        choice = Choice(labels, language, multi, said)
        if taught.texts or said:
            head = await self._learnt.head(choice, taught, ctx)
        else:
            head = await by_labels(choice, ctx)
        return await _labels(args, task, choice, head, ctx)

    def render(self, data: Any, language: str) -> str:
        assert isinstance(data, ClassifyTextResult)
        return verdict(
            [(score.label, score.score) for score in data.labels],
            data.chosen,
            [word.word for word in data.words],
            task=data.task,
            language=language,
        )


def _task(
    args: ClassifyTextArgs, told: Sequence[str]
) -> tuple[Task | Literal["labels"], list[str]]:
    """What to do, and the labels to choose from, each once. `told`: the labels that have examples
    or descriptions."""
    given = [label.strip() for label in args.labels or ()]
    given += dict.fromkeys(told)
    labels = [label for label in dict.fromkeys(given) if label]
    if args.task == "language":
        return "language", []
    if not given:
        defaults: dict[Task | None, Sequence[str]] = {"topic": TOPICS, "intent": INTENTS}
        return args.task or "sentiment", list(defaults.get(args.task, LABELS))
    if not labels:
        raise InvalidInput("The labels are empty; give at least one word.", param="labels")
    if len(labels) > MAX_LABELS:
        raise InvalidInput(
            f"There are {len(labels):,} labels; {MAX_LABELS:,} at most are told apart.",
            param="examples",
        )
    # Words such as "good" and "bad" name a polarity, which similarity knows nothing of.
    polarities = [polarity_of(label) for label in labels]
    distinct = None not in polarities and len(set(polarities)) == len(labels) > 1
    if distinct and not told:
        return "sentiment", labels
    return args.task if args.task in {"topic", "intent"} else "labels", labels


def _language(text: str) -> ClassifyTextResult:
    guess = identify(text)
    sure = guess.code != UNDETERMINED and guess.probability >= LANGUAGE_THRESHOLD
    return ClassifyTextResult(
        labels=[LabelScore(label=guess.code, score=guess.probability)],
        label=guess.code if sure else None,
        chosen=[guess.code] if sure else [],
        abstained=not sure,
        method="language identification",
        task="language",
        words=[],
    )


def _language_of(text: str, sure: float = 0.5) -> str:
    """The language whose encoder fits; English where nothing says otherwise."""
    guess = identify(text)
    return guess.code if guess.probability >= sure else "en"


def _common_language(text: str, labels: Sequence[str], examples: Sequence[str]) -> str:
    """The language whose encoder fits text and labels: only English with English is MiniLM's."""
    if examples:
        step = -(-len(examples) // EXAMPLES_READ)
        beside, sure = "\n".join(each[:WINDOW_CHARS] for each in examples[::step]), FOREIGN
    else:
        beside, sure = ". ".join(labels), 0.5
    of_others = _language_of(beside)
    return of_others if of_others != "en" else _language_of(text, sure)


def _windows(text: str) -> tuple[list[str], NDArray[np.float64]]:
    """The text in pieces, evenly chosen where there are many, and their shares of the length."""
    spans = split_windows(text, WINDOW_CHARS)
    if len(spans) > MAX_WINDOWS:
        picks = np.linspace(0, len(spans) - 1, MAX_WINDOWS).round().astype(int)
        spans = [spans[i] for i in picks]
    lengths = np.array([span.end - span.start for span in spans], dtype=np.float64)
    return [text[s.start : s.end] for s in spans], lengths / lengths.sum()


async def _sentiment(
    args: ClassifyTextArgs, labels: Sequence[str], ctx: RunContext
) -> ClassifyTextResult:
    language = _language_of(args.text)
    order = [LABELS.index(polarity_of(label) or label) for label in labels]

    async def score(texts: Sequence[str], *, quick: bool = True) -> NDArray[np.float64]:
        rows = await sentiment_probabilities(
            ctx.models, texts, language=language, quick=quick, deadline=ctx.deadline
        )
        rows = rows[:, order]
        return np.asarray(rows / rows.sum(axis=1, keepdims=True))

    parts, shares = _windows(args.text)
    probabilities = shares @ await score(parts, quick=False)
    words = await _words(args, parts[0], score, probabilities, language)
    return _result(
        labels, probabilities, SENTIMENT_THRESHOLD, "sentiment head", "sentiment", words=words
    )


async def _labels(
    args: ClassifyTextArgs,
    task: Task | Literal["labels"],
    choice: Choice,
    head: Head,
    ctx: RunContext,
) -> ToolResult:
    labels, multi = choice.labels, choice.multi

    async def score(texts: Sequence[str]) -> NDArray[np.float64]:
        return head.score(texts, await choice.encoded(texts, ctx, deadline=ctx.deadline))

    learnt = head.method in {"example similarity", "logistic regression"}
    parts, shares = _windows(args.text)
    probabilities = shares @ await score(parts)
    few = bool(choice.about) or len(labels) <= LLM_MAX_LABELS
    if args.llm and not learnt and probabilities.max() < SURE and not multi and few:
        joined, usage = await second_look(args.text, choice, score, probabilities, ctx)
        if joined is None:
            return ToolResult(_result(labels, probabilities, SURE, head.method, task), usage=usage)
        return ToolResult(_result(labels, joined, SIMILARITY_THRESHOLD, "llm", task), usage=usage)
    threshold = EXAMPLES_THRESHOLD if learnt else SIMILARITY_THRESHOLD
    if multi:
        threshold = MULTI_THRESHOLD
    words = await _words(args, parts[0], score, probabilities, choice.language)
    return ToolResult(
        _result(labels, probabilities, threshold, head.method, task, multi=multi, words=words)
    )


async def _words(
    args: ClassifyTextArgs,
    text: str,
    score: Any,
    probabilities: NDArray[np.float64],
    language: str,
) -> list[WordWeight]:
    """The weights of the words of `text`, the first window; E5 is slow, so fewer of them there."""
    if not args.words:
        return []
    winner = int(probabilities.argmax())

    async def of_winner(texts: Sequence[str]) -> list[float]:
        return [float(p) for p in (await score(texts))[:, winner]]

    (whole,) = await of_winner([text])
    limit = 32 if encoder_name(language) == "minilm" else 12
    return await word_weights(text, whole, of_winner, limit=limit)


def _result(
    labels: Sequence[str],
    probabilities: NDArray[np.float64],
    threshold: float,
    method: Method,
    task: Task | Literal["labels"],
    *,
    multi: bool = False,
    words: Sequence[WordWeight] = (),
) -> ClassifyTextResult:
    order = np.argsort(-probabilities, kind="stable")
    scores = [LabelScore(label=labels[i], score=round(float(probabilities[i]), 4)) for i in order]
    passed = [score.label for score in scores if score.score >= threshold]
    chosen = passed if multi else passed[:1]
    return ClassifyTextResult(
        labels=scores,
        label=chosen[0] if chosen else None,
        chosen=chosen,
        abstained=not chosen,
        method=method,
        task=task,
        words=[Word(word=word, weight=weight) for word, weight in words],
    )
