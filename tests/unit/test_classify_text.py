"""classify_text on vectors that are known: which way it decides, and when it abstains."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from model_servers.contracts import ChatMessage, ChatReply, DeadlineExceeded, Usage
from model_servers.encoders import DIMENSIONS, RoledText
from model_servers.sentiment import EncodedText
from orchestrator.planner import plan_schema, signature
from tools.classify_text import (
    MAX_EXAMPLES,
    MAX_LABELS,
    ClassifyText,
    ClassifyTextArgs,
    ClassifyTextResult,
)
from tools.contracts import RunContext
from tools.errors import InvalidInput
from tools.label_heads import Example

WORDS = ("billing", "shipping", "returns", "paid", "parcel", "back", "great", "broke")
SAME = {"paid": "billing", "parcel": "shipping", "back": "returns"}


class WordPool:
    """Encoders whose vectors count words, and a sentiment head that knows two of them."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    async def predict(self, name: str, items: Sequence[Any], **_: Any) -> list[Any]:
        self.asked.append((name, len(items)))
        return [self._sentiment(i) if name == "sentiment" else self._vector(i) for i in items]

    def _vector(self, item: RoledText) -> Any:
        row = np.zeros(DIMENSIONS, dtype=np.float32)
        row[-1] = 0.1
        for word in item.text.lower().replace(".", " ").split():
            if word in WORDS:
                row[WORDS.index(SAME.get(word, word))] += 1
        return row / np.linalg.norm(row)

    def _sentiment(self, item: EncodedText) -> Any:
        if "broke" in item.text:
            return np.array([0.9, 0.07, 0.03])
        return np.array([0.05, 0.05, 0.9] if "great" in item.text else [0.34, 0.33, 0.33])


class FakeChat:
    def __init__(self, answer: Callable[[Sequence[ChatMessage]], str]) -> None:
        self.answer = answer

    async def complete(self, messages: Sequence[ChatMessage], **options: Any) -> ChatReply:
        return ChatReply(self.answer(messages), "stop", Usage(10, 5, 1))


def refuse(_: Sequence[ChatMessage]) -> str:
    raise AssertionError("the chat model must not be asked")


def context(
    pool: WordPool,
    answer: Callable[[Sequence[ChatMessage]], str] = refuse,
    timeout_s: float = 60.0,
) -> RunContext:
    return RunContext(
        models=pool,  # type: ignore[arg-type]
        chat=FakeChat(answer),  # type: ignore[arg-type]
        artifacts=None,  # type: ignore[arg-type]
        knowledge=None,  # type: ignore[arg-type]
        deadline=time.monotonic() + timeout_s,
    )


async def run(answer: Callable[[Sequence[ChatMessage]], str] = refuse, **args: Any) -> Any:
    tool = ClassifyText()
    return await tool(tool.Args(**args), context(WordPool(), answer))


LABELS = ["billing", "shipping", "returns"]


async def test_sentiment_is_the_default_and_names_its_words() -> None:
    data = (await run(text="The zip broke yesterday.")).data
    assert (data.label, data.method, data.abstained) == ("negative", "sentiment head", False)
    assert data.words[0].word == "broke"
    rendered = ClassifyText().render(data, "en")
    assert rendered.startswith("**negative** (90 %)")
    assert ClassifyText().render(data, "zh").startswith("**负面** (90 %)")


async def test_an_even_split_abstains() -> None:
    data = (await run(text="It is a thing.")).data
    assert (data.label, data.abstained) == (None, True)
    assert "can't tell" in ClassifyText().render(data, "en")


async def test_words_for_good_and_bad_are_sentiment_under_their_own_names() -> None:
    data = (await run(text="It broke.", labels=["good", "bad"])).data
    assert (data.label, data.method) == ("bad", "sentiment head")
    assert {score.label for score in data.labels} == {"good", "bad"}


async def test_labels_without_examples_go_by_similarity() -> None:
    data = (await run(text="my parcel", labels=LABELS)).data
    assert (data.label, data.method) == ("shipping", "label similarity")
    assert data.words[0].word == "parcel"


async def test_the_chat_model_is_asked_only_where_similarity_is_unsure() -> None:
    result = await run(lambda _: json.dumps({"label": "returns"}), text="hm", labels=LABELS)
    assert (result.data.label, result.data.method) == ("returns", "llm")
    assert result.usage.llm_calls == 1


@pytest.mark.parametrize("reply", ['{"label": "other"}', '{"label": "retu', "[]"])
async def test_a_reply_that_names_no_label_is_no_opinion(reply: str) -> None:
    data = (await run(lambda _: reply, text="hm", labels=LABELS)).data
    assert (data.label, data.abstained, data.method) == (None, True, "label similarity")


TOOLS = {"Bills": "For what was paid: billing.", "Post": ["Finds a parcel.", "shipping"], "X": ""}


async def test_described_labels_go_by_what_is_said_of_them() -> None:
    data = (await run(text="my parcel", descriptions=TOOLS)).data
    assert (data.label, data.method) == ("Post", "description similarity")
    assert {score.label for score in data.labels} == {"Bills", "Post", "X"}
    assert data.words[0].word == "parcel"


async def test_described_labels_are_read_once_for_all_calls() -> None:
    tool, pool = ClassifyText(), WordPool()
    for text in ("my parcel", "was it paid?"):
        args = tool.Args(text=text, descriptions=TOOLS, llm=False, words=False)
        await tool(args, context(pool))
    assert [count for _, count in pool.asked] == [11, 1, 1]


async def test_described_labels_are_likened_to_what_the_chat_model_says_too() -> None:
    seen: list[str] = []

    def answer(messages: Sequence[ChatMessage]) -> str:
        seen.append(messages[-1].content)
        return "PostFinder: shipping of a parcel"

    asked = {"text": "hm", "descriptions": {"A": "billing", "B": "shipping"}}
    assert (await run(**asked, llm=False)).data.labels[0].score == pytest.approx(0.5, abs=0.1)
    result = await run(answer, **asked)
    assert (result.data.label, result.data.method) == ("B", "llm")
    assert (result.usage.llm_calls, seen) == (1, ["hm"])
    assert sum(score.score for score in result.data.labels) == pytest.approx(1, abs=0.01)


async def test_the_text_counts_beside_what_the_chat_model_says_of_it() -> None:
    described = {"A": "billing", "B": "shipping", "C": "returns"}

    async def post(text: str) -> float:
        data = (await run(lambda _: "shipping or billing", text=text, descriptions=described)).data
        assert data.method == "llm"
        return float(next(score.score for score in data.labels if score.label == "B"))

    assert await post("billing or returns") < await post("hm") < await post("shipping or billing")


async def test_a_chat_model_that_says_nothing_has_no_opinion_of_described_labels() -> None:
    asked = {"text": "hm", "descriptions": {"A": "billing", "B": "shipping"}}
    result = await run(lambda _: " ", **asked)
    assert (result.usage.llm_calls, result.data.method) == (1, "description similarity")
    assert result.data.labels == (await run(**asked, llm=False)).data.labels


async def test_a_caller_may_do_without_the_chat_model() -> None:
    data = (await run(text="hm", labels=LABELS, llm=False)).data
    assert (data.method, data.abstained) == ("label similarity", True)


async def test_descriptions_beside_examples_are_refused() -> None:
    with pytest.raises(InvalidInput, match="not both"):
        await run(text="x", descriptions=TOOLS, examples_by_label={"Bills": ["paid"]})


async def test_more_descriptions_than_are_read_are_refused() -> None:
    many = {"a": ["x"] * (MAX_EXAMPLES + 1)}
    with pytest.raises(InvalidInput, match="20,000 at most"):
        await run(text="x", descriptions=many)


async def test_a_few_examples_make_centroids() -> None:
    examples = [Example(text="paid", label="money"), Example(text="parcel", label="post")]
    data = (await run(text="the parcel", examples=examples)).data
    assert (data.label, data.method) == ("post", "example similarity")


async def test_many_examples_make_a_regression() -> None:
    examples = [Example(text="paid", label="money"), Example(text="parcel", label="post")] * 8
    data = (await run(text="the parcel", examples=examples)).data
    assert (data.label, data.method) == ("post", "logistic regression")


MANY = [Example(text="paid", label="money"), Example(text="parcel", label="post")] * 8


async def test_examples_are_learnt_from_once_for_all_calls() -> None:
    tool, pool = ClassifyText(), WordPool()

    async def label(text: str, examples: Sequence[Example], **more: Any) -> Any:
        args = tool.Args(text=text, examples=list(examples), words=False, **more)
        data = (await tool(args, context(pool))).data
        assert isinstance(data, ClassifyTextResult)
        return data.label

    first = await asyncio.gather(*(label("the parcel", MANY) for _ in range(4)))
    assert first == ["post"] * 4
    assert await label("paid it", MANY) == "money"
    assert [size for _, size in pool.asked].count(len(MANY)) == 1
    # Other examples, other labels, or another way to choose are learnt anew.
    await label("paid it", MANY[:14])
    await label("paid it", MANY, labels=["post", "money"])
    await label("paid it", MANY, multi_label=True)
    assert [size for _, size in pool.asked].count(len(MANY)) == 3


async def test_examples_by_label_are_the_same_examples() -> None:
    tool, pool = ClassifyText(), WordPool()
    by_label = {"money": ["paid"] * 8, " post ": ["parcel"] * 8}
    args = tool.Args.model_validate({"text": "the parcel", "examples_by_label": by_label})
    data = (await tool(args, context(pool))).data
    assert isinstance(data, ClassifyTextResult)
    assert (data.label, data.method) == ("post", "logistic regression")
    both = tool.Args.model_validate(
        {"text": "a", "examples": [{"text": "b", "label": "c"}], "examples_by_label": by_label}
    )
    assert isinstance(both, ClassifyTextArgs)
    assert both.taught().labels == ["c", *["money"] * 8, *["post"] * 8]


async def test_more_examples_than_are_learnt_from_are_refused() -> None:
    with pytest.raises(InvalidInput, match="examples"):
        await run(text="a", examples_by_label={"x": ["a"] * MAX_EXAMPLES, "y": ["b"]})


async def test_the_examples_tell_which_encoder_is_asked() -> None:
    chinese = [
        Example(text="我的包裹在哪里", label="post"),
        Example(text="我付了钱", label="money"),
    ]
    for examples, text, encoder in (
        (MANY, "parcel", "minilm"),
        (MANY, "¿Dónde está mi tarjeta de crédito?", "e5"),
        (chinese, "parcel", "e5"),
    ):
        tool, pool = ClassifyText(), WordPool()
        await tool(tool.Args(text=text, examples=examples, words=False), context(pool))
        assert {name for name, _ in pool.asked} == {encoder}


async def test_learning_that_takes_too_long_says_so() -> None:
    class SlowPool(WordPool):
        async def predict(self, name: str, items: Sequence[Any], **options: Any) -> list[Any]:
            if len(items) == len(MANY):
                await asyncio.Event().wait()
            return await super().predict(name, items, **options)

    tool = ClassifyText()
    with pytest.raises(DeadlineExceeded, match="give fewer"):
        await tool(tool.Args(text="paid", examples=MANY), context(SlowPool(), timeout_s=0.05))


async def test_without_words_nothing_is_asked_for_them() -> None:
    tool, pool = ClassifyText(), WordPool()
    result = await tool(tool.Args(text="the parcel", labels=LABELS, words=False), context(pool))
    assert isinstance(result.data, ClassifyTextResult)
    assert (result.data.label, result.data.words) == ("shipping", [])
    assert [size for _, size in pool.asked] == [len(LABELS), 1]


def test_a_plan_never_asks_for_words() -> None:
    assert "words" not in signature(ClassifyText())
    schema = plan_schema([ClassifyText()], {})["properties"]["steps"]["items"]["anyOf"][0]
    assert "words" not in schema["properties"]["args"]["properties"]
    assert "examples_by_label" not in signature(ClassifyText())
    assert "labels" in schema["properties"]["args"]["properties"]


@pytest.mark.parametrize(
    ("example", "wrong"),
    [
        ({"text": "a", "label": "  "}, "label"),
        ({"text": "", "label": "b"}, "text"),
        ({"text": "a" * 4_001, "label": "b"}, "text"),
        ({"text": "a", "label": "b", "c": 1}, "c"),
    ],
)
def test_a_bad_example_is_named(example: dict[str, Any], wrong: str) -> None:
    good = {"text": "a", "label": " b "}
    with pytest.raises(ValidationError) as caught:
        ClassifyText.Args.model_validate({"text": "a", "examples": [good, example]})
    assert caught.value.errors()[0]["loc"] == ("examples", 1, wrong)
    args = ClassifyTextArgs.model_validate({"text": "a", "examples": [good]})
    assert args.examples == [Example(text="a", label="b")]


async def test_more_labels_than_can_be_told_apart_are_refused() -> None:
    examples = [Example(text="paid", label=str(i)) for i in range(MAX_LABELS + 1)]
    with pytest.raises(InvalidInput, match="labels"):
        await run(text="a", examples=examples)


async def test_several_labels_may_hold_or_none() -> None:
    data = (await run(text="paid for the parcel", labels=LABELS, multi_label=True)).data
    assert sorted(data.chosen) == ["billing", "shipping"]
    none = (await run(text="hm", labels=LABELS, multi_label=True)).data
    assert (none.chosen, none.abstained) == ([], True)


async def test_language() -> None:
    data = (await run(text="¿Dónde está mi pedido?", task="language")).data
    assert data.label == "es"
    assert ClassifyText().render(data, "de").startswith("**Spanisch**")
    assert (await run(text="12345", task="language")).data.abstained


@pytest.mark.parametrize("args", [{"text": "  "}, {"text": "a", "labels": [" "]}])
async def test_empty_input_says_so(args: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="empty"):
        await run(**args)


async def test_a_long_text_is_read_in_windows() -> None:
    data = (await run(text="It is great. " * 3000 + "One broke.")).data
    assert isinstance(data, ClassifyTextResult)
    assert data.label == "positive"
